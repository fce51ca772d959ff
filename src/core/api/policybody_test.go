package api

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

func storedPolicy() hook.Policy {
	return hook.Policy{
		ID: 3, ProjectID: 1, Name: "ci", Description: "d", Enabled: true, HookTypes: []hook.EventType{hook.PushImage},
		Filters: []hook.Filter{{Kind: hook.FilterTag, Pattern: "v.*"}},
		Targets: []hook.Target{
			{Type: "http", Address: "https://a.example/x?token=1", AuthHeader: "A", SkipCertVerify: true, PayloadFormat: "Default"},
			{Type: "http", Address: "https://b.example/y", AuthHeader: "B", PayloadFormat: "Events"},
		},
		Secret: "s", Creator: "admin",
	}
}

func TestAWriteReplacesWhatItNames(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body   string
		change func(*hook.Policy)
	}{
		"nothing":                {`{}`, func(*hook.Policy) {}},
		"white space":            {" {\n} \n", func(*hook.Policy) {}},
		"plain fields":           {`{"name":"n","description":"","enabled":false}`, func(p *hook.Policy) { p.Name, p.Description, p.Enabled = "n", "", false }},
		"hook types":             {`{"hook_types":["a","b","a"]}`, func(p *hook.Policy) { p.HookTypes = []hook.EventType{"a", "b"} }},
		"event types":            {`{"event_types":["a"]}`, func(p *hook.Policy) { p.HookTypes = []hook.EventType{"a"} }},
		"both names of one list": {`{"event_types":["b","a"],"hook_types":["a","b","b"]}`, func(p *hook.Policy) { p.HookTypes = []hook.EventType{"a", "b"} }},
		"an empty list":          {`{"hook_types":[]}`, func(p *hook.Policy) { p.HookTypes = []hook.EventType{} }},
		"filters": {`{"filters":[ {"kind":"repository","value" : "a|b"}, {"kind":"tag","value":["x","y"]}, {"kind":"tag","value":[]} ]}`, func(p *hook.Policy) {
			p.Filters = []hook.Filter{{Kind: "repository", Pattern: "a|b"}, {Kind: "tag", List: []string{"x", "y"}}, {Kind: "tag", List: []string{}}}
		}},
		"no filters": {`{"filters":[]}`, func(p *hook.Policy) { p.Filters = []hook.Filter{} }},
		"target at the same origin": {`{"target":"https://A.example:443/z"}`, func(p *hook.Policy) {
			p.Targets[0].Address = "https://A.example:443/z"
		}},
		"masked target": {`{"target":"https://a.example/x?token=********"}`, func(*hook.Policy) {}},
		"first target's fields": {`{"skip_cert_verify":false,"payload_format":"Slack","auth_header":"new"}`, func(p *hook.Policy) {
			p.Targets[0].SkipCertVerify, p.Targets[0].PayloadFormat, p.Targets[0].AuthHeader = false, "Slack", "new"
		}},
		"a template":           {`{"payload_format":"Custom","payload_template":"{{json .tag}}"}`, custom},
		"another type":         {`{"targets":[{"type":"slack"},{}]}`, func(p *hook.Policy) { p.Targets[0].Type, p.Targets[0].PayloadFormat = "slack", "" }},
		"a template of a list": {`{"targets":[{"payload_format":"Custom","payload_template":"{{json .tag}}"},{}]}`, custom},
		"masks":                {`{"auth_header":"********","secret":"********"}`, func(*hook.Policy) {}},
		"removed":              {`{"auth_header":"","secret":""}`, func(p *hook.Policy) { p.Targets[0].AuthHeader, p.Secret = "", "" }},
		"secret":               {`{"secret":"new"}`, func(p *hook.Policy) { p.Secret = "new" }},
		"fewer targets":        {`{"targets":[{"address":"https://a.example/x?token=1"}]}`, func(p *hook.Policy) { p.Targets = p.Targets[:1] }},
		"targets in order":     {`{"targets":[{},{"payload_format":"Default"}]}`, func(p *hook.Policy) { p.Targets[1].PayloadFormat = "Default" }},
		"targets turned round": {`{"targets":[{"address":"https://b.example/y"},{"address":"https://a.example/x?token=1","auth_header":"********"}]}`, func(p *hook.Policy) {
			p.Targets[0], p.Targets[1] = p.Targets[1], p.Targets[0]
		}},
		"a moved target with all secrets": {`{"target":"http://a.example/x","auth_header":"new","secret":"new"}`, func(p *hook.Policy) {
			p.Targets[0].Address, p.Targets[0].AuthHeader, p.Secret = "http://a.example/x", "new", "new"
		}},
		"a moved target without secrets": {`{"target":"https://c.example/x","auth_header":"","secret":""}`, func(p *hook.Policy) {
			p.Targets[0].Address, p.Targets[0].AuthHeader, p.Secret = "https://c.example/x", "", ""
		}},
		"a new target": {`{"secret":"new","targets":[{},{},{"address":"https://c.example/","auth_header":"C"}]}`, func(p *hook.Policy) {
			p.Secret = "new"
			p.Targets = append(p.Targets, hook.Target{Address: "https://c.example/", AuthHeader: "C"})
		}},
		"both names of one target": {`{"target":"https://a.example/q","targets":[{"address":"https:\/\/a.example/q","type":"http"},{}]}`, func(p *hook.Policy) {
			p.Targets[0].Address = "https://a.example/q"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := storedPolicy()
			tc.change(&want)
			stored := storedPolicy()
			got, err := applyPolicy(stored, []byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(storedPolicy(), stored); diff != "" {
				t.Errorf("the stored policy was changed: %s", diff)
			}
		})
	}
}

func custom(p *hook.Policy) {
	p.Targets[0].PayloadFormat, p.Targets[0].PayloadTemplate = "Custom", "{{json .tag}}"
}

// TestAFormatTakesWhatGoesWithItAlong is about policies whose stored type or
// template does not fit the format that is asked for now.
func TestAFormatTakesWhatGoesWithItAlong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stored, want hook.Target
		body         string
	}{
		"a template goes with its format": {
			hook.Target{Type: "http", PayloadFormat: "Custom", PayloadTemplate: "1"}, hook.Target{Type: "http", PayloadFormat: "Events"}, `{"payload_format":"Events"}`,
		},
		"a template stays": {
			hook.Target{Type: "http", PayloadFormat: "Custom", PayloadTemplate: "1"},
			hook.Target{Type: "http", PayloadFormat: "Custom", PayloadTemplate: "1"},
			`{"payload_format":"Custom"}`,
		},
		"a template for another format": {
			hook.Target{Type: "http", PayloadFormat: "Custom", PayloadTemplate: "1"},
			hook.Target{Type: "http", PayloadFormat: "Events", PayloadTemplate: "2"},
			`{"payload_format":"Events","payload_template":"2"}`,
		},
		"a type goes with its format": {
			hook.Target{Type: "slack", PayloadFormat: "Slack"}, hook.Target{PayloadFormat: "Events"}, `{"payload_format":"Events"}`,
		},
	} {
		stored := hook.Policy{Targets: []hook.Target{tc.stored}}
		stored.Targets[0].Address, tc.want.Address = "https://a.example/", "https://a.example/"
		got, err := applyPolicy(stored, []byte(tc.body))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff([]hook.Target{tc.want}, got.Targets); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAWriteIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, field string }{
		"empty":                    {``, ""},
		"blank":                    {` `, ""},
		"truncated":                {`{"name":`, ""},
		"not an object":            {`[]`, ""},
		"null":                     {`null`, ""},
		"two values":               {`{}{}`, ""},
		"rubbish after it":         {`{} x`, ""},
		"invalid UTF-8":            {"{\"name\":\"\xff\"}", ""},
		"too deep":                 {`{"name":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, ""},
		"unknown field":            {`{"Name":"x"}`, "Name"},
		"a long unknown field":     {`{"` + strings.Repeat("ä", 200) + `":1}`, strings.Repeat("ä", 32) + "…"},
		"duplicate":                {`{"name":"a","name":"b"}`, "name"},
		"escaped duplicate":        {`{"name":"a","n\u0061me":"b"}`, "name"},
		"NUL":                      {`{"name":"a\u0000"}`, "name"},
		"name of a wrong type":     {`{"name":1}`, "name"},
		"name null":                {`{"name":null}`, "name"},
		"enabled of a wrong type":  {`{"enabled":"true"}`, "enabled"},
		"id of a wrong type":       {`{"id":"1"}`, "id"},
		"id with a fraction":       {`{"id":1.5}`, "id"},
		"project_id":               {`{"project_id":[]}`, "project_id"},
		"creator":                  {`{"creator":{}}`, "creator"},
		"creation_time":            {`{"creation_time":"yesterday"}`, "creation_time"},
		"update_time":              {`{"update_time":1}`, "update_time"},
		"retry_on":                 {`{"retry_on":"network"}`, "retry_on"},
		"hook_types":               {`{"hook_types":"pushImage"}`, "hook_types"},
		"too many hook_types":      {`{"hook_types":["a"` + strings.Repeat(`,"a"`, 1000) + `]}`, "hook_types"},
		"hook_types entry":         {`{"hook_types":["a",2]}`, "hook_types[1]"},
		"hook_types null entry":    {`{"hook_types":[null]}`, "hook_types[0]"},
		"two lists of types":       {`{"hook_types":["a"],"event_types":["b"]}`, "event_types"},
		"filters":                  {`{"filters":{}}`, "filters"},
		"filter":                   {`{"filters":["x"]}`, "filters[0]"},
		"filter null":              {`{"filters":[null]}`, "filters[0]"},
		"filter without kind":      {`{"filters":[{"value":"x"}]}`, "filters[0].kind"},
		"filter without value":     {`{"filters":[{"kind":"tag"}]}`, "filters[0].value"},
		"filter with null":         {`{"filters":[{"kind":"tag","value":null}]}`, "filters[0].value"},
		"filter with a number":     {`{"filters":[{"kind":"tag","value":1}]}`, "filters[0].value"},
		"filter with a list":       {`{"filters":[{"kind":"tag","value":["a",1]}]}`, "filters[0].value[1]"},
		"filter with more":         {`{"filters":[{"kind":"tag","value":"a","x":1}]}`, "filters[0].x"},
		"filter with duplicates":   {`{"filters":[{"kind":"tag","kind":"tag","value":"a"}]}`, "filters[0].kind"},
		"targets":                  {`{"targets":{}}`, "targets"},
		"no targets":               {`{"targets":[]}`, "targets"},
		"target":                   {`{"target":{}}`, "target"},
		"target in targets":        {`{"targets":["https://a.example"]}`, "targets[0]"},
		"unknown field of target":  {`{"targets":[{"url":"x"}]}`, "targets[0].url"},
		"address of a wrong type":  {`{"targets":[{},{"address":1}]}`, "targets[1].address"},
		"new target, no address":   {`{"secret":"n","targets":[{},{},{"auth_header":"x"}]}`, "target"},
		"two addresses":            {`{"target":"https://a.example/1","targets":[{"address":"https://a.example/2"}]}`, "target"},
		"two auth headers":         {`{"auth_header":"1","targets":[{"auth_header":"2"}]}`, "auth_header"},
		"two verifications":        {`{"skip_cert_verify":true,"targets":[{"skip_cert_verify":false}]}`, "skip_cert_verify"},
		"two templates":            {`{"payload_template":"1","targets":[{"payload_template":"2"},{}]}`, "payload_template"},
		"two formats":              {`{"payload_format":"A","targets":[{"payload_format":"B"}]}`, "payload_format"},
		"skip_cert_verify":         {`{"skip_cert_verify":"no"}`, "skip_cert_verify"},
		"secret of a wrong type":   {`{"secret":1}`, "secret"},
		"auth header moves host":   {`{"secret":"n","target":"https://evil.example/x"}`, "auth_header"},
		"masked, moves host":       {`{"secret":"n","auth_header":"********","target":"https://evil.example/x"}`, "auth_header"},
		"auth header moves port":   {`{"secret":"n","target":"https://a.example:444/x"}`, "auth_header"},
		"auth header moves scheme": {`{"secret":"n","target":"http://a.example/x"}`, "auth_header"},
		"auth header moves along":  {`{"targets":[{},{"address":"https://a.example/other"}]}`, "targets[1].auth_header"},
		"secret moves":             {`{"auth_header":"n","target":"https://evil.example/x"}`, "secret"},
		"secret moves in a list":   {`{"targets":[{},{},{"address":"https://evil.example/x"}]}`, "secret"},
		"kept secret, bad target":  {`{"target":"ftp://a.example/x"}`, "target"},
		"empty target":             {`{"target":""}`, "target"},
		"mask without a secret":    {`{"secret":"n","targets":[{},{},{"address":"https://c.example/","auth_header":"********"}]}`, "targets[2].auth_header"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := applyPolicy(storedPolicy(), []byte(tc.body))
			var invalid *hook.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v", err)
			}
			if invalid.Field != tc.field {
				t.Errorf("names %q (%s), want %q", invalid.Field, invalid.Reason, tc.field)
			}
		})
	}
}

func TestANewPolicyHasDefaults(t *testing.T) {
	t.Parallel()
	base := hook.Policy{ProjectID: 1, Enabled: true}
	got, err := applyPolicy(base, []byte(`{"target":"https://a.example"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := hook.Policy{ProjectID: 1, Enabled: true, Targets: []hook.Target{{Address: "https://a.example"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, body := range []string{`{}`, `{"targets":[{}]}`, `{"target":"https://a.example","secret":"********"}`, `{"target":"https://a.example","auth_header":"********"}`} {
		if _, err := applyPolicy(base, []byte(body)); err == nil {
			t.Errorf("%s was taken", body)
		}
	}
}

func FuzzPolicyBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"name":"x","hook_types":["a"],"filters":[{"kind":"tag","value":["x"]}],"target":"https://a.example"}`,
		`{"filters":[null]}`, `{"targets":[{"address":"https://b.example/y","auth_header":"********"}]}`, `[null]`, `{"a":1}{`, `{"targets":[{},null]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		stored := storedPolicy()
		p, err := applyPolicy(stored, body)
		if err != nil {
			if invalid := (*hook.InvalidError)(nil); !errors.As(err, &invalid) {
				t.Fatalf("%q: %v is no fault of the caller", body, err)
			}
			return
		}
		if p.ID != stored.ID || p.ProjectID != stored.ProjectID || p.Creator != stored.Creator || len(p.Targets) == 0 {
			t.Fatalf("%q became %+v", body, p)
		}
		if !utf8.ValidString(p.Name + p.Description + p.Secret) {
			t.Fatalf("%q has text that is not UTF-8", body)
		}
		// A stored secret is only ever found at an origin that had it.
		for _, target := range p.Targets {
			for _, before := range stored.Targets {
				if target.AuthHeader == before.AuthHeader && !strings.Contains(string(body), "auth_header") &&
					hook.TargetOrigin(target.Address) != hook.TargetOrigin(before.Address) {
					t.Fatalf("%q moved a secret to %s", body, target.Address)
				}
			}
		}
	})
}

package component_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/component"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// catalog is shared: making one compiles its schemas.
var catalog = sync.OnceValue(event.DefaultCatalog)

var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

const digest = "sha256:5e30b36087835d50100b2b88e52205588e8c11ef2034b996ee6de1c7453c4272"

// scan is a right event, with members replaced, added or (nil) left out.
func scan(changes ...any) string {
	m := map[string]any{
		"id": "scan-1", "type": "scanningCompleted", "project": "prj", "repository": "team/repo1", "tag": "latest", "digest": digest,
		"occurred_at": "2026-11-23T12:30:00.5+01:00", "operator": "auto",
		"data": map[string]any{"scan_overview": map[string]any{"application/x": map[string]any{"severity": "High"}}},
	}
	for i := 0; i < len(changes); i += 2 {
		name := changes[i].(string)
		if m[name] = changes[i+1]; changes[i+1] == nil {
			delete(m, name)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// raw is JSON that stands for itself.
func raw(text string) json.RawMessage { return json.RawMessage(text) }

func TestAnEventIsReadWhole(t *testing.T) {
	t.Parallel()
	want := hook.Event{
		ID: "component:scan-1", Type: hook.ScanningCompleted, Project: "prj", Repository: "team/repo1",
		Resources:  []hook.Resource{{Tag: "latest", Digest: digest}},
		OccurredAt: time.Date(2026, time.November, 23, 11, 30, 0, 500_000_000, time.UTC), Operator: "auto",
		Data: raw(`{"scan_overview":{"application/x":{"severity":"High"}}}`),
	}
	body := strings.Replace(scan(), `"severity":`, `"severity" : `, 1)
	for _, tt := range []struct {
		body     string
		pointers []string
	}{
		{body, []string{""}},
		{" \n" + body + "\n", []string{""}},
		{"[" + body + "]", []string{"/0"}},
		{"[ " + body + " ,\n" + body + "]", []string{"/0", "/1"}},
		{"[]", nil},
	} {
		told, err := component.Decode([]byte(tt.body), catalog(), noon)
		if err != nil {
			t.Fatalf("%s: %v", tt.body, err)
		}
		var all []component.Told
		for _, pointer := range tt.pointers {
			all = append(all, component.Told{Pointer: pointer, Event: want})
		}
		if diff := cmp.Diff(all, append([]component.Told(nil), told...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.body, diff)
		}
	}
}

func TestWhatMayBeLeftOut(t *testing.T) {
	t.Parallel()
	quota := []any{"type", "quotaWarning", "data", raw(`{"quota":{"details":"85%"}}`)}
	for name, tt := range map[string]struct {
		body string
		want func(e hook.Event) bool
	}{
		"time":                    {scan("occurred_at", nil), func(e hook.Event) bool { return e.OccurredAt.Equal(noon) }},
		"operator":                {scan("operator", nil), func(e hook.Event) bool { return e.Operator == "" }},
		"tag":                     {scan("tag", nil), func(e hook.Event) bool { return e.Resources[0].Digest == digest && e.Resources[0].Tag == "" }},
		"digest":                  {scan("digest", nil), func(e hook.Event) bool { return e.Resources[0].Tag == "latest" }},
		"an empty tag":            {scan("tag", ""), func(e hook.Event) bool { return e.Resources[0].Tag == "" }},
		"data of a failed scan":   {scan("type", "scanningFailed", "data", nil), func(e hook.Event) bool { return string(e.Data) == "{}" }},
		"the artifact of a quota": {scan(append(quota, "tag", nil, "digest", nil)...), func(e hook.Event) bool { return e.Repository != "" && e.Resources == nil }},
		"the repository of a quota": {
			scan(append(quota, "repository", nil, "tag", nil, "digest", nil)...),
			func(e hook.Event) bool { return e.Repository == "" && e.Resources == nil },
		},
	} {
		told, err := component.Decode([]byte(tt.body), catalog(), noon)
		if err != nil || !tt.want(told[0].Event) {
			t.Errorf("%s: %+v, %v", name, told, err)
		}
	}
}

func TestASampleOfEachTypeIsTaken(t *testing.T) {
	t.Parallel()
	for _, typ := range catalog().Types() {
		s := typ.Sample
		members := []any{"id", "1", "type", typ.Name, "repository", nil, "tag", nil, "digest", nil, "data", s.Data}
		if s.Repository != "" {
			members = append(members, "repository", s.Repository)
		}
		if len(s.Resources) > 0 {
			members = append(members, "tag", s.Resources[0].Tag, "digest", s.Resources[0].Digest)
		}
		if !typ.OfComponent() {
			members = append(members, "data", nil)
		}
		told, err := component.Decode([]byte(scan(members...)), catalog(), noon)
		if !typ.OfComponent() {
			wantMistake(t, string(typ.Name), err, "/type", "is no event type of components")
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", typ.Name, err)
			continue
		}
		if diff := cmp.Diff(string(s.Data), string(told[0].Event.Data)); diff != "" {
			t.Errorf("%s: data (-want +got):\n%s", typ.Name, diff)
		}
	}
}

// wantMistake checks that err names the place and the reason.
func wantMistake(t *testing.T, name string, err error, field, reason string) {
	t.Helper()
	var invalid *hook.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != field || !strings.Contains(invalid.Reason, reason) {
		t.Errorf("%s: %v, want %q at %q", name, err, reason, field)
	}
}

func TestTheMistakeOfAMessageIsNamed(t *testing.T) {
	t.Parallel()
	list := func(events ...string) string { return "[" + strings.Join(events, ",") + "]" }
	deep := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	for name, tt := range map[string]struct{ body, field, reason string }{
		"empty":             {"", "", "the body is empty"},
		"blank":             {" \n", "", "the body is empty"},
		"not JSON":          {`{"id":`, "", "not valid JSON (at byte 6)"},
		"two values":        {"{} {}", "", "not valid JSON"},
		"invalid UTF-8":     {"{\"id\":\"\xff\"}", "", "not valid UTF-8"},
		"a string":          {`"event"`, "", "must be a JSON object, or a list"},
		"null":              {`null`, "", "must be a JSON object, or a list"},
		"null in a list":    {list(scan(), "null"), "/1", "must be a JSON object"},
		"list in a list":    {list(list(scan())), "/0", "must be a JSON object"},
		"too many events":   {list(strings.Split(strings.Repeat("{},", component.MaxEvents)+"{}", ",")...), "", "has 101 events"},
		"nested too deeply": {scan("data", raw(deep(40))), "/data" + strings.Repeat("/0", 31), "nested deeper"},
		"nested absurdly":   {deep(20_000), "", "not valid JSON"},

		"second of a list":       {list(scan(), scan("data", raw("{}"))), "/1/data/scan_overview", "is missing"},
		"unknown field":          {scan("colour", "red"), "/colour", "unknown field"},
		"another case":           {scan("ID", "x"), "/ID", "unknown field"},
		"name with a slash":      {list(scan("a/b", 1)), "/0/a~1b", "unknown field"},
		"a member twice":         {strings.Replace(scan(), `{`, `{"id":"first",`, 1), "/id", "is given twice"},
		"a member of data twice": {scan("data", raw(`{"scan_overview":{"a/b":{}},"scan_overview":{"a/b":{}}}`)), "/data/scan_overview", "is given twice"},
		"a number beyond double": {scan("data", raw(`{"scan_overview":{"a":1e400}}`)), "/data/scan_overview/a", "out of range"},
		"a tiny number":          {scan("data", raw(`{"scan_overview":{"a":1e-99999}}`)), "/data/scan_overview/a", "out of range"},
		"a long number":          {scan("data", raw(`{"scan_overview":{"a":`+strings.Repeat("1", 41)+`}}`)), "/data/scan_overview/a", "out of range"},

		"no id":                   {scan("id", nil), "/id", "is missing"},
		"empty id":                {scan("id", ""), "/id", "must not be empty"},
		"id is a number":          {scan("id", 7), "/id", "must be a string"},
		"id is null":              {scan("id", raw("null")), "/id", "must be a string"},
		"long id":                 {scan("id", strings.Repeat("x", 129)), "/id", "has 129 bytes"},
		"id with a line break":    {scan("id", "a\nb"), "/id", "control characters"},
		"no type":                 {scan("type", nil), "/type", "is missing"},
		"unknown type":            {scan("type", "explode"), "/type", "no event type of components"},
		"type of a registry":      {scan("type", "pushImage"), "/type", "no event type of components"},
		"name in Harbor 2":        {scan("type", "SCANNING_COMPLETED"), "/type", "no event type of components"},
		"no project":              {scan("project", nil), "/project", "is missing"},
		"no repository of a scan": {scan("repository", nil), "/repository", "is missing"},
		"tag without repository":  {scan("type", "quotaWarning", "repository", nil, "data", raw(`{"quota":{"details":"x"}}`)), "/repository", "is missing"},
		"nothing named":           {scan("tag", nil, "digest", nil), "/digest", "is missing"},
		"bad repository":          {scan("repository", "Team/repo"), "/repository", "not the name of a repository"},
		"repository climbs":       {scan("repository", "../x"), "/repository", "not the name of a repository"},
		"bad tag":                 {scan("tag", "-x"), "/tag", "not a tag"},
		"long tag":                {scan("tag", strings.Repeat("x", 129)), "/tag", "not a tag"},
		"bad digest":              {scan("digest", "latest"), "/digest", "not a digest"},
		"operator with NUL":       {scan("operator", "a\x00"), "/operator", "control characters"},
		"local time":              {scan("occurred_at", "2026-11-23 12:00:00"), "/occurred_at", "RFC 3339"},
		"time is a number":        {scan("occurred_at", 1583222332130), "/occurred_at", "must be a string"},
		"a day ahead":             {scan("occurred_at", "2026-11-24T12:00:01Z"), "/occurred_at", "ahead"},
		"no year":                 {scan("occurred_at", "0001-01-01T00:00:00Z"), "/occurred_at", "before the year 2000"},
		"no data":                 {scan("data", nil), "/data/scan_overview", "is missing"},
		"data is null":            {scan("data", raw("null")), "/data", "got null, want object"},
		"data is a list":          {scan("data", raw("[]")), "/data", "got array, want object"},
		"too much data":           {scan("data", raw(`{"scan_overview":{"x":"`+strings.Repeat("x", component.MaxData)+`"}}`)), "/data", "at most 262144"},
		"the first mistake":       {scan("id", "", "type", "explode"), "/id", "must not be empty"},
	} {
		_, err := component.Decode([]byte(tt.body), catalog(), noon)
		wantMistake(t, name, err, tt.field, tt.reason)
	}
}

// FuzzDecode checks that whatever comes is read, or refused by naming a place,
// and that what was read can be stored and sent.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		scan(), "[" + scan() + "]", scan("data", raw(`{"scan_overview":{"a/b":{"summary":{"total":1e3}}}}`)), scan("id", "\u2028\u202e😀"),
		`[{"id":"1","id":"2"}]`, `{"data":{"a":1e999999999}}`, "[[[[[[", `{"~/":1}`, "\xef\xbb\xbf{}", `{"id":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		told, err := component.Decode(body, catalog(), noon)
		if err != nil {
			var invalid *hook.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("error %v is no mistake of the message", err)
			}
			if invalid.Field != "" && invalid.Field[0] != '/' || invalid.Reason == "" {
				t.Errorf("mistake %q at %q", invalid.Reason, invalid.Field)
			}
			return
		}
		for _, one := range told {
			e := one.Event
			if e.ID == hook.ComponentEventID("") || e.Type == "" || e.Project == "" || e.OccurredAt.IsZero() {
				t.Errorf("incomplete: %+v", e)
			}
			if strings.ContainsRune(e.ID+e.Project+e.Repository+e.Operator, 0) {
				t.Errorf("cannot be stored: %+v", e)
			}
			if err := catalog().CheckData(e.Type, e.Data); err != nil {
				t.Errorf("data %s: %v", e.Data, err)
			}
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("%+v: %v", e, err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body := []byte("[" + strings.Repeat(scan()+",", component.MaxEvents-1) + scan() + "]")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := component.Decode(body, catalog(), noon); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleDecode() {
	_, err := component.Decode([]byte(`[{"id":"1","type":"scanningCompleted","project":"prj","repository":"app","tag":"v1"}]`),
		event.DefaultCatalog(), time.Now())
	fmt.Println(err)
	// Output: /0/data/scan_overview: is missing
}

package payload_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/hook"
)

func renderAs(format string, e hook.Event) (string, error) {
	body, _, err := payload.DefaultFormats().Render(e, target(format), options())
	return string(body), err
}

func renderTemplate(template string, e hook.Event) (string, error) {
	body, _, err := payload.DefaultFormats().Render(e, hook.Target{PayloadFormat: payload.NameCustom, PayloadTemplate: template}, options())
	return string(body), err
}

func TestTemplatesSayWhatTheirAuthorsMean(t *testing.T) {
	t.Parallel()
	e := hook.Event{
		ID: "e1", Type: hook.PushImage, Project: "prj", Repository: "team/app", Operator: `Al "the" <king>`, OccurredAt: time.UnixMilli(1583222332130),
		Resources: []hook.Resource{{Tag: "v1.2", Digest: "sha256:aa", Change: hook.ChangeNew}, {Tag: "latest"}},
		Data:      json.RawMessage(`{"quota":{"used":10485760,"ratio":0.5,"names":["a","b"]},"words":"aé"}`),
	}
	tests := []struct{ template, want string }{
		{`"{{.type}} {{.harbor_type}} {{.title}}"`, `"pushImage PUSH_ARTIFACT Image pushed"`},
		{`"{{.full_name}} {{.repository}} {{.project}} {{.project_type}}"`, `"prj/team/app team/app prj Private"`},
		{`"{{.tag}} {{.digest}} {{.change}} {{.resource_url}}"`, `"v1.2 sha256:aa new hub.example.com/prj/team/app:v1.2"`},
		{`"{{.occurred_at}}", `, ``},
		{`["{{.occurred_at}}",{{.trigger_time}},{{.recovered}}]`, `["2020-03-03T07:58:52Z",1583222332130,false]`},
		{`"{{.operator}}"`, `"Al \"the\" <king>"`},
		{`{{json .operator}}`, `"Al \"the\" <king>"`},
		{`"by {{printf "%q" .operator}}"`, `"by \"Al \\\"the\\\" <king>\""`},
		{`"{{json .tag}}"`, ``},
		{`"{{print (json .tag)}}{{printf "%s" (json .tag)}}{{trim (json .tag)}}"`, `"\"v1.2\"\"v1.2\"\"v1.2\""`},
		{`"{{slice .data.words 0 2}}"`, `"a\ufffd"`},
		{`"{{.tag | trimPrefix "v" | upper}}"`, `"1.2"`},
		{`"{{.full_name | replace "/" "-" | trimSuffix "app"}}"`, `"prj-team-"`},
		{`"{{.project | upper | lower}}{{trim "  x "}}"`, `"prjx"`},
		{`"{{.image_id | default "unknown"}}"`, `"unknown"`},
		{`"{{.digest | truncate 6}}"`, `"sha256"`},
		{`"{{join "+" .data.quota.names}}"`, `"a+b"`},
		{`[{{.data.quota.used}},{{.data.quota.ratio}},{{json .data.quota}}]`, `[10485760,0.5,{"names":["a","b"],"ratio":0.5,"used":10485760}]`},
		{`{{if gt .data.quota.used 5}}true{{else}}false{{end}}`, `true`},
		{`"{{index .data "nothing" | default "none"}}"`, `"none"`},
		{`{{with index .data "nothing"}}{{json .}}{{else}}null{{end}}`, `null`},
		{`{{if and (hasPrefix "v" .tag) (hasSuffix "2" .tag) (contains "." .tag)}}1{{end}}`, `1`},
		{`[{{range $i, $r := .resources}}{{if $i}},{{end}}{"n":{{$i}},"tag":"{{$r.tag}}"}{{end}}]`, `[{"n":0,"tag":"v1.2"},{"n":1,"tag":"latest"}]`},
		{`[{{range .resources}}{{break}}{{end}}]`, `[]`},
		{`"{{range 3}}x{{end}}"`, `"xxx"`},
		{`"{{$x := .tag}}{{$x = print $x "!"}}{{$x}}"`, `"v1.2!"`},
		{`"{{slice .tag 1}} {{len .resources}} {{printf "%05d|%-4s|%.2f" 7 "a" 1.5}}"`, `"1.2 2 00007|a   |1.50"`},
		{`{{json .resources}}`, `[{"change":"new","digest":"sha256:aa","image_id":"","platforms":[],"resource_url":"hub.example.com/prj/team/app:v1.2","tag":"v1.2"},` +
			`{"change":"","digest":"","image_id":"","platforms":[],"resource_url":"hub.example.com/prj/team/app:latest","tag":"latest"}]`},
	}
	for _, tt := range tests {
		got, err := renderTemplate(tt.template, e)
		if tt.want == "" {
			if err == nil {
				t.Errorf("%s: %s, want an error", tt.template, got)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%s\ngives %s, %v\nwant  %s", tt.template, got, err, tt.want)
		}
	}
}

type refused struct{ name, template, reason string }

// explosive are templates that would run for ever, or fill the memory, if
// text/template had its way.
func explosive() []refused {
	return []refused{
		{"counts", `{{range 1000000000}}{{end}}`, "loops too long"},
		{"counts in loops", `{{range 9000}}{{range 9000}}{{range 9000}}{{end}}{{end}}{{end}}`, "loops too long"},
		{"counts down below zero's end", `{{range 9223372036854775807}}{{continue}}{{end}}`, "loops too long"},
		{"counts in else", `{{range 0}}{{else}}{{range 1000000000}}{{end}}{{end}}`, "loops too long"},
		{"counts in a condition", `{{if true}}{{with 1}}{{range 1000000000}}{{if false}}{{end}}{{end}}{{end}}{{end}}`, "loops too long"},
		{"has much to do in each turn", `{{range 1000}}` + strings.Repeat(`{{if eq "a" "b"}}{{end}}`, 80) + `{{end}}`, "loops too long"},
		{"recurs", `{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`, "define"},
		{"recurs by its own name", `{{define "template"}}{{template "template"}}{{end}}`, "not possible"},
		{"recurs through the root", `{{template "template" .}}`, "not possible"},
		{"blocks", `{{block "x" .}}1{{end}}`, "define and block"},
		{"pads", `"{{printf "%1000000000d" 1}}"`, "two digits"},
		{"pads by argument", `"{{printf "%*d" 1000000000 1}}"`, "not possible"},
		{"is precise", `"{{printf "%.1000000f" 1.0}}"`, "two digits"},
		{"is precise by argument", `"{{printf "%.*f" 1000000 1.0}}"`, "not possible"},
		{"prints one argument often", `"{{printf "%[1]s%[1]s" "a"}}"`, "not possible"},
		{"pads often", `"{{printf "` + strings.Repeat("%99d", 700) + `" 1}}"`, "too long"},
		{"doubles", `{{$x := "xxxxxxxx"}}{{range 40}}{{$x = print $x $x}}{{end}}"{{$x}}"`, "too long"},
		{"doubles with printf", `{{$x := "xxxxxxxx"}}{{range 40}}{{$x = printf "%s%s" $x $x}}{{end}}"{{$x}}"`, "too long"},
		{"doubles with replace", `{{$x := "xxxxxxxx"}}{{range 40}}{{$x = replace "" $x $x}}{{end}}"{{$x}}"`, "too long"},
		{"doubles with json", `{{$x := "\"\\"}}{{range 40}}{{$x = print (json (print $x)) }}{{end}}"{{$x}}"`, "too much text"},
		{"writes much", `"{{range 1900}}` + strings.Repeat("x", 100) + `{{end}}"`, "writes more"},
		{"makes much", `{{$x := printf "%99s%99s%99s%99s" "" "" "" ""}}{{range 4000}}{{$y := upper $x}}{{end}}1`, "too much text"},
		{"calls", `{{call .type}}`, `"call"`},
		{"escapes for HTML", `{{html .type}}`, `"html"`},
		{"prints lines", `{{println .type}}`, `"println"`},
		{"calls what is ours", `{{_step -1000000}}1`, `"_step"`},
		{"calls what is ours in a pipe", `{{range 5 | _range}}1{{end}}`, `"_range"`},
		{"joins what is no list", `"{{join "," .tag}}"`, "wants a list"},
		{"prints a list", `"{{print .resources}}"`, "use json"},
		{"cuts JSON", `{{slice (json .type) 0 5}}`, "error calling slice"},
		{"is no UTF-8", "\"\xff\"", "valid UTF-8"},
		{"ranges over text", `{{range .tag}}{{end}}`, "range over string"},
	}
}

func TestTemplatesThatExplodeAreStopped(t *testing.T) {
	t.Parallel()
	sample := event.DefaultCatalog().Types()[0].Sample
	for _, c := range explosive() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			body, err := renderTemplate(c.template, sample)
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %.100q, %v; want an error that says %q", body, err, c.reason)
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("stopped after %s", took)
			}
		})
	}
}

// BenchmarkExplosiveTemplates shows what a template can cost at most: rendering
// is on the path on which a registry waits for its answer.
func BenchmarkExplosiveTemplates(b *testing.B) {
	sample := event.DefaultCatalog().Types()[0].Sample
	for _, c := range explosive() {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := renderTemplate(c.template, sample); err == nil {
					b.Fatal("not stopped")
				}
			}
		})
	}
}

// TestLargeEventsCannotMakeATemplateSlow has the largest data that a template is
// given, and templates that go over it again and again.
func TestLargeEventsCannotMakeATemplateSlow(t *testing.T) {
	t.Parallel()
	e := event.DefaultCatalog().Types()[0].Sample
	e.Data = json.RawMessage(`{"list":[` + strings.Repeat(`"",`, 60_000) + `""],"text":"` + strings.Repeat("x", 60_000) + `"}`)
	for _, template := range []string{
		`{{range 9000}}{{range $.data.list}}{{break}}{{end}}{{end}}1`,
		`{{range 9000}}{{$x := join "" $.data.list}}{{end}}1`,
		`{{range 9000}}{{$x := json $.data}}{{end}}1`,
		`{{range 9000}}{{$x := contains "y" $.data.text}}{{end}}1`,
	} {
		begin := time.Now()
		if _, err := renderTemplate(template, e); err == nil {
			t.Errorf("%s is not stopped", template)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s takes %s", template, took)
		}
	}
	e.Data = json.RawMessage(`{"text":"` + strings.Repeat("x", 300_000) + `"}`)
	if _, err := renderTemplate(`1`, e); err == nil || !strings.Contains(err.Error(), "bytes of data") {
		t.Errorf("an event with too much data: %v", err)
	}
}

func TestATemplateIsCheckedWhenItIsSaved(t *testing.T) {
	t.Parallel()
	custom := func(template string) hook.Target {
		return hook.Target{PayloadFormat: payload.NameCustom, PayloadTemplate: template}
	}
	tests := []struct {
		name          string
		target        hook.Target
		types         []hook.EventType
		field, reason string // empty: it is valid
	}{
		{"valid", custom(exampleTemplate), []hook.EventType{hook.PushImage, hook.DeleteChart}, "", ""},
		{"another format", hook.Target{PayloadFormat: "Events"}, []hook.EventType{hook.PushImage}, "", ""},
		{"of the longest", custom("1" + strings.Repeat(" ", 4095)), []hook.EventType{hook.PushImage}, "", ""},
		{"too long", custom("1" + strings.Repeat(" ", 4096)), []hook.EventType{hook.PushImage}, "payload_template", "4097 bytes"},
		{"none", custom(""), []hook.EventType{hook.PushImage}, "payload_template", "is missing"},
		{"blank", custom(" "), []hook.EventType{hook.PushImage}, "payload_template", "valid JSON"},
		{"with another format", hook.Target{PayloadFormat: "Default", PayloadTemplate: "1"}, []hook.EventType{hook.PushImage}, "payload_template", "Custom only"},
		{"unknown format", hook.Target{PayloadFormat: "XML"}, []hook.EventType{hook.PushImage}, "payload_format", `"XML"`},
		{"does not parse", custom("{{if}}"), []hook.EventType{hook.PushImage}, "payload_template", "sample of pushImage: line 1: missing value for if"},
		{"no JSON", custom(`{"a": {{.operator}}}`), []hook.EventType{hook.PushImage}, "payload_template", "invalid character 'a' looking for beginning of value at byte 7"},
		{"misspelt", custom(`"{{.operatr}}"`), []hook.EventType{hook.PushImage}, "payload_template", `line 1:3: at <.operatr>: map has no entry for key "operatr"`},
		{"two values", custom(`1 2`), []hook.EventType{hook.PushImage}, "payload_template", "valid JSON"},
		{"JSON for some types only", custom(`{{if eq .type "pushImage"}}1{{end}}`), []hook.EventType{hook.PushImage, hook.PullImage}, "payload_template", "sample of pullImage"},
		{"loops", custom(`{{range 1000000000}}{{end}}`), []hook.EventType{hook.PushImage}, "payload_template", "loops too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := payload.DefaultFormats().Check(tt.target, tt.types, options())
			if tt.field == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var invalid *hook.InvalidError
			if !errors.As(err, &invalid) || invalid.Field != tt.field || !strings.Contains(invalid.Reason, tt.reason) {
				t.Errorf("got %v, want an InvalidError of %s that says %q", err, tt.field, tt.reason)
			}
		})
	}
}

// TestHostileValuesDoNotLeaveTheirString is about templates that write values
// into strings without the function json.
func TestHostileValuesDoNotLeaveTheirString(t *testing.T) {
	t.Parallel()
	for _, s := range hostile() {
		e := hook.Event{ID: "e", Type: hook.PushImage, Operator: s}
		body, err := renderTemplate(`{"a": "{{.operator}}", "b": {{json .operator}}, "c": "{{print .operator}}"}`, e)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]string
		if err := json.Unmarshal([]byte(body), &got); err != nil || len(got) != 3 {
			t.Fatalf("%q: %v in %s", s, err, body)
		}
		for name, value := range got {
			if value != decoded(s) {
				t.Errorf("%s is %q, want %q", name, value, decoded(s))
			}
		}
	}
}

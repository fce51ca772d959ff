package payload_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/hook"
)

// hostile are names that try to be something else than data.
func hostile() []string {
	return []string{
		`","x":"`, "\x00\n\u2028", "\xff\xfe", "</script>", "{{.}}", "😀", `\u0022`, "", "```", "<!channel>", "\ufdd0\ufffe\x7f",
		strings.Repeat("v", 128), strings.Repeat("😀", 2000), "%s%d%!", "\\", "\r\nX-Evil: 1",
	}
}

// fuzz renders an event with the strings in every place, of a type that the input
// chooses, and hands the body, which must be valid JSON, to check.
func fuzz(f *testing.F, format string, check func(t *testing.T, e hook.Event, body string)) {
	f.Helper()
	o := options()
	formats, types, strange := payload.DefaultFormats(), o.Catalog.Types(), hostile()
	// One more than there are types: the last one has a name that nobody knows.
	for i := range max(len(types)+1, len(strange)) {
		s, other := strange[i%len(strange)], strange[(i+1)%len(strange)]
		f.Add(uint8(i), s, other, s, other)
	}
	f.Fuzz(func(t *testing.T, choice uint8, project, repository, tag, operator string) {
		if len(project)+len(repository)+len(tag)+len(operator) > 32<<10 {
			t.Skip("longer than any name; a template may refuse it")
		}
		data, err := json.Marshal(map[string]any{
			"scan_overview": map[string]any{tag: operator}, "quota": map[string]string{"details": operator}, project: []any{nil, 1.5, repository},
		})
		if err != nil {
			t.Fatal(err)
		}
		name := hook.EventType(decoded(tag))
		if i := int(choice) % (len(types) + 1); i < len(types) {
			name = types[i].Name
		}
		e := hook.Event{
			ID: "e" + operator, Type: name, ProjectID: 1, Project: project, Repository: repository, Operator: operator,
			RequestID: operator, OccurredAt: time.Unix(1583222332, 0), Data: data,
			Resources: []hook.Resource{{
				Tag: tag, Digest: operator, ImageID: tag, Change: hook.Change(tag),
				Platforms: []hook.Platform{{OS: tag, Architecture: tag, Digest: tag}},
			}, {}},
		}
		body, _, err := formats.Render(e, target(format), o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatalf("%s: no valid JSON: %q", name, body)
		}
		check(t, e, string(body))
	})
}

// decoded is what a receiver reads of s: each invalid byte is a replacement character.
func decoded(s string) string {
	return string([]rune(s))
}

func FuzzEvents(f *testing.F) {
	fuzz(f, payload.NameEvents, func(t *testing.T, e hook.Event, body string) {
		entries := render(t, e).Events
		if len(entries) != 2 {
			t.Fatalf("%d entries", len(entries))
		}
		if want := decoded(e.Operator); entries[0]["operator"] != want {
			t.Errorf("operator %q, want %q", entries[0]["operator"], want)
		}
		if want := decoded(e.Project); entries[0]["project"] != want {
			t.Errorf("project %q, want %q", entries[0]["project"], want)
		}
	})
}

func FuzzDefault(f *testing.F) { fuzz(f, payload.NameDefault, checkHarbor) }

func FuzzHarborV1(f *testing.F) { fuzz(f, payload.NameHarborV1, checkHarbor) }

func checkHarbor(t *testing.T, e hook.Event, body string) {
	t.Helper()
	var got struct {
		Operator  string `json:"operator"`
		EventData struct {
			Repository struct {
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
			} `json:"repository"`
		} `json:"event_data"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Operator != decoded(e.Operator) || e.Repository != "" && got.EventData.Repository.Name != decoded(e.Repository) {
		t.Errorf("operator or repository is not what it was in %s", body)
	}
}

func FuzzCloudEvents(f *testing.F) {
	fuzz(f, payload.NameCloudEvents, func(t *testing.T, _ hook.Event, body string) { accepted(t, body) })
}

func FuzzSlack(f *testing.F) {
	fuzz(f, payload.NameSlack, func(t *testing.T, _ hook.Event, body string) { readSlack(t, body) })
}

func FuzzCustom(f *testing.F) {
	fuzz(f, payload.NameCustom, func(t *testing.T, e hook.Event, body string) {
		var got struct {
			By   string   `json:"by"`
			Tags []string `json:"tags"`
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if e.Operator != "" && got.By != decoded(e.Operator) || len(got.Tags) != 2 || got.Tags[0] != decoded(e.Resources[0].Tag) {
			t.Errorf("operator or tag is not what it was in %s", body)
		}
	})
}

// FuzzTemplate runs whatever templates: each is refused, or writes valid JSON.
func FuzzTemplate(f *testing.F) {
	for _, c := range explosive() {
		f.Add(c.template)
	}
	f.Add(exampleTemplate)
	sample := options().Catalog.Types()[0].Sample
	f.Fuzz(func(t *testing.T, template string) {
		begin := time.Now()
		body, _, err := payload.DefaultFormats().Render(sample, hook.Target{PayloadFormat: payload.NameCustom, PayloadTemplate: template}, options())
		if err == nil && (!json.Valid(body) || !utf8.Valid(body)) {
			t.Errorf("%q writes %q", template, body)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%q takes %s", template, took)
		}
	})
}

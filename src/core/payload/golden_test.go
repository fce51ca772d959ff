package payload_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/hook"
)

var update = flag.Bool("update", false, "rewrite the golden files and the generated part of the documentation")

// options are made once: a catalog compiles its schemas.
var options = sync.OnceValue(func() payload.Options {
	return payload.Options{ExternalRegistry: "hub.example.com", Catalog: event.DefaultCatalog(), PolicyID: 3, Naming: hook.NamingHarbor2}
})

// exampleTemplate is the template that golden files and documentation are written with.
const exampleTemplate = `{"text": {{json (printf "%s: %s" .title .full_name)}},
 "tags": [{{range $i, $r := .resources}}{{if $i}}, {{end}}{{json $r.tag}}{{end}}],
 "by": "{{.operator | default "somebody"}}", "at": {{.trigger_time}}}`

// target returns one that takes the format.
func target(format string) hook.Target {
	t := hook.Target{Type: hook.TargetHTTP, PayloadFormat: format}
	if format == payload.NameCustom {
		t.PayloadTemplate = exampleTemplate
	}
	return t
}

// bodyOf renders what must be rendered.
func bodyOf(t testing.TB, format string, e hook.Event) string {
	t.Helper()
	body, _, err := payload.DefaultFormats().Render(e, target(format), options())
	if err != nil {
		t.Fatalf("%s as %s: %v", e.Type, format, err)
	}
	return string(body)
}

// TestEverySampleRendersToItsGoldenFile covers every event type in every format.
func TestEverySampleRendersToItsGoldenFile(t *testing.T) {
	t.Parallel()
	for _, format := range payload.DefaultFormats().Names() {
		for _, typ := range event.DefaultCatalog().Types() {
			t.Run(format+"/"+string(typ.Name), func(t *testing.T) {
				t.Parallel()
				golden(t, filepath.Join("testdata", format, string(typ.Name)+".json"), bodyOf(t, format, typ.Sample))
			})
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSuffix(string(want), "\n"), got); diff != "" {
		t.Errorf("body (-golden +got):\n%s", diff)
	}
}

func TestEveryFormatHasItsContentType(t *testing.T) {
	t.Parallel()
	sample := event.DefaultCatalog().Types()[0].Sample
	for format, want := range map[string]string{
		"Events":      "application/json",
		"Default":     "application/json",
		"HarborV1":    "application/json",
		"CloudEvents": "application/cloudevents+json",
		"Slack":       "application/json",
		"Custom":      "application/json",
	} {
		_, got, err := payload.DefaultFormats().Render(sample, target(format), options())
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", format, got, err, want)
		}
	}
}

func TestFormatsAreListedForEachTypeOfTarget(t *testing.T) {
	t.Parallel()
	formats := payload.DefaultFormats()
	if diff := cmp.Diff([]string{"http", "slack"}, formats.TargetTypes()); diff != "" {
		t.Errorf("types of target (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Events", "Default", "HarborV1", "CloudEvents", "Custom"}, formats.For("http")); diff != "" {
		t.Errorf("formats of http (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Slack"}, formats.For("slack")); diff != "" {
		t.Errorf("formats of slack (-want +got):\n%s", diff)
	}
}

func TestAListOfFormatsHasNoNameTwice(t *testing.T) {
	t.Parallel()
	if _, err := payload.NewFormats(payload.Format{Name: "a"}, payload.Format{Name: "a"}); err == nil {
		t.Error("no error")
	}
}

// BenchmarkRender has a budget of 20 µs for Events.
func BenchmarkRender(b *testing.B) {
	formats, o := payload.DefaultFormats(), options()
	for _, format := range formats.Names() {
		for _, typ := range event.DefaultCatalog().Types() {
			b.Run(format+"/"+string(typ.Name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := formats.Render(typ.Sample, target(format), o); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

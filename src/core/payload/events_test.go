package payload_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/hook"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var options = payload.Options{ExternalRegistry: "hub.example.com"}

// TestEverySampleRendersToItsGoldenFile covers every event type in every format.
func TestEverySampleRendersToItsGoldenFile(t *testing.T) {
	t.Parallel()
	formats := payload.DefaultFormats()
	for _, format := range formats.Names() {
		for _, typ := range event.DefaultCatalog().Types() {
			t.Run(format+"/"+string(typ.Name), func(t *testing.T) {
				t.Parallel()
				body, contentType, err := formats.Render(format, typ.Sample, options)
				if err != nil {
					t.Fatal(err)
				}
				if contentType == "" {
					t.Error("no content type")
				}
				golden(t, filepath.Join("testdata", format, string(typ.Name)+".json"), body)
			})
		}
	}
}

func TestARecoveredEventSaysSo(t *testing.T) {
	t.Parallel()
	for _, typ := range []hook.EventType{hook.PushImage, hook.UploadChart} {
		for _, recovered := range []bool{true, false} {
			e := hook.Event{ID: "e1", Type: typ, Project: "prj", Repository: "repo1", Recovered: recovered, Resources: []hook.Resource{{Tag: "v1"}}}
			body, _, err := payload.DefaultFormats().Render(payload.NameEvents, e, options)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(body), `"event_id":"e1","recovered":true`) != recovered || strings.Contains(string(body), "recovered") != recovered {
				t.Errorf("%s, recovered %v: %s", typ, recovered, body)
			}
		}
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSuffix(string(want), "\n"), string(got)); diff != "" {
		t.Errorf("body (-golden +got):\n%s", diff)
	}
}

// TestTheSeedsMessages holds the two messages that the mission states, byte for
// byte up to project_type.
func TestTheSeedsMessages(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1583222332130)
	tests := []struct {
		name string
		in   hook.Event
		want string
	}{
		{
			name: "image",
			in: hook.Event{
				ID: "e1", Type: hook.PushImage, Project: "prj", Repository: "repo1", OccurredAt: at,
				Resources: []hook.Resource{{
					Tag:     "latest",
					ImageID: "9e2c9d5f44efbb6ee83aecd17a120c513047d289d142ec5738c9f02f9b24ad07",
				}},
			},
			want: `{"event_type":"pushImage","events":[{"project":"prj","repo_name":"repo1","tag":"latest","full_name":"prj/repo1",` +
				`"trigger_time":1583222332130,"image_id":"9e2c9d5f44efbb6ee83aecd17a120c513047d289d142ec5738c9f02f9b24ad07","project_type":"Private",`,
		},
		{
			name: "chart",
			in: hook.Event{
				ID: "e2", Type: hook.UploadChart, Project: "prj", Repository: "chart1", OccurredAt: at,
				Resources: []hook.Resource{{Tag: "v14.0.0"}},
			},
			want: `{"event_type":"uploadChart","events":[{"project":"prj","chart_name":"chart1","version":"v14.0.0",` +
				`"trigger_time":1583222332130,"project_type":"Private",`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body, contentType, err := payload.DefaultFormats().Render("Events", tt.in, options)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(body), tt.want) {
				t.Errorf("body\n%s\ndoes not begin with\n%s", body, tt.want)
			}
			if contentType != "application/json" {
				t.Errorf("content type %q", contentType)
			}
		})
	}
}

func TestResourceURLIsAPullableReference(t *testing.T) {
	t.Parallel()
	const digest = "sha256:5e30b36087835d50100b2b88e52205588e8c11ef2034b996ee6de1c7453c4272"
	tests := []struct {
		name     string
		resource hook.Resource
		want     string
	}{
		{"tag", hook.Resource{Tag: "v1", Digest: digest}, "hub.example.com/prj/a/b:v1"},
		{"digest only", hook.Resource{Digest: digest}, "hub.example.com/prj/a/b@" + digest},
		{"neither", hook.Resource{}, "hub.example.com/prj/a/b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := hook.Event{Type: hook.DeleteImage, Project: "prj", Repository: "a/b", Resources: []hook.Resource{tt.resource}}
			entry := render(t, e).Events[0]
			if entry["resource_url"] != tt.want {
				t.Errorf("resource_url %v, want %s", entry["resource_url"], tt.want)
			}
			if entry["full_name"] != "prj/a/b" {
				t.Errorf("full_name %v", entry["full_name"])
			}
		})
	}
}

func TestProjectTypeTellsPublicFromPrivate(t *testing.T) {
	t.Parallel()
	for public, want := range map[bool]string{true: "Public", false: "Private"} {
		for _, typ := range []hook.EventType{hook.PushImage, hook.DeleteChart} {
			e := hook.Event{Type: typ, Public: public, Resources: []hook.Resource{{Tag: "v1"}}}
			if got := render(t, e).Events[0]["project_type"]; got != want {
				t.Errorf("%s, public %v: project_type %v", typ, public, got)
			}
		}
	}
}

func TestEveryResourceHasAnEntry(t *testing.T) {
	t.Parallel()
	for _, tags := range [][]string{{}, {"v1"}, {"v1", "v2", "v3"}} {
		e := hook.Event{Type: hook.DeleteImage}
		for _, tag := range tags {
			e.Resources = append(e.Resources, hook.Resource{Tag: tag})
		}
		m := render(t, e)
		if m.Events == nil {
			t.Fatalf("%d resources: events is null", len(tags))
		}
		got := []string{}
		for _, entry := range m.Events {
			got = append(got, entry["tag"].(string))
		}
		if diff := cmp.Diff(tags, got); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
	}
}

func TestNamesAreNotEscapedForHTML(t *testing.T) {
	t.Parallel()
	e := hook.Event{Type: hook.PushImage, Operator: "<a&b>", Resources: []hook.Resource{{Tag: "v1"}}}
	body, _, err := payload.DefaultFormats().Render("Events", e, options)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), `"operator":"<a&b>"`) {
		t.Errorf("operator is escaped in %s", body)
	}
}

func TestAnUnknownFormatIsTheCallersMistake(t *testing.T) {
	t.Parallel()
	_, _, err := payload.DefaultFormats().Render("events", hook.Event{}, options)
	var invalid *hook.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "payload_format" {
		t.Errorf("error %v", err)
	}
}

// FuzzHostileStringsStayData checks that no name can break out of its JSON string.
func FuzzHostileStringsStayData(f *testing.F) {
	for _, s := range []string{`","x":"`, "\x00\n\u2028", "\xff\xfe", "</script>", "{{.}}", "😀", `\u0022`} {
		f.Add(s, s, s, s)
	}
	f.Fuzz(func(t *testing.T, project, repository, tag, operator string) {
		for _, typ := range event.DefaultCatalog().Types() {
			e := hook.Event{
				ID: operator, Type: typ.Name, Project: project, Repository: repository, Operator: operator,
				Resources: []hook.Resource{{
					Tag: tag, Digest: operator, ImageID: tag,
					Platforms: []hook.Platform{{OS: tag, Architecture: tag, Digest: tag}},
				}},
			}
			m := render(t, e)
			if len(m.Events) != 1 {
				t.Fatalf("%d entries", len(m.Events))
			}
			entry := m.Events[0]
			if want := decoded(operator); entry["operator"] != want {
				t.Errorf("operator %q, want %q", entry["operator"], want)
			}
			if want := decoded(project); entry["project"] != want {
				t.Errorf("project %q, want %q", entry["project"], want)
			}
		}
	})
}

// decoded is what a receiver reads of s: each invalid byte is a replacement character.
func decoded(s string) string {
	return string([]rune(s))
}

type decodedMessage struct {
	EventType hook.EventType   `json:"event_type"`
	Events    []map[string]any `json:"events"`
}

func render(t *testing.T, e hook.Event) decodedMessage {
	t.Helper()
	body, _, err := payload.DefaultFormats().Render("Events", e, options)
	if err != nil {
		t.Fatal(err)
	}
	var m decodedMessage
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("body is no JSON: %v\n%s", err, body)
	}
	if m.EventType != e.Type {
		t.Errorf("event_type %q, want %q", m.EventType, e.Type)
	}
	return m
}

func BenchmarkRender(b *testing.B) {
	formats := payload.DefaultFormats()
	for _, format := range formats.Names() {
		for _, typ := range event.DefaultCatalog().Types() {
			b.Run(format+"/"+string(typ.Name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := formats.Render(format, typ.Sample, options); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

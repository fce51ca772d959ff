package payload_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/hook"
)

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
			body, contentType, err := payload.DefaultFormats().Render(tt.in, target("Events"), options())
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
	for _, tags := range [][]string{{"v1"}, {"v1", "v2", "v3"}} {
		e := hook.Event{Type: hook.DeleteImage}
		for _, tag := range tags {
			e.Resources = append(e.Resources, hook.Resource{Tag: tag})
		}
		got := []string{}
		for _, entry := range render(t, e).Events {
			got = append(got, entry["tag"].(string))
		}
		if diff := cmp.Diff(tags, got); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
	}
}

// TestComponentsEventsKeepTheShape covers what comes without a tag, or without a
// repository, and with data.
func TestComponentsEventsKeepTheShape(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1583222332130)
	scanned := hook.Event{
		ID: "e1", Type: hook.ScanningCompleted, Project: "prj", Repository: "repo1", OccurredAt: at, Operator: "auto",
		Resources: []hook.Resource{{Tag: "v1", Digest: "sha256:aa"}}, Data: json.RawMessage(`{"scan_overview":{"mime":{"severity":"<High>"}}}`),
	}
	warned := hook.Event{
		ID: "e2", Type: hook.QuotaWarning, Project: "prj", OccurredAt: at, Recovered: true,
		Data: json.RawMessage(`{"quota":{"used":1}, "project":"other", "another":[1, 2]}`),
	}
	pushed := hook.Event{
		ID: "e3", Type: hook.PushArtifact, Project: "prj", Repository: "sbom", OccurredAt: at,
		Resources: []hook.Resource{{Tag: "v1", Change: hook.ChangeMoved}},
	}
	tests := []struct {
		name string
		in   hook.Event
		want string
	}{
		{"scan", scanned, `{"event_type":"scanningCompleted","events":[{"project":"prj","repo_name":"repo1","tag":"v1","full_name":"prj/repo1",` +
			`"trigger_time":1583222332130,"image_id":"","project_type":"Private","digest":"sha256:aa","resource_url":"hub.example.com/prj/repo1:v1",` +
			`"operator":"auto","event_id":"e1","scan_overview":{"mime":{"severity":"<High>"}}}]}`},
		{"project", warned, `{"event_type":"quotaWarning","events":[{"project":"prj","trigger_time":1583222332130,"project_type":"Private",` +
			`"operator":"","event_id":"e2","recovered":true,"another":[1,2],"quota":{"used":1}}]}`},
		{"change", pushed, `{"event_type":"pushArtifact","events":[{"project":"prj","repo_name":"sbom","tag":"v1","full_name":"prj/sbom",` +
			`"trigger_time":1583222332130,"image_id":"","project_type":"Private","digest":"","resource_url":"hub.example.com/prj/sbom:v1",` +
			`"operator":"","event_id":"e3","change":"moved"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, bodyOf(t, "Events", tt.in)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNamesAreNotEscapedForHTML(t *testing.T) {
	t.Parallel()
	e := hook.Event{Type: hook.PushImage, Operator: "<a&b>", Resources: []hook.Resource{{Tag: "v1"}}}
	body, _, err := payload.DefaultFormats().Render(e, target("Events"), options())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), `"operator":"<a&b>"`) {
		t.Errorf("operator is escaped in %s", body)
	}
}

func TestAnUnknownFormatIsTheCallersMistake(t *testing.T) {
	t.Parallel()
	_, _, err := payload.DefaultFormats().Render(hook.Event{}, target("events"), options())
	var invalid *hook.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "payload_format" {
		t.Errorf("error %v", err)
	}
}

type decodedMessage struct {
	EventType hook.EventType   `json:"event_type"`
	Events    []map[string]any `json:"events"`
}

func render(t *testing.T, e hook.Event) decodedMessage {
	t.Helper()
	body, _, err := payload.DefaultFormats().Render(e, target("Events"), options())
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

package payload_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/hook"
)

// TestHarborsOwnBodies holds bodies as Harbor 2 and Harbor 1.10 send them, up to
// the time at which the repository was created, which we do not know.
func TestHarborsOwnBodies(t *testing.T) {
	t.Parallel()
	const digest = "sha256:954b378c375d852eb3c63ab88978f640b4348b01c1b3456a024a81536dafbbf4"
	of := func(typ hook.EventType, data string, resources ...hook.Resource) hook.Event {
		e := hook.Event{
			ID: "e1", Type: typ, ProjectID: 1, Project: "library", Repository: "alpine", OccurredAt: time.Unix(1680501893, 999),
			Operator: "admin", Public: true, Resources: resources,
		}
		if data != "" {
			e.Data = json.RawMessage(data)
		}
		return e
	}
	inProject := of(hook.ReplicationFinished, `{"replication":{"job_status":"Success"}}`)
	inProject.Repository = ""
	tagged, untagged := hook.Resource{Tag: "3.17", Digest: digest, ImageID: "aa"}, hook.Resource{Digest: digest}
	const repository = `"repository":{"name":"alpine","namespace":"library","repo_full_name":"library/alpine","repo_type":"public"}`
	tests := []struct {
		name, format string
		in           hook.Event
		want         string
	}{
		{"push", "Default", of(hook.PushImage, "", tagged), `{"type":"PUSH_ARTIFACT","occur_at":1680501893,"operator":"admin","event_data":{` +
			`"resources":[{"digest":"` + digest + `","tag":"3.17","resource_url":"hub.example.com/library/alpine:3.17"}],` + repository + `}}`},
		{"push", "HarborV1", of(hook.PushImage, "", tagged), `{"type":"pushImage","occur_at":1680501893,"operator":"admin","event_data":{` +
			`"resources":[{"digest":"` + digest + `","tag":"3.17","resource_url":"hub.example.com/library/alpine:3.17"}],` + repository + `}}`},
		{"pull by digest", "Default", of(hook.PullImage, "", untagged), `{"type":"PULL_ARTIFACT","occur_at":1680501893,"operator":"admin","event_data":{` +
			`"resources":[{"digest":"` + digest + `","tag":"` + digest + `","resource_url":"hub.example.com/library/alpine@` + digest + `"}],` + repository + `}}`},
		{"pull by digest", "HarborV1", of(hook.PullImage, "", untagged), `{"type":"pullImage","occur_at":1680501893,"operator":"admin","event_data":{` +
			`"resources":[{"digest":"` + digest + `","resource_url":"hub.example.com/library/alpine@` + digest + `"}],` + repository + `}}`},
		{"scan", "HarborV1", of(hook.ScanningCompleted, `{"scan_overview":{"a/b":{"severity":"High"}}}`, tagged), `{"type":"scanningCompleted","occur_at":1680501893,"operator":"admin","event_data":{` +
			`"resources":[{"digest":"` + digest + `","tag":"3.17","resource_url":"hub.example.com/library/alpine:3.17","scan_overview":{"a/b":{"severity":"High"}}}],` +
			repository + `,"scan":{"scan_type":"vulnerability"}}}`},
		{"bill of materials", "HarborV1", of(hook.ScanningCompleted, `{"sbom_overview":{"sbom_digest":"sha256:bb"}}`, hook.Resource{Tag: "a"}), `{"type":"scanningCompleted","occur_at":1680501893,"operator":"admin","event_data":{` +
			`"resources":[{"tag":"a","resource_url":"hub.example.com/library/alpine:a","sbom_overview":{"sbom_digest":"sha256:bb"}}],` +
			repository + `,"scan":{"scan_type":"sbom"}}}`},
		{"quota", "HarborV1", of(hook.ProjectQuota, `{"quota":{"details":"adding 3.2 MiB <too much>"}}`), `{"type":"projectQuota","occur_at":1680501893,"operator":"admin","event_data":{` +
			repository + `,"custom_attributes":{"Details":"adding 3.2 MiB <too much>"},"quota":{"details":"adding 3.2 MiB <too much>"}}}`},
		{"quota without words", "HarborV1", of(hook.ProjectQuota, `{"quota":{"details":5}}`), `{"type":"projectQuota","occur_at":1680501893,"operator":"admin","event_data":{` +
			repository + `,"quota":{"details":5}}}`},
		{"replication", "HarborV1", inProject, `{"type":"replicationFinished","occur_at":1680501893,"operator":"admin","event_data":{"replication":{"job_status":"Success"}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.format+"/"+tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, bodyOf(t, tt.format, tt.in)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDataThatIsNoObjectIsAnError(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`[]`, `"x"`, `{`, `1`} {
		for _, format := range []string{"Events", "Default", "HarborV1", "CloudEvents", "Slack", "Custom"} {
			if _, err := renderAs(format, hook.Event{ID: "e", Type: hook.QuotaWarning, Data: json.RawMessage(data)}); err == nil {
				t.Errorf("%s as %s: no error", data, format)
			}
		}
	}
}

// TestConsumersOfHarborReadDefault follows the documented rules of programs that
// take Harbor's webhooks.
func TestConsumersOfHarborReadDefault(t *testing.T) {
	t.Parallel()
	pushImage, _ := event.DefaultCatalog().Lookup(hook.PushImage)
	var got struct {
		Type      string `json:"type"`
		EventData struct {
			Resources []struct {
				Digest      string `json:"digest"`
				Tag         string `json:"tag"`
				ResourceURL string `json:"resource_url"`
			} `json:"resources"`
			Repository struct {
				Name         string `json:"name"`
				Namespace    string `json:"namespace"`
				RepoFullName string `json:"repo_full_name"`
			} `json:"repository"`
		} `json:"event_data"`
	}
	if err := json.Unmarshal([]byte(bodyOf(t, "Default", pushImage.Sample)), &got); err != nil {
		t.Fatal(err)
	}
	t.Run("argocd-image-updater", func(t *testing.T) {
		// It wants PUSH_ARTIFACT, a resource with a tag, and a full name; the registry
		// is the part of resource_url before the full name.
		if got.Type != "PUSH_ARTIFACT" || len(got.EventData.Resources) == 0 || got.EventData.Resources[0].Tag != "latest" {
			t.Errorf("not taken: %+v", got)
		}
		if full := got.EventData.Repository.RepoFullName; full != "prj/repo1" || got.EventData.Resources[0].ResourceURL != "hub.example.com/"+full+":latest" {
			t.Errorf("of another image: %+v", got)
		}
		if got.EventData.Resources[0].Digest == "" || got.EventData.Repository.Namespace != "prj" || got.EventData.Repository.Name != "repo1" {
			t.Errorf("incomplete: %+v", got)
		}
	})
	t.Run("keel", func(t *testing.T) {
		// It parses every resource_url as an image reference with a tag.
		for _, r := range got.EventData.Resources {
			if r.ResourceURL != "hub.example.com/prj/repo1:"+r.Tag {
				t.Errorf("resource_url %q", r.ResourceURL)
			}
		}
	})
	t.Run("Flux", func(t *testing.T) {
		// Its receiver of type harbor compares the Authorization header and does not
		// read the body, which must only be there.
		if len(bodyOf(t, "Default", pushImage.Sample)) == 0 {
			t.Error("no body")
		}
	})
}

// In Default, a receiver reads the name that its policy was written with.
func TestDefaultTellsTheNameOfTheSubscription(t *testing.T) {
	t.Parallel()
	all := []hook.EventType{hook.PushImage, hook.UploadChart, hook.PushArtifact}
	chart, ok := event.DefaultCatalog().Lookup(hook.UploadChart)
	if !ok {
		t.Fatal("there are no charts")
	}
	for _, tt := range []struct {
		naming     hook.Naming
		subscribed []hook.EventType
		want       string
	}{
		{hook.NamingHarbor2, all, "PUSH_ARTIFACT"},
		{hook.NamingHarbor2, all[1:], "UPLOAD_CHART"},
		{hook.NamingOurs, all, "uploadChart"},
		{"", all, "uploadChart"},
	} {
		o := options()
		o.Naming, o.Subscribed = tt.naming, tt.subscribed
		body, _, err := payload.DefaultFormats().Render(chart.Sample, target("Default"), o)
		var got struct{ Type string }
		if err := errors.Join(err, json.Unmarshal(body, &got)); err != nil || got.Type != tt.want || o.EventName(chart.Sample) != tt.want {
			t.Errorf("%q, %v: %s, %v", tt.naming, tt.subscribed, body, err)
		}
	}
}

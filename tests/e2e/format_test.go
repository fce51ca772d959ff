package e2e

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/tests/harness"
)

// harborBody is what Harbor's receivers read.
type harborBody struct {
	Type      string          `json:"type"`
	OccurAt   int64           `json:"occur_at"`
	Operator  string          `json:"operator"`
	EventData json.RawMessage `json:"event_data"`
}

func TestOnePushArrivesInEveryFormat(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		receivers, policies := map[string]*harness.Receiver{}, map[string]int64{}
		for _, format := range []string{"Events", "Default", "HarborV1", "CloudEvents", "Slack", "Custom"} {
			p := harness.Policy{Name: format, HookTypes: []string{"pushImage"}, Format: format}
			if format == "Custom" {
				p.Template = `{"image": "{{.full_name}}:{{.tag}}", "of": {{json .digest}}, "tags": [{{range .resources}}{{json .tag}}{{end}}]}`
			}
			receivers[format] = harness.NewReceiver(t)
			p.Target = receivers[format].URL
			policies[format] = c.Admin.CreatePolicy(t, c.project, p)
		}
		img := harness.Image(t, harness.Formats()[0], "amd64")
		since := time.Now()
		c.Push(t, c.project+"/app:v1", img)
		c.Admin.FinalJobs(t, c.project, len(receivers), soon)

		got := func(format, contentType string) harness.Delivery {
			t.Helper()
			d := receivers[format].Wait(t, 1, soon)[0]
			if is := d.Header.Get("Content-Type"); is != contentType {
				t.Errorf("%s: content type %q, want %q", format, is, contentType)
			}
			return d
		}
		digest := harness.DigestOf(t, img).String()
		eventData := `{"resources":[{"digest":"` + digest + `","tag":"v1","resource_url":"` + c.Registry + "/" + c.project + `/app:v1"`

		c.expect(t, got("Events", "application/json"), since, "pushImage", c.imageEntry("app", "v1", digest, harness.ConfigOf(t, img).Hex))

		for format, typ := range map[string]string{"Default": "pushImage", "HarborV1": "pushImage"} {
			d := got(format, "application/json")
			var body harborBody
			if err := json.Unmarshal(d.Body, &body); err != nil {
				t.Fatalf("%s: %v in %s", format, err, d.Body)
			}
			if body.Type != typ || body.Operator != c.Operator || body.OccurAt < since.Unix()-1 || !strings.HasPrefix(string(body.EventData), eventData) {
				t.Errorf("%s: %s", format, d.Body)
			}
		}

		var cloud cloudevent.Event
		if err := json.Unmarshal(got("CloudEvents", "application/cloudevents+json").Body, &cloud); err != nil {
			t.Fatal(err)
		}
		source := "/webhook/policies/" + strconv.FormatInt(policies["CloudEvents"], 10)
		if err := cloud.Validate(); err != nil || cloud.Type() != "harbor.artifact.pushed" || !strings.HasSuffix(cloud.Source(), source) ||
			!strings.HasPrefix(string(cloud.Data()), eventData) {
			t.Errorf("CloudEvents: %v: %s", err, cloud)
		}

		var slack struct {
			Text   string
			Blocks []struct{ Type string }
		}
		if err := json.Unmarshal(got("Slack", "application/json").Body, &slack); err != nil {
			t.Fatal(err)
		}
		if slack.Text != "Image pushed: "+c.project+"/app:v1" || len(slack.Blocks) == 0 || slack.Blocks[0].Type != "header" {
			t.Errorf("Slack: %+v", slack)
		}

		want := `{"image": "` + c.project + `/app:v1", "of": "` + digest + `", "tags": ["v1"]}`
		if diff := cmp.Diff(want, string(got("Custom", "application/json").Body)); diff != "" {
			t.Errorf("Custom (-want +got):\n%s", diff)
		}
	})
}

// TestEveryTypeArrivesInEveryFormat lets every event type happen where it comes
// from: at the registry, by a client, or at a component.
func TestEveryTypeArrivesInEveryFormat(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		var types []string
		for _, typ := range event.DefaultCatalog().Types() {
			types = append(types, string(typ.Name))
		}
		receivers := map[string]*harness.Receiver{}
		for _, format := range []string{"Events", "Default", "HarborV1", "CloudEvents", "Slack", "Custom"} {
			receivers[format] = harness.NewReceiver(t)
			p := harness.Policy{Name: format, HookTypes: types, Format: format, Target: receivers[format].URL}
			if format == "Custom" {
				p.Template = `{"type": {{json .type}}, "of": {{json .full_name}}}`
			}
			c.Admin.CreatePolicy(t, c.project, p)
		}

		for repository, content := range map[string]v1.Image{
			"image": harness.Image(t, harness.Formats()[1], "amd64"), "chart": harness.Chart(t, "chart", "1.0.0"), "artifact": harness.Signature(t),
		} {
			name, tag := c.project+"/"+repository, "1.0.0"
			c.Push(t, name+":"+tag, content)
			c.Manifest(t, "GET", name, tag, "test")
			c.Manifest(t, "DELETE", name, harness.DigestOf(t, content).String(), "test")
		}
		c.MustTell(t, everyComponentEvent(c.project))

		for format, receiver := range receivers {
			missing := map[string]bool{}
			for _, name := range types {
				missing[name] = true
			}
			for _, d := range receiver.Wait(t, len(types), soon) {
				if !json.Valid(d.Body) {
					t.Errorf("%s: %s", format, d.Body)
				}
				delete(missing, d.Header.Get("X-Harbor-Event-Type"))
			}
			if len(missing) > 0 {
				t.Errorf("%s: nothing came of %v", format, missing)
			}
		}
		c.Admin.FinalJobs(t, c.project, len(types)*len(receivers), soon)
	})
}

func TestATemplateThatFailsIsRefusedWhenItIsSaved(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		for name, template := range map[string]string{
			"no template":       "",
			"no JSON":           `{{.operator}}`,
			"misspelt":          `"{{.operatr}}"`,
			"does not parse":    `{{if}}`,
			"loops":             `{{range 1000000000}}{{end}}1`,
			"pads":              `"{{printf "%1000000000d" 1}}"`,
			"recurs":            `{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`,
			"fails for a chart": `{{if eq .type "pushImage"}}1{{end}}`,
			"too long":          `1` + strings.Repeat(" ", 4096),
		} {
			p := harness.Policy{Name: name, HookTypes: []string{"pushImage", "uploadChart"}, Target: c.receiver.URL, Format: "Custom", Template: template}
			reply := c.Admin.Do(t, http.MethodPost, harness.Policies(c.project), p)
			if reply.Status != http.StatusBadRequest || !strings.Contains(reply.Body, `"payload_template: `) || reply.Took > soon {
				t.Errorf("%s: %d after %s: %s", name, reply.Status, reply.Took, reply.Body)
			}
		}
	})
}

func TestATemplateThatFailsLaterFailsItsOwnDeliveryOnly(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		custom := c.to(c.receiver.URL+"/custom", "pushImage")
		custom.Format, custom.Template = "Custom", `{"tag": {{if hasPrefix "v" .tag}}bad{{else}}"{{.tag}}"{{end}}}`
		id := c.Admin.CreatePolicy(t, c.project, custom)
		c.policy(t, "pushImage")
		c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"), harness.NewPush(c.project+"/app", "latest"))

		failed := 0
		for _, j := range c.Admin.FinalJobs(t, c.project, 4, soon) {
			if j.PolicyID == id && j.Tag == "v1" {
				failed++
				if j.Status != "error" || !strings.Contains(j.StatusMessage, "does not write valid JSON") || j.Attempts != 0 {
					t.Errorf("the job that cannot be written: %+v", j)
				}
			} else if j.Status != "finished" {
				t.Errorf("another job: %+v", j)
			}
		}
		if failed != 1 || len(c.receiver.Got()) != 3 {
			t.Errorf("%d jobs failed and %d deliveries arrived, want 1 and 3", failed, len(c.receiver.Got()))
		}
	})
}

package payload_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/hook"
)

// accepted returns the body as the SDK reads it; the SDK must find it valid.
func accepted(t *testing.T, body string) cloudevent.Event {
	t.Helper()
	var got cloudevent.Event
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if err := got.Validate(); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return got
}

func TestTheSDKAcceptsEverySample(t *testing.T) {
	t.Parallel()
	for _, typ := range event.DefaultCatalog().Types() {
		got := accepted(t, bodyOf(t, "CloudEvents", typ.Sample))
		if got.Type() != typ.CloudEvents || got.ID() != typ.Sample.ID || !got.Time().Equal(typ.Sample.OccurredAt) {
			t.Errorf("%s: type %q, id %q, time %s", typ.Name, got.Type(), got.ID(), got.Time())
		}
		if got.Source() != "/projects/1/webhook/policies/3" || got.DataContentType() != "application/json" || got.SpecVersion() != "1.0" {
			t.Errorf("%s: source %q, content %q, version %q", typ.Name, got.Source(), got.DataContentType(), got.SpecVersion())
		}
		if operator, ok := got.Extensions()["operator"]; ok != (typ.Sample.Operator != "") || ok && operator != typ.Sample.Operator {
			t.Errorf("%s: extensions %v", typ.Name, got.Extensions())
		}
	}
}

func TestTheDataOfACloudEventIsHarborsEventData(t *testing.T) {
	t.Parallel()
	sample := event.DefaultCatalog().Types()[0].Sample
	var harbor struct {
		EventData map[string]any `json:"event_data"`
	}
	if err := json.Unmarshal([]byte(bodyOf(t, "Default", sample)), &harbor); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := accepted(t, bodyOf(t, "CloudEvents", sample)).DataAs(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(harbor.EventData, got); diff != "" {
		t.Errorf("data (-Default +CloudEvents):\n%s", diff)
	}
}

func TestAttributesHoldWhatTheSpecificationAllows(t *testing.T) {
	t.Parallel()
	e := hook.Event{ID: "a\x00\xff\ufffe", Type: "x\u0085", Operator: "\x1b[2J", RequestID: "r\n", OccurredAt: time.Unix(0, 0)}
	o := options()
	o.PolicyID = 0
	body, _, err := payload.DefaultFormats().Render(e, target("CloudEvents"), o)
	if err != nil {
		t.Fatal(err)
	}
	got := accepted(t, string(body))
	for name, value := range map[string]string{
		"id": got.ID(), "type": got.Type(), "operator": got.Extensions()["operator"].(string), "requestid": got.Extensions()["requestid"].(string),
	} {
		if !strings.Contains(value, "\uFFFD") || strings.ContainsAny(value, "\x00\x1b\n\u0085\ufffe") {
			t.Errorf("%s is %q", name, value)
		}
	}
	if got.Source() != "/projects/0/webhook/policies" {
		t.Errorf("source of a policy without id: %q", got.Source())
	}
}

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// call runs a command of a person, which must end with a code, and returns what it
// prints.
func call(t *testing.T, c *scene, code int, args ...string) string {
	t.Helper()
	out, errs, got := c.Call(t, c.project, args...)
	if got != code {
		t.Fatalf("%s: code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errs)
	}
	return out + errs
}

// holds makes sure that a text holds others.
func holds(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not said:\n%s", p, text)
		}
	}
}

func TestAPersonFollowsAPushFromTheCommandLine(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		target := c.receiver.URL + "/hook"
		holds(t, call(t, c, 0, "policy", "create", "--name", "ci", "--event", "PUSH_ARTIFACT", "--format", "CloudEvents", "--target", target), "ci", target)
		holds(t, call(t, c, 1, "policy", "create", "--name", "ci", "--event", "PUSH_ARTIFACT", "--target", target), "409", "already")
		holds(t, call(t, c, 0, "policy", "list"), "PUSH_ARTIFACT", "enabled")
		holds(t, call(t, c, 0, "policy", "test", "ci"), "ok: the target answered 200")
		c.receiver.Wait(t, 1, soon)

		desk := harness.NewReceiver(t)
		tail := c.Begin(t, c.project, "tail", "--json")
		listen := c.Begin(t, c.project, "listen", "--forward", desk.URL+"/here")
		c.Push(t, c.project+"/team/app:v1", harness.Image(t, harness.Formats()[0], "amd64"))

		here := desk.Wait(t, 1, soon)[0]
		there := c.receiver.Wait(t, 2, soon)[1]
		if here.Method != http.MethodPost || here.URI != "/here" || string(here.Body) != string(there.Body) {
			t.Errorf("%s %s\n%s\nthe target got\n%s", here.Method, here.URI, here.Body, there.Body)
		}
		for _, name := range []string{"Content-Type", "X-Harbor-Event-Type", "X-Harbor-Delivery", "Webhook-Id"} {
			if got, want := here.Header.Get(name), there.Header.Get(name); got != want || got == "" {
				t.Errorf("%s is %q, the target got %q", name, got, want)
			}
		}
		listen.Until(soon, "PUSH_ARTIFACT", "team/app:v1", "200 in")
		var told struct {
			ID         int64
			Repository string
		}
		if err := json.Unmarshal([]byte(tail.Until(soon, `"status":"Success"`).Text), &told); err != nil || told.Repository != "team/app" {
			t.Fatalf("told %+v: %v", told, err)
		}
		id := fmt.Sprint(told.ID)
		holds(t, call(t, c, 0, "deliveries", "list", "--status", "success", "--tag", "v1"), id, "team/app:v1", "Success", "ci")
		holds(t, call(t, c, 0, "deliveries", "show", id), "team/app:v1", target, "Webhook-Id", "200")
		holds(t, call(t, c, 1, "deliveries", "show", "987654321"), "404: job not found")

		// A redelivery is a delivery, and is passed on as one.
		holds(t, call(t, c, 0, "deliveries", "redeliver", id), "delivery "+id+" is repeated by")
		if again := desk.Wait(t, 2, soon)[1]; string(again.Body) != string(here.Body) || again.Header.Get("Webhook-Id") != here.Header.Get("Webhook-Id") {
			t.Errorf("repeated as %s", again.Body)
		}
		holds(t, call(t, c, 0, "deliveries", "redeliver", "--status", "success", "--since", "1h", "--dry-run"), "2 deliveries would be repeated")
		listen.Until(soon, "200 in")
		for name, one := range map[string]*harness.Session{"tail": tail, "listen": listen} {
			if code, rest := one.Interrupt(); code != 0 || name == "listen" && len(rest) > 0 {
				t.Errorf("%s: code %d, and %q", name, code, rest)
			}
		}
	})
}

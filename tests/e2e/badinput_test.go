package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestABadPolicyIsRefusedWithTheNameOfItsField(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		good := func(change func(p map[string]any)) map[string]any {
			p := map[string]any{"name": "p", "hook_types": []string{"pushImage"}, "target": "https://example.com/hook"}
			change(p)
			return p
		}
		filter := func(kind string, value any) func(map[string]any) {
			return func(p map[string]any) { p["filters"] = []any{map[string]any{"kind": kind, "value": value}} }
		}
		set := func(name string, value any) func(map[string]any) {
			return func(p map[string]any) { p[name] = value }
		}
		for name, test := range map[string]struct {
			change func(map[string]any)
			field  string
		}{
			"expression that does not compile": {filter("repository", "api("), "filters"},
			"expression that is too long":      {filter("tag", strings.Repeat("a", 257)), "filters"},
			"unknown kind of filter":           {filter("label", "x"), "filters"},
			"empty list of tags":               {filter("tag", []string{}), "filters"},
			"unknown event type":               {set("hook_types", []string{"pushImage", "explode"}), "hook_types"},
			"no event type":                    {set("hook_types", []string{}), "hook_types"},
			"target of another scheme":         {set("target", "ftp://example.com/"), "target"},
			"target without host":              {set("target", "http:///hook"), "target"},
			"target with a password":           {set("target", "https://user:secret@example.com/"), "target"},
			"no target":                        {set("target", ""), "target"},
			"header with a line break":         {set("auth_header", "Bearer x\r\nX-Evil: y"), "auth_header"},
			"unknown field":                    {set("colour", "red"), "colour"},
			"wrong type":                       {set("enabled", "yes"), "enabled"},
			"no name":                          {set("name", ""), "name"},
		} {
			reply := c.Admin.Do(t, http.MethodPost, harness.Policies(c.project), good(test.change))
			var problem struct {
				Code    int
				Message string
			}
			if err := json.Unmarshal([]byte(reply.Body), &problem); err != nil {
				t.Errorf("%s: %v in %s", name, err, reply.Body)
			}
			if reply.Status != http.StatusBadRequest || problem.Code != http.StatusBadRequest || !strings.HasPrefix(problem.Message, test.field) {
				t.Errorf("%s: %d %s", name, reply.Status, reply.Body)
			}
			if strings.Contains(reply.Body, "secret") {
				t.Errorf("%s: the answer repeats the password: %s", name, reply.Body)
			}
		}
		if reply := c.Admin.Do(t, http.MethodGet, harness.Policies(c.project), nil); strings.TrimSpace(reply.Body) != "[]" {
			t.Errorf("a refused policy is stored: %s", reply.Body)
		}
	})
}

func TestTheNotificationEndpointTakesOnlyWhatARegistrySends(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		const address, events = "/service/notifications", "application/vnd.docker.distribution.events.v1+json"
		envelope := harness.Envelope(harness.NewPush("library/app", "v1"))
		for name, test := range map[string]struct {
			address string
			body    any
			headers []string
			want    int
		}{
			"no token":          {address, envelope, []string{"Content-Type", events}, 401},
			"wrong token":       {address, envelope, []string{"Content-Type", events, "Authorization", "Bearer wrong"}, 401},
			"token as password": {address, envelope, []string{"Content-Type", events, "Authorization", "Basic " + s.Token}, 401},
			"no JSON":           {address, "hello", []string{"Content-Type", events, "Authorization", "Bearer " + s.Token}, 400},
			"compressed":        {address, envelope, []string{"Content-Type", events, "Content-Encoding", "gzip", "Authorization", "Bearer " + s.Token}, 415},
			"form":              {address, "a=b", []string{"Content-Type", "multipart/form-data; boundary=x", "Authorization", "Bearer " + s.Token}, 415},
			"another method":    {address + "?_method=DELETE", envelope, []string{"Content-Type", events, "Authorization", "Bearer " + s.Token}, 400},
			"version 2.8":       {address, envelope, []string{"Content-Type", events, "Authorization", "Bearer " + s.Token}, 200},
			"version 3":         {address, envelope, []string{"Content-Type", strings.Replace(events, "v1", "v2", 1), "Authorization", "Bearer " + s.Token}, 200},
		} {
			if reply := s.As("", "").Do(t, http.MethodPost, test.address, test.body, test.headers...); reply.Status != test.want {
				t.Errorf("%s: %d, want %d: %s", name, reply.Status, test.want, reply.Body)
			}
		}
	})
}

func TestUnusableEventsAreCountedAndTheOthersTaken(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "pushImage")
		reply := c.Notify(t,
			map[string]any{"id": 7, "action": []string{"push"}},
			"no event",
			nil,
			harness.NewPush(c.project+"/app", "taken"),
			harness.NewPush("no-such-project/app", "v1"),
			harness.NewPush("noproject", "v1"),
			map[string]any{"id": "x", "action": "explode", "target": map[string]any{"repository": c.project + "/app"}},
			harness.NewPush(c.project+"/app", "taken-too"),
		)
		var counts map[string]int
		if err := json.Unmarshal([]byte(reply.Body), &counts); err != nil || reply.Status != http.StatusOK {
			t.Fatalf("%d %v: %s", reply.Status, err, reply.Body)
		}
		if diff := cmp.Diff(map[string]int{"accepted": 2, "skipped": 6}, counts); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
		tags := map[string]bool{}
		for _, d := range c.exactly(t, 2) {
			tags[read(t, d).Events[0].Tag] = true
		}
		if !tags["taken"] || !tags["taken-too"] {
			t.Errorf("tags %v", tags)
		}
	})
}

func TestTheSameEnvelopeIsOneDeliveryHoweverOftenItComes(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "pushImage")
		push := harness.NewPush(c.project+"/app", "v1")
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				reply, err := c.TryNotify(push)
				if err != nil || reply.Status != http.StatusOK {
					t.Errorf("%d %v: %s", reply.Status, err, reply.Body)
				}
			})
		}
		group.Wait()
		c.exactly(t, 1)
		c.MustNotify(t, push)
		c.exactly(t, 1)
	})
}

package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// secondFamily is the address of something of a project in Harbor 2's API.
func secondFamily(project, rest string) string {
	return "/api/v2.0/projects/" + project + "/webhook/" + rest
}

// get reads an object that must be there.
func get[T any](t *testing.T, caller *harness.Client, address string) T {
	t.Helper()
	var v T
	reply := caller.Do(t, http.MethodGet, address, nil)
	if err := json.Unmarshal([]byte(reply.Body), &v); err != nil || reply.Status != http.StatusOK {
		t.Fatalf("GET %s: %d, %v: %s", address, reply.Status, err, reply.Body)
	}
	return v
}

// change sends a write that must succeed with the status.
func change(t *testing.T, caller *harness.Client, status int, method, address string, body any) harness.Reply {
	t.Helper()
	reply := caller.Do(t, method, address, body)
	if reply.Status != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, address, reply.Status, status, reply.Body)
	}
	return reply
}

// execution is what Harbor 2 tells of a delivery.
type execution struct {
	ID         int64  `json:"id"`
	VendorType string `json:"vendor_type"`
	Status     string `json:"status"`
	ExtraAttrs struct {
		EventType string `json:"event_type"`
		Payload   string `json:"payload"`
	} `json:"extra_attrs"`
}

// A policy that Harbor 2's clients create is delivered, and what happened is read
// the way they read it.
func TestHarbor2sClientsCanWork(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		reply := change(t, c.Admin, http.StatusCreated, http.MethodPost, secondFamily(c.project, "policies"), map[string]any{
			"id": 0, "project_id": 0, "creator": "", "creation_time": "0001-01-01T00:00:00.000Z", "name": "ci", "enabled": true,
			"event_types": []string{"PUSH_ARTIFACT"},
			"targets":     []map[string]any{{"type": "http", "address": c.receiver.URL + "/hook", "auth_header": "Bearer x"}},
		})
		place := reply.Header.Get("Location")
		if path.Dir(place) != secondFamily(c.project, "policies") {
			t.Errorf("Location is %q", place)
		}
		c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"))
		if d := c.receiver.Wait(t, 1, soon)[0]; d.Header.Get("Authorization") != "Bearer x" {
			t.Errorf("headers are %v", d.Header)
		}
		c.Admin.FinalJobs(t, c.project, 1, soon)

		executions := get[[]execution](t, c.Admin, place+"/executions?q="+url.QueryEscape("status=Success"))
		if len(executions) != 1 || executions[0].VendorType != "WEBHOOK" || executions[0].ExtraAttrs.EventType != "PUSH_ARTIFACT" || executions[0].ExtraAttrs.Payload == "" {
			t.Fatalf("executions are %+v", executions)
		}
		tasks := fmt.Sprintf("%s/executions/%d/tasks", place, executions[0].ID)
		task := get[[]struct{ ID int64 }](t, c.Admin, tasks)[0]
		log := change(t, c.Admin, http.StatusOK, http.MethodGet, fmt.Sprintf("%s/%d/log", tasks, task.ID), nil).Body
		if !strings.Contains(log, "success to run webhook job") {
			t.Errorf("the log is %s", log)
		}
		last := get[[]struct {
			EventType string `json:"event_type"`
			At        string `json:"last_trigger_time"`
		}](t, c.Admin, secondFamily(c.project, "lasttrigger"))
		if len(last) != 1 || last[0].EventType != "PUSH_ARTIFACT" || strings.HasPrefix(last[0].At, "0001") {
			t.Errorf("last triggers are %+v", last)
		}
		change(t, c.Admin, http.StatusOK, http.MethodDelete, place, nil)
		if got := status(t, c.Admin, http.MethodGet, place, nil); got != http.StatusNotFound {
			t.Errorf("a deleted policy: %d", got)
		}
	})
}

// A policy that was created through either family fires the same after it was read
// and written back, unchanged, through the other one: its filters, its secret, its
// creator, its times and its one type of push stay.
func TestAPolicyFiresTheSameAfterAWriteThroughTheOtherFamily(t *testing.T) {
	const secret, header = "known-to-the-receiver", "Bearer theirs"
	filters := []harness.Filter{{Kind: "tag", Value: []string{"v1"}}, {Kind: "repository", Value: "(app|web)"}}
	ways := map[string]struct {
		create      func(t *testing.T, c *scene, target string) int64
		own, others func(project string) string
		eventType   string
	}{
		"first": {
			create: func(t *testing.T, c *scene, target string) int64 {
				p := c.to(target, "pushImage")
				p.Filters, p.AuthHeader, p.Secret = filters, header, secret
				return c.Admin.CreatePolicy(t, c.project, p)
			},
			own:       harness.Policies,
			others:    func(project string) string { return secondFamily(project, "policies") },
			eventType: "pushImage",
		},
		"second": {
			create: func(t *testing.T, c *scene, target string) int64 {
				reply := change(t, c.Admin, http.StatusCreated, http.MethodPost, secondFamily(c.project, "policies"), map[string]any{
					"name": "ci", "enabled": true, "event_types": []string{"PUSH_ARTIFACT"}, "filters": filters, "secret": secret,
					"targets": []map[string]any{{"type": "http", "address": target, "auth_header": header}},
				})
				id, err := strconv.ParseInt(path.Base(reply.Header.Get("Location")), 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				return id
			},
			own:       func(project string) string { return secondFamily(project, "policies") },
			others:    harness.Policies,
			eventType: "PUSH_ARTIFACT",
		},
	}
	eachShape(t, func(t *testing.T, s *harness.System) {
		for family, way := range ways {
			t.Run("created through the "+family+" family", func(t *testing.T) {
				t.Parallel()
				c := newScene(t, s)
				id := way.create(t, c, c.receiver.URL+"/hook?token=abc")
				place := func(policies string) string { return fmt.Sprintf("%s/%d", policies, id) }
				own, others := place(way.own(c.project)), place(way.others(c.project))
				before, seen := get[map[string]any](t, c.Admin, own), get[map[string]any](t, c.Admin, others)
				push := func(n int) harness.Delivery {
					t.Helper()
					c.MustNotify(t, harness.NewPush(c.project+"/app", "v2"), harness.NewPush(c.project+"/db", "v1"), harness.NewPush(c.project+"/app", "v1"))
					return c.receiver.Wait(t, n, soon)[n-1]
				}
				first := push(1)
				change(t, c.Admin, http.StatusOK, http.MethodPut, others, seen)
				unchanged(t, before, get[map[string]any](t, c.Admin, own))
				unchanged(t, seen, get[map[string]any](t, c.Admin, others))
				again := push(2)
				for _, d := range []harness.Delivery{first, again} {
					if d.URI != "/hook?token=abc" || d.Header.Get("Authorization") != header || d.Header.Get("X-Hub-Signature-256") != hubSignature(secret, d.Body) {
						t.Errorf("got %s with %v at %s", d.Body, d.Header, d.URI)
					}
				}
				if a, b := shapeOf(first.Body), shapeOf(again.Body); a != b || !strings.Contains(a, way.eventType) {
					t.Errorf("sent %s, then %s", a, b)
				}
				c.Admin.FinalJobs(t, c.project, 2, soon)
			})
		}
	})
}

// unchanged fails if anything but the update time differs.
func unchanged(t *testing.T, before, after map[string]any) {
	t.Helper()
	for _, p := range []map[string]any{before, after} {
		if p["creator"] == "" || p["creation_time"] == "" || p["secret"] != "********" {
			t.Errorf("policy is %v", p)
		}
		delete(p, "update_time")
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("the policy became\n%v, was\n%v", after, before)
	}
}

// hubSignature is what X-Hub-Signature-256 holds.
func hubSignature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// shapeOf returns a message without what is another's in every event: its numbers
// and digests, and whether the tag was there before.
func shapeOf(body []byte) string {
	return regexp.MustCompile(`[0-9a-f-]{10,}|"change":"\w+"`).ReplaceAllString(string(body), "…")
}

func TestARedeliveryIsTheSameMessageAgain(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.receiver.Answer(func(n int, _ harness.Delivery) harness.Answer {
			if n == 1 {
				return harness.Answer{Status: http.StatusInternalServerError}
			}
			return harness.Answer{}
		})
		id := c.policy(t, "pushImage")
		c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"))
		failed := c.Admin.FinalJobs(t, c.project, 1, soon)[0]
		change(t, c.Admin, http.StatusCreated, http.MethodPost, fmt.Sprintf("%s/%d/redeliver", harness.JobsOf(c.project), failed.ID), nil)
		got := c.receiver.Wait(t, 2, soon)
		if string(got[0].Body) != string(got[1].Body) || got[0].Header.Get("Webhook-Id") != got[1].Header.Get("Webhook-Id") {
			t.Errorf("sent %s with %v, then %s with %v", got[0].Body, got[0].Header, got[1].Body, got[1].Header)
		}
		if got[0].Header.Get("X-Harbor-Delivery") == got[1].Header.Get("X-Harbor-Delivery") {
			t.Error("both are the same delivery")
		}
		jobs := c.Admin.FinalJobs(t, c.project, 2, soon)
		if jobs[0].Status != "error" || jobs[1].Status != "finished" {
			t.Errorf("jobs are %+v", jobs)
		}

		filter := map[string]any{"status": "error", "policy_id": id, "dry_run": true}
		if reply := change(t, c.Admin, http.StatusOK, http.MethodPost, harness.JobsOf(c.project)+"/redeliver", filter); !strings.Contains(reply.Body, `"count":1`) {
			t.Errorf("a dry run answers %s", reply.Body)
		}
		filter["dry_run"] = false
		change(t, c.Admin, http.StatusOK, http.MethodPost, harness.JobsOf(c.project)+"/redeliver", filter)
		c.receiver.Wait(t, 3, soon)
		c.Admin.FinalJobs(t, c.project, 3, soon)
		if got := status(t, c.Admin, http.MethodPost, fmt.Sprintf("%s/%d/stop", harness.JobsOf(c.project), failed.ID), nil); got != http.StatusConflict {
			t.Errorf("stop of a final job: %d", got)
		}
		change(t, c.Admin, http.StatusOK, http.MethodPut, fmt.Sprintf("%s/%d", harness.Policies(c.project), id), map[string]any{"enabled": false})
		if got := status(t, c.Admin, http.MethodPost, fmt.Sprintf("%s/%d/redeliver", harness.JobsOf(c.project), failed.ID), nil); got != http.StatusConflict {
			t.Errorf("redelivery for a disabled policy: %d", got)
		}
	})
}

func TestAPolicyIsTriedOutBeforeItIsSaved(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.receiver.Answer(func(int, harness.Delivery) harness.Answer {
			return harness.Answer{Status: http.StatusTeapot, Body: strings.Repeat("x", 5000)}
		})
		draft := c.to(c.receiver.URL+"/hook", "pushImage")
		draft.AuthHeader = "Bearer draft"
		var answer struct {
			Result string `json:"result"`
			Status int    `json:"status"`
			Body   string `json:"body"`
		}
		try := func(address string, body any) {
			t.Helper()
			reply := change(t, c.Admin, http.StatusOK, http.MethodPost, address, body)
			if err := json.Unmarshal([]byte(reply.Body), &answer); err != nil {
				t.Fatal(err)
			}
		}
		try(harness.Policies(c.project)+"/test", draft)
		if answer.Result != "http_error" || answer.Status != http.StatusTeapot || len(answer.Body) != 1024 {
			t.Errorf("answers %+v", answer)
		}
		d := c.receiver.Wait(t, 1, soon)[0]
		if m := read(t, d); m.EventType != "pushImage" || m.Events[0].Project != c.project || d.Header.Get("Authorization") != "Bearer draft" {
			t.Errorf("got %s with %v", d.Body, d.Header)
		}
		id := c.Admin.CreatePolicy(t, c.project, draft)
		try(secondFamily(c.project, fmt.Sprintf("policies/%d/test", id)), nil)
		if d := c.receiver.Wait(t, 2, soon)[1]; d.Header.Get("Authorization") != "Bearer draft" {
			t.Errorf("got %v", d.Header)
		}
		try(harness.Policies(c.project)+"/test", c.to("http://169.254.169.254/latest", "pushImage"))
		if answer.Result != "blocked" {
			t.Errorf("the metadata service: %+v", answer)
		}
		if jobs := c.Admin.Jobs(t, c.project); len(jobs) != 0 {
			t.Errorf("tests left jobs: %+v", jobs)
		}
	})
}

func TestBothSecretsSignWhileOneIsRotated(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		p := c.to(c.receiver.URL+"/hook", "pushImage")
		p.Secret = "known-to-the-receiver"
		id := c.Admin.CreatePolicy(t, c.project, p)
		rotate := fmt.Sprintf("%s/%d/secret/rotate", harness.Policies(c.project), id)
		signatures := func(n int) int {
			t.Helper()
			c.MustNotify(t, harness.NewPush(c.project+"/app", fmt.Sprintf("v%d", n)))
			return len(strings.Fields(c.receiver.Wait(t, n, soon)[n-1].Header.Get("Webhook-Signature")))
		}
		if got := signatures(1); got != 1 {
			t.Errorf("before: %d signatures", got)
		}
		if reply := change(t, c.Admin, http.StatusOK, http.MethodPost, rotate, nil); !strings.HasPrefix(reply.Body, `{"secret":"whsec_`) {
			t.Errorf("answers %s", reply.Body)
		}
		if got := signatures(2); got != 2 {
			t.Errorf("meanwhile: %d signatures", got)
		}
		change(t, c.Admin, http.StatusOK, http.MethodPost, rotate, map[string]any{"keep_old_for": "0s"})
		if got := signatures(3); got != 1 {
			t.Errorf("afterwards: %d signatures", got)
		}
	})
}

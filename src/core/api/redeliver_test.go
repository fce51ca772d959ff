package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

func TestRedeliveringAJob(t *testing.T) {
	t.Parallel()
	for base, status := range map[string]string{"/api": "pending", "/api/v2.0": "Pending"} {
		s := newSite(t)
		w := s.do(admin, "POST", base+"/projects/p1/webhook/jobs/11/redeliver", "")
		wantStatus(t, w, http.StatusCreated)
		if got := w.Header().Get("Location"); got != base+"/projects/1/webhook/jobs/101" {
			t.Errorf("Location is %q", got)
		}
		if body := w.Body.String(); !strings.Contains(body, `"id":101`) || !strings.Contains(body, `"redelivery_of":11`) || !strings.Contains(body, `"status":"`+status+`"`) {
			t.Errorf("answers %s", body)
		}
	}
	s := newSite(t)
	s.jobs[0].Status = hook.StatusRunning
	if got := wantProblem(t, s.do(admin, "POST", jobsPath+"/11/redeliver", ""), http.StatusConflict); got != "the job is running" {
		t.Errorf("says %q", got)
	}
	wantProblem(t, s.do(admin, "POST", jobsPath+"/77/redeliver", ""), http.StatusNotFound)
}

func TestRedeliveringManyJobs(t *testing.T) {
	t.Parallel()
	want := hook.JobFilter{
		PolicyID: 3, Statuses: []hook.Status{hook.StatusError, hook.StatusStopped}, HookTypes: []hook.EventType{hook.PushImage},
		HTTPStatus: 502, Since: epoch, Text: "gateway",
	}
	const filter = `{"policy_id":3,"status":["error","stopped"],"hook_type":"pushImage","http_status":502,"since":"2020-03-03T07:58:52Z","text":"gateway"`
	s := newSite(t)
	for body, answer := range map[string]string{
		filter + `}`:                 `{"count":2,"skipped":1}`,
		filter + `,"dry_run":false}`: `{"count":2,"skipped":1}`,
		filter + `,"dry_run":true}`:  `{"count":3,"skipped":0}`,
	} {
		if got := s.do(admin, "POST", jobsPath+"/redeliver", body).Body.String(); got != answer+"\n" {
			t.Errorf("%s: %s", body, got)
		}
		if diff := cmp.Diff(want, s.filter); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
	wantStatus(t, s.do(admin, "POST", secondJobs+"/redeliver", `{"status":"Error","unknown":1}`), http.StatusOK)
	if diff := cmp.Diff(hook.JobFilter{Statuses: []hook.Status{hook.StatusError}}, s.filter); diff != "" {
		t.Errorf("second family: %s", diff)
	}
	for body, name := range map[string]string{
		`{"status":"Error"}`: "status", `{"policy_id":"x"}`: "policy_id", `{"policy_id":1.5}`: "policy_id", `{"text":{}}`: "text", `{"text":null}`: "text",
		`{"dry_run":"yes"}`: "dry_run", `{"nothing":1}`: "nothing", `{"since":"yesterday"}`: "since", ``: "the body", `{"status":[1]}`: "status[0]",
	} {
		if got := wantProblem(t, s.do(admin, "POST", jobsPath+"/redeliver", body), http.StatusBadRequest); !strings.HasPrefix(got, name) {
			t.Errorf("%s: %q", body, got)
		}
	}
}

func TestStoppingAJob(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wantStatus(t, s.do(admin, "POST", jobsPath+"/11/stop", ""), http.StatusOK)
	if j := s.jobs[0]; j.Status != hook.StatusStopped || j.StatusMessage != admin {
		t.Errorf("stopped %+v", j)
	}
	if got := wantProblem(t, s.do(admin, "POST", jobsPath+"/11/stop", ""), http.StatusConflict); got != "the job is over" {
		t.Errorf("says %q", got)
	}
	wantProblem(t, s.do(admin, "POST", secondJobs+"/77/stop", ""), http.StatusNotFound)
}

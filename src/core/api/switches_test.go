package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

func TestSystemAdminsSwitchNotifications(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"/api", "/api/v2.0"} {
		s := newSite(t)
		address := base + "/configurations"
		settings := func() string { return s.do(root, "GET", address, "").Body.String() }
		if got := settings(); !strings.Contains(got, `"notification_enable":{"value":true,"editable":true}`) ||
			!strings.Contains(got, `"notification_kept_events":{"value":"send","editable":true}`) {
			t.Errorf("at first %s", got)
		}
		w := s.do(root, "PUT", address, `{"notification_enable":false,"notification_kept_events":"drop"}`)
		if wantStatus(t, w, http.StatusOK); w.Body.Len() != 0 {
			t.Errorf("answers %s", w.Body)
		}
		if got := settings(); !strings.Contains(got, `"notification_enable":{"value":false,`) || !strings.Contains(got, `"notification_kept_events":{"value":"drop",`) {
			t.Errorf("after it %s", got)
		}
		if got := s.do(nobody, "GET", base+"/systeminfo", "").Body.String(); !strings.Contains(got, `"notification_enable":false`) {
			t.Errorf("the system says %s", got)
		}
		wantStatus(t, s.do(root, "PUT", address, `{}`), http.StatusOK)
		want := []hook.AuditEntry{{
			ID: 1, At: epoch, Actor: root, Action: hook.AuditSwitch,
			Detail: "notification_enable=false notification_kept_events=drop",
		}}
		if diff := cmp.Diff(want, s.audit); diff != "" {
			t.Error(diff)
		}
		if got := s.log.String(); strings.Count(got, "action=switch") != 1 {
			t.Errorf("logged %s", got)
		}
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for body, field := range map[string]string{
		`{"notification_enable":"no"}`:         "notification_enable",
		`{"notification_kept_events":"later"}`: "notification_kept_events",
		`{"notification_kept_events":1}`:       "notification_kept_events",
		`[]`:                                   "must be",
	} {
		for _, base := range []string{"/api", "/api/v2.0"} {
			if got := wantProblem(t, s.do(root, "PUT", base+"/configurations", body), http.StatusBadRequest); !strings.HasPrefix(got, field) {
				t.Errorf("%s: %q", body, got)
			}
		}
	}
	const unknown = `{"notification_enable":false,"read_only":true}`
	if got := wantProblem(t, s.do(root, "PUT", "/api/configurations", unknown), http.StatusBadRequest); !strings.HasPrefix(got, "read_only") {
		t.Errorf("says %q", got)
	}
	if !s.untouched() {
		t.Error("a refused change was made")
	}
	wantStatus(t, s.do(root, "PUT", "/api/v2.0/configurations", unknown), http.StatusOK)
	if s.switches.Notifications {
		t.Error("the second family refuses what it does not know")
	}
}

func TestSystemAdminsPauseAndEmptyQueues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.queue = hook.Queue{Waiting: 3, Latency: 12700 * time.Millisecond}
	queues := func() string { return s.do(root, "GET", "/api/v2.0/jobservice/queues", "").Body.String() }
	act := func(queue, action string) {
		t.Helper()
		wantStatus(t, s.do(root, "PUT", "/api/v2.0/jobservice/queues/"+queue, `{"action":"`+action+`"}`), http.StatusOK)
	}
	want := func(what, answer string) {
		t.Helper()
		if diff := cmp.Diff(answer+"\n", queues()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	want("at first", `[{"job_type":"WEBHOOK","count":3,"latency":12,"paused":false},{"job_type":"PURGE","count":0,"latency":0,"paused":false}]`)
	act("WEBHOOK", "pause")
	want("paused", `[{"job_type":"WEBHOOK","count":3,"latency":12,"paused":true},{"job_type":"PURGE","count":0,"latency":0,"paused":false}]`)
	act("all", "pause")
	act("WEBHOOK", "resume")
	act("PURGE", "stop") // nothing waits there
	want("others paused", `[{"job_type":"WEBHOOK","count":3,"latency":12,"paused":false},{"job_type":"PURGE","count":0,"latency":0,"paused":true}]`)
	act("all", "stop")
	want("emptied", `[{"job_type":"WEBHOOK","count":0,"latency":0,"paused":false},{"job_type":"PURGE","count":0,"latency":0,"paused":true}]`)

	wantProblem(t, s.do(root, "PUT", "/api/jobservice/queues/webhook", `{"action":"pause"}`), http.StatusNotFound)
	for _, body := range []string{`{}`, `{"action":"halt"}`, `{"action":1}`, ``} {
		for _, base := range []string{"/api", "/api/v2.0"} {
			if w := s.do(root, "PUT", base+"/jobservice/queues/WEBHOOK", body); w.Code != http.StatusBadRequest && w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
	}
}

func TestSystemInfoNeedsNoDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.broken = hook.ErrUnavailable
	w := s.do(nobody, "GET", "/api/systeminfo", "")
	if wantStatus(t, w, http.StatusOK); strings.Contains(w.Body.String(), "notification_enable") {
		t.Errorf("says %s", w.Body)
	}
}

// Notifications that are off do not make a queue look paused: each has its own switch.
func TestAPauseIsNotTheSwitch(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.switches.Notifications = false
	if got := s.do(root, "GET", "/api/jobservice/queues", "").Body.String(); strings.Contains(got, `"paused":true`) {
		t.Errorf("queues are %s", got)
	}
}

func twoCircuits() []hook.Circuit {
	return []hook.Circuit{
		{Origin: "https://ci.example.com:443", Failures: 12, OpenSince: epoch, NextProbe: epoch.Add(30 * time.Second), Waiting: 4},
		{Origin: "https://fine.example.com:443", Failures: 1},
	}
}

func TestCircuitsOfAProjectAreListed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.circuits = twoCircuits()
	const want = `[{"origin":"https://ci.example.com:443","state":"open","failures":12,"opened_at":"2020-03-03T07:58:52Z",` +
		`"next_probe":"2020-03-03T07:59:22Z","waiting":4},{"origin":"https://fine.example.com:443","state":"closed","failures":1,"waiting":0}]` + "\n"
	for who, address := range map[string]string{master: "/api/projects/1/webhook/circuits", root: "/api/circuits"} {
		if diff := cmp.Diff(want, s.do(who, "GET", address, "").Body.String()); diff != "" {
			t.Errorf("%s: %s", address, diff)
		}
	}
	if !slices.Equal(s.addresses, []string{"https://ci.example.com/hook?token=abc"}) {
		t.Errorf("asked for %q", s.addresses)
	}
	w := s.do(root, "GET", "/api/v2.0/circuits?page=2&page_size=1", "")
	if w.Header().Get("X-Total-Count") != "2" || !strings.Contains(w.Body.String(), "fine.example.com") || strings.Contains(w.Body.String(), "ci.example.com") {
		t.Errorf("second of %s pages: %s", w.Header().Get("X-Total-Count"), w.Body)
	}
	if got := s.do(foreigner, "GET", "/api/projects/2/webhook/circuits", "").Body.String(); got != "[]\n" {
		t.Errorf("another project has %s", got)
	}
}

func TestClosingACircuit(t *testing.T) {
	t.Parallel()
	const path = "/api/projects/1/webhook/circuits/close"
	s := newSite(t)
	s.circuits = twoCircuits()
	for _, origin := range []string{"https://ci.example.com:443", "https://CI.example.com/"} {
		wantStatus(t, s.do(admin, "POST", path, `{"origin":"`+origin+`"}`), http.StatusOK)
	}
	if want := []string{"https://ci.example.com:443", "https://ci.example.com:443"}; !slices.Equal(s.closed, want) {
		t.Errorf("closed %q", s.closed)
	}
	if e := s.audit[0]; e.ProjectID != 1 || e.Actor != admin || e.Action != hook.AuditCloseCircuit || e.Detail != "https://ci.example.com:443" {
		t.Errorf("recorded %+v", e)
	}
	if got := wantProblem(t, s.do(admin, "POST", path, `{"origin":"https://fine.example.com"}`), http.StatusConflict); got != "the circuit is not open" {
		t.Errorf("says %q", got)
	}
	wantProblem(t, s.do(admin, "POST", path, `{"origin":"https://unknown.example.com"}`), http.StatusNotFound)
	// What another project uses is none of this one's.
	wantProblem(t, s.do(foreigner, "POST", "/api/v2.0/projects/2/webhook/circuits/close", `{"origin":"https://ci.example.com:443"}`), http.StatusNotFound)
	for body, field := range map[string]string{`{}`: "origin: is missing", `{"origin":"ci"}`: "origin", `{"origin":1}`: "origin", `{"origin":"https://x/","y":1}`: "y"} {
		if got := wantProblem(t, s.do(admin, "POST", path, body), http.StatusBadRequest); !strings.HasPrefix(got, field) {
			t.Errorf("%s: %q", body, got)
		}
	}
	if len(s.closed) != 2 || len(s.audit) != 2 {
		t.Errorf("closed %q, recorded %d", s.closed, len(s.audit))
	}
}

package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

func TestWhatPeopleDoIsRecorded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.attempt = hook.Attempt{Result: hook.ResultTimeout}
	for _, request := range []struct{ who, method, path, body string }{
		{admin, "POST", policiesPath, newPolicy},
		{root, "PUT", policiesPath + "/3", `{"description":"x"}`},
		{admin, "POST", policiesPath + "/3/secret/rotate", ""},
		{admin, "POST", policiesPath + "/3/test", ""},
		{admin, "POST", jobsPath + "/11/redeliver", ""},
		{admin, "POST", jobsPath + "/redeliver", `{"policy_id":3}`},
		{admin, "POST", jobsPath + "/redeliver", `{"policy_id":3,"dry_run":true}`}, // does nothing
		{admin, "POST", jobsPath + "/11/stop", ""},
		{admin, "POST", jobsPath + "/11/stop", ""}, // is refused
		{admin, "DELETE", secondPolicies + "/3", ""},
		{guest, "DELETE", secondPolicies + "/3", ""}, // is refused
	} {
		s.do(request.who, request.method, request.path, request.body)
	}
	by := func(who string, action hook.AuditAction, policy, job int64, detail string) hook.AuditEntry {
		return hook.AuditEntry{ProjectID: 1, At: epoch, Actor: who, Action: action, PolicyID: policy, JobID: job, Detail: detail}
	}
	want := []hook.AuditEntry{
		by(admin, hook.AuditCreate, 101, 0, "new"),
		by(root, hook.AuditUpdate, 3, 0, "ci"),
		by(admin, hook.AuditRotate, 3, 0, ""),
		by(admin, hook.AuditTest, 3, 0, "https://ci.example.com/hook?token=********: timeout"),
		by(admin, hook.AuditRedeliver, 0, 11, "as job 102"),
		by(admin, hook.AuditRedeliver, 3, 0, "2 jobs"),
		by(admin, hook.AuditStop, 0, 11, ""),
		by(admin, hook.AuditDelete, 3, 0, ""),
	}
	for i := range want {
		want[i].ID = int64(i + 1)
	}
	if diff := cmp.Diff(want, s.audit); diff != "" {
		t.Error(diff)
	}
	if got := s.log.String(); !strings.Contains(got, "msg=audit") || !strings.Contains(got, "action=rotate_secret") || strings.Contains(got, "token=abc") {
		t.Errorf("logged %s", got)
	}
	latest := `[{"id":8,"time":"2020-03-03T07:58:52.000Z","actor":"admin1","action":"delete","policy_id":3,"detail":""}]` + "\n"
	w := s.do(master, "GET", "/api/v2.0/projects/1/webhook/audit?page_size=1", "")
	if w.Body.String() != latest || w.Header().Get("X-Total-Count") != "8" {
		t.Errorf("%s entries: %s", w.Header().Get("X-Total-Count"), w.Body)
	}
}

// A test has gone out already when it is recorded. Changes are recorded with their
// entries, or not made.
func TestALostAuditEntryIsLogged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.auditBroken, s.attempt = errors.New("disk full"), hook.Attempt{Result: hook.ResultOK}
	wantStatus(t, s.do(admin, "POST", policiesPath+"/3/test", ""), http.StatusOK)
	if got := s.log.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "disk full") || !strings.Contains(got, "action=test") {
		t.Errorf("logged %s", got)
	}
	wantStatus(t, s.do(admin, "DELETE", policiesPath+"/3", ""), http.StatusInternalServerError)
	if got := s.log.String(); strings.Contains(got, "action=delete") {
		t.Errorf("logged %s", got)
	}
}

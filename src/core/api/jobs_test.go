package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

const jobsPath = "/api/projects/1/webhook/jobs"

func TestJobQueries(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]struct {
		filter hook.JobFilter
		page   hook.JobPage
	}{
		"":                                     {hook.JobFilter{}, hook.JobPage{Limit: 500}},
		"?page=3&page_size=20":                 {hook.JobFilter{}, hook.JobPage{Offset: 40, Limit: 20}},
		"?sort=creation_time":                  {hook.JobFilter{}, hook.JobPage{Limit: 500, Ascending: true}},
		"?sort=-creation_time":                 {hook.JobFilter{}, hook.JobPage{Limit: 500}},
		"?sort=id":                             {hook.JobFilter{}, hook.JobPage{Limit: 500, Ascending: true}},
		"?status=pending&status=error":         {hook.JobFilter{Statuses: []hook.Status{hook.StatusPending, hook.StatusError}}, hook.JobPage{Limit: 500}},
		"?policy_id=3&hook_type=pushImage":     {hook.JobFilter{PolicyID: 3, HookTypes: []hook.EventType{hook.PushImage}}, hook.JobPage{Limit: 500}},
		"?repository=a/b&tag=v1&digest=sha256": {hook.JobFilter{Repository: "a/b", Tag: "v1", Digest: "sha256"}, hook.JobPage{Limit: 500}},
		"?http_status=502&text=%25x+y":         {hook.JobFilter{HTTPStatus: 502, Text: "%x y"}, hook.JobPage{Limit: 500}},
		"?since=2020-03-03T07:58:52Z&until=2020-03-03T09:58:52%2B02:00": {
			hook.JobFilter{Since: epoch, Until: epoch}, hook.JobPage{Limit: 500},
		},
		"?unknown=1": {hook.JobFilter{}, hook.JobPage{Limit: 500}},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			wantStatus(t, s.do(master, "GET", jobsPath+query, ""), http.StatusOK)
			s.filter.Until = s.filter.Until.UTC()
			if diff := cmp.Diff(want.filter, s.filter); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(want.page, s.page); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrongJobQueriesNameTheParameter(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for query, name := range map[string]string{
		"page=0": "page", "page=x": "page", "page=": "page", "page=99999999999": "page", "page=1&page=2": "page",
		"page_size=0": "page_size", "page_size=501": "page_size", "page_size=-1": "page_size",
		"sort=": "sort", "sort=name": "sort", "sort=project__owner__password": "sort", "sort=creation_time,id": "sort",
		"status=": "status", "status=Pending": "status", "status=pending,error": "status",
		"policy_id=0": "policy_id", "policy_id=x": "policy_id", "policy_id=99999999999999999999": "policy_id",
		"hook_type=": "hook_type", "hook_type=nope": "hook_type", "http_status=99": "http_status", "http_status=1000": "http_status",
		"since=yesterday": "since", "until=1583222332": "until",
		"text=%00": "text", "tag=%ff": "tag", "repository=a&repository=b": "repository",
		"a=%zz": "the query", "a=1;b=2": "the query",
	} {
		got := wantProblem(t, s.do(master, "GET", jobsPath+"?"+query, ""), http.StatusBadRequest)
		if !strings.HasPrefix(got, name) {
			t.Errorf("%s: %q", query, got)
		}
	}
}

func TestListsAnnounceTheirPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 24 {
		s.jobs = append(s.jobs, hook.Job{ID: int64(20 + i), ProjectID: 1, HookType: hook.PushImage, NotifyType: hook.TargetHTTP, Status: hook.StatusPending})
	}
	link := func(page int, rel string) string {
		return fmt.Sprintf(`<%s?page=%d&page_size=10&status=error>; rel="%s"`, jobsPath, page, rel)
	}
	for query, want := range map[string]string{
		"page=1&page_size=10": link(2, "next"),
		"page=2&page_size=10": link(1, "prev") + ", " + link(3, "next"),
		"page=3&page_size=10": link(2, "prev"),
		"page=9&page_size=10": "",
	} {
		w := s.do(master, "GET", jobsPath+"?status=error&"+query, "")
		wantStatus(t, w, http.StatusOK)
		if got := w.Header().Get("Link"); got != want {
			t.Errorf("%s: Link is %q, want %q", query, got, want)
		}
		if got := w.Header().Get("X-Total-Count"); got != "25" {
			t.Errorf("%s: total is %q", query, got)
		}
	}
}

func TestAJobIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want := `{"id":11,"uuid":"u-11","policy_id":3,"policy_name":"ci","hook_type":"pushImage","event_type":"PUSH_ARTIFACT","notify_type":"http",` +
		`"status":"scheduled","status_message":"","job_detail":"{\"event_type\":\"pushImage\"}","repository":"repo1","tag":"latest","digest":"",` +
		`"target":"https://ci.example.com/hook?token=********","attempts":1,"http_status":0,"next_at":"2020-03-03T07:59:52Z",` +
		`"creation_time":"2020-03-03T07:58:52Z","update_time":"2020-03-03T07:58:52Z"}`
	if diff := cmp.Diff(want+"\n", s.do(master, "GET", jobsPath+"/11", "").Body.String()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("["+want+"]\n", s.do(master, "GET", jobsPath, "").Body.String()); diff != "" {
		t.Error(diff)
	}
	s.jobs[0].Status = hook.StatusFinished
	if got := s.do(master, "GET", jobsPath+"/11", "").Body.String(); strings.Contains(got, "next_at") {
		t.Errorf("a final job waits: %s", got)
	}
}

func TestAttemptsAreShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.attempts[11] = append(s.attempts[11], hook.Attempt{Number: 2, StartedAt: epoch, Duration: 10 * time.Second, Result: hook.ResultTimeout, Error: "timed out", Request: hook.Request{Method: "POST", URL: "https://x"}})
	want := `[{"number":1,"started_at":"2020-03-03T07:58:52Z","duration_ms":148,"result":"http_error","error":"","remote_addr":"192.0.2.1:443",` +
		`"request":{"method":"POST","url":"https://ci.example.com/hook?token=********","headers":{"Authorization":["********"]},"body":"{\"event_type\":\"pushImage\"}"},` +
		`"response":{"status":502,"headers":{"Server":["x"]},"body":"bad\u001b[2Jgateway","truncated":false}},` +
		`{"number":2,"started_at":"2020-03-03T07:58:52Z","duration_ms":10000,"result":"timeout","error":"timed out","remote_addr":"",` +
		`"request":{"method":"POST","url":"https://x","headers":{},"body":"{\"event_type\":\"pushImage\"}"},"response":null}]`
	if diff := cmp.Diff(want+"\n", s.do(master, "GET", jobsPath+"/11/attempts", "").Body.String()); diff != "" {
		t.Error(diff)
	}
}

func TestALongBodyIsCutWhereItIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.jobs[0].Detail = []byte(strings.Repeat("ä", hook.MaxStoredBody))
	got := decode[[]struct {
		Request struct {
			Body      string
			Truncated bool
		}
	}](t, s.do(master, "GET", jobsPath+"/11/attempts", ""))
	if r := got[0].Request; !r.Truncated || len(r.Body) > hook.MaxStoredBody || strings.Contains(r.Body, "\uFFFD") {
		t.Errorf("%d bytes, truncated %t", len(r.Body), r.Truncated)
	}
}

func TestTheLogIsForPeople(t *testing.T) {
	t.Parallel()
	w := newSite(t).do(master, "GET", jobsPath+"/11/log", "")
	wantStatus(t, w, http.StatusOK)
	log := w.Body.String()
	for _, want := range []string{
		"u-11", "> POST https://ci.example.com/hook?token=********\n", "> Authorization: ********\n",
		"> {\"event_type\":\"pushImage\"}\n", "502", "< Server: x\n", "gateway\n",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is missing in %s", want, log)
		}
	}
	if strings.Contains(log, "\x1b") {
		t.Error("a receiver steers the terminal")
	}
	if got := w.Header().Get("Content-Type"); got != "text/plain; charset=utf-8" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers are %v", w.Header())
	}
}

// Case: A2 GET job/log/attempt of P1 via P2 → 404.
func TestJobOfAnotherProjectLooksLikeNone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, end := range []string{"", "/attempts", "/log"} {
		foreign := s.do(foreigner, "GET", "/api/projects/2/webhook/jobs/11"+end, "")
		unknown := s.do(foreigner, "GET", "/api/projects/2/webhook/jobs/77"+end, "")
		wantProblem(t, foreign, http.StatusNotFound)
		if diff := cmp.Diff(unknown.Body.String(), foreign.Body.String()); diff != "" {
			t.Errorf("%s: %s", end, diff)
		}
	}
}

package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

const (
	secondPolicies = "/api/v2.0/projects/1/webhook/policies"
	secondJobs     = "/api/v2.0/projects/1/webhook/jobs"
)

// harborPolicy is what Harbor 2's clients send: with zero ids and times.
const harborPolicy = `{"id":0,"name":"new","description":"","project_id":0,"creator":"","creation_time":"0001-01-01T00:00:00.000Z",
	"update_time":null,"enabled":true,"event_types":["PUSH_ARTIFACT","DELETE_ARTIFACT"],"some_new_field":{"a":1},
	"targets":[{"type":"http","address":"https://ci.example.com/new","auth_header":"Bearer x","skip_cert_verify":true}]}`

// artifacts is a catalog in which two types share a name of Harbor 2.
func artifacts(t *testing.T) func(*api.Config) {
	t.Helper()
	catalog, err := event.NewCatalog(
		event.Type{Name: hook.PushImage, V2Name: "PUSH_ARTIFACT"},
		event.Type{Name: hook.PushArtifact, V2Name: "PUSH_ARTIFACT"},
		event.Type{Name: hook.DeleteImage, V2Name: "DELETE_ARTIFACT"},
		event.Type{Name: hook.UploadChart, V2Name: "UPLOAD_CHART"},
	)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *api.Config) { c.Catalog = catalog }
}

func TestCreatingAPolicyAsHarbor2sClientsDo(t *testing.T) {
	t.Parallel()
	s := newSite(t, artifacts(t))
	w := s.do(admin, "POST", "/api/v2.0/projects/p1/webhook/policies", harborPolicy)
	wantStatus(t, w, http.StatusCreated)
	if got := w.Header().Get("Location"); got != "/api/v2.0/projects/p1/webhook/policies/101" || w.Body.Len() != 0 {
		t.Errorf("Location is %q, body %q", got, w.Body)
	}
	want := hook.Policy{
		ID: 101, ProjectID: 1, Name: "new", Enabled: true, Creator: admin,
		HookTypes:    []hook.EventType{hook.PushImage, hook.PushArtifact, hook.DeleteImage},
		Targets:      []hook.Target{{Type: "http", Address: "https://ci.example.com/new", AuthHeader: "Bearer x", SkipCertVerify: true, PayloadFormat: "Default"}},
		CreationTime: epoch, UpdateTime: epoch,
	}
	if diff := cmp.Diff(want, s.policies[1]); diff != "" {
		t.Error(diff)
	}
}

func TestAPolicyInHarbor2sShape(t *testing.T) {
	t.Parallel()
	s := newSite(t, artifacts(t))
	const format = `{"id":3,"name":"ci","project_id":1,"targets":[{"type":"http","address":"https://ci.example.com/hook?token=%s",` +
		`"auth_header":"%s","payload_format":"Events"}],"event_types":["PUSH_ARTIFACT"],"secret":"********","creator":"admin1",` +
		`"creation_time":"2020-03-03T07:58:52.000Z","update_time":"2020-03-03T07:58:52.000Z","enabled":true}`
	for who, secrets := range map[string][2]any{
		root: {"abc", "Bearer t0ps3cret"}, admin: {"abc", "Bearer t0ps3cret"}, master: {hook.Mask, hook.Mask},
	} {
		want := fmt.Sprintf(format, secrets[0], secrets[1])
		if diff := cmp.Diff(want+"\n", s.do(who, "GET", secondPolicies+"/3", "").Body.String()); diff != "" {
			t.Errorf("%s: %s", who, diff)
		}
		if diff := cmp.Diff("["+want+"]\n", s.do(who, "GET", secondPolicies, "").Body.String()); diff != "" {
			t.Errorf("%s: list: %s", who, diff)
		}
	}
}

// What one family shows can be written back through it without a change for the
// other: types that share a name, filters, secrets, creator and creation time stay.
func TestWritingBackThroughTheOtherFamilyChangesNothing(t *testing.T) {
	t.Parallel()
	for _, path := range []string{policiesPath, secondPolicies} {
		s := newSite(t, artifacts(t))
		s.policies[0].Filters = []hook.Filter{{Kind: hook.FilterTag, List: []string{"latest"}}}
		s.policies[0].Targets[0].SkipCertVerify = true
		before := s.policies[0]
		read := s.do(admin, "GET", path+"/3", "").Body.String()
		wantStatus(t, s.do(admin, "PUT", path+"/3", read), http.StatusOK)
		after := s.policies[0]
		after.UpdateTime = before.UpdateTime
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func TestEventTypesOfAWriteThroughTheSecondFamily(t *testing.T) {
	t.Parallel()
	for names, want := range map[string][]hook.EventType{
		`"PUSH_ARTIFACT"`:                                   {hook.PushImage},
		`"PUSH_ARTIFACT","UPLOAD_CHART"`:                    {hook.PushImage, hook.UploadChart},
		`"UPLOAD_CHART","DELETE_ARTIFACT","UPLOAD_CHART"`:   {hook.UploadChart, hook.DeleteImage},
		`"DELETE_ARTIFACT","PUSH_ARTIFACT","PUSH_ARTIFACT"`: {hook.PushImage, hook.DeleteImage},
	} {
		s := newSite(t, artifacts(t))
		wantStatus(t, s.do(admin, "PUT", secondPolicies+"/3", `{"event_types":[`+names+`]}`), http.StatusOK)
		if diff := cmp.Diff(want, s.policies[0].HookTypes); diff != "" {
			t.Errorf("%s: %s", names, diff)
		}
	}
}

func TestWhatHarbor2sClientsLeaveOut(t *testing.T) {
	t.Parallel()
	s := newSite(t, artifacts(t))
	s.policies[0].Targets[0].SkipCertVerify = true
	before := s.policies[0]
	wantStatus(t, s.do(admin, "PUT", secondPolicies+"/3", `{"enabled":false,"targets":[{"type":"http","address":"https://ci.example.com/other"}]}`), http.StatusOK)
	want := before
	want.Enabled, want.UpdateTime = false, s.policies[0].UpdateTime
	want.Targets = []hook.Target{{Type: "http", Address: "https://ci.example.com/other", AuthHeader: "Bearer t0ps3cret", PayloadFormat: "Events"}}
	if diff := cmp.Diff(want, s.policies[0]); diff != "" {
		t.Error(diff)
	}
}

func TestASlackTargetHasNoFormatInHarbor2sShape(t *testing.T) {
	t.Parallel()
	s := newSite(t, artifacts(t))
	s.policies[0].Targets[0].Type, s.policies[0].Targets[0].PayloadFormat = hook.TargetSlack, "Slack"
	before := s.policies[0]
	read := s.do(admin, "GET", secondPolicies+"/3", "").Body.String()
	if !strings.Contains(read, `"type":"slack"`) || strings.Contains(read, "payload_format") {
		t.Errorf("reads %s", read)
	}
	wantStatus(t, s.do(admin, "PUT", secondPolicies+"/3", read), http.StatusOK)
	before.UpdateTime = s.policies[0].UpdateTime
	if diff := cmp.Diff(before, s.policies[0]); diff != "" {
		t.Error(diff)
	}
	created := `{"name":"new","event_types":["PUSH_ARTIFACT"],"targets":[{"type":"slack","address":"https://hooks.example/x","payload_format":""}]}`
	wantStatus(t, s.do(admin, "POST", secondPolicies, created), http.StatusCreated)
	if got := s.policies[1].Targets[0]; got != (hook.Target{Type: "slack", Address: "https://hooks.example/x"}) {
		t.Errorf("stored %+v", got)
	}
}

func TestRefusalsOfTheSecondFamily(t *testing.T) {
	t.Parallel()
	put := func(body string) [2]string { return [2]string{"PUT " + secondPolicies + "/3", body} }
	get := func(path string) [2]string { return [2]string{"GET " + path, ""} }
	for _, tc := range []struct {
		who     string
		request [2]string
		status  int
		code    string
		message string
	}{
		{nobody, get(secondPolicies), 401, "UNAUTHORIZED", "unauthorized"},
		{guest, get(secondPolicies), 403, "FORBIDDEN", "forbidden"},
		{admin, get(secondPolicies + "/77"), 404, "NOT_FOUND", "webhook policy not found"},
		{admin, get("/api/v2.0/projects/nope/webhook/policies"), 404, "NOT_FOUND", "project not found"},
		{admin, get("/api/v2.0/nothing"), 404, "NOT_FOUND", "not found"},
		{admin, [2]string{"DELETE " + secondPolicies, ""}, 405, "METHOD_NOT_ALLOWED", "not allowed"},
		{admin, put(""), 422, "UNPROCESSABLE_ENTITY", "the body is missing"},
		{admin, put(`{"a":`), 400, "BAD_REQUEST", "not valid JSON"},
		{admin, put(`{"event_types":[]}`), 400, "BAD_REQUEST", "empty event type"},
		{admin, put(`{"event_types":["pushImage"]}`), 400, "BAD_REQUEST", `unsupported event type "pushImage"`},
		{admin, put(`{"targets":[]}`), 400, "BAD_REQUEST", "targets: must not be empty"},
		{admin, put(`{"name":7}`), 400, "BAD_REQUEST", "name: must be a string"},
		{admin, put(`{"targets":[{"type":"slack","address":"https://ci.example.com/hook?token=abc","payload_format":"Default"}]}`), 400, "BAD_REQUEST", "not allowed for slack"},
		{admin, [2]string{"POST " + secondPolicies, `{"name":"x","targets":[{"address":"https://x.example"}]}`}, 400, "BAD_REQUEST", "empty event type"},
		{admin, [2]string{"POST " + secondPolicies, strings.Replace(harborPolicy, `"new"`, `"ci"`, 1)}, 409, "CONFLICT", "already"},
		{admin, get(secondPolicies + "?page_size=101"), 422, "UNPROCESSABLE_ENTITY", "page_size"},
		{admin, get(secondPolicies + "?page=0"), 422, "UNPROCESSABLE_ENTITY", "page"},
		{admin, get(secondPolicies + "?q=name"), 400, "BAD_REQUEST", "q: "},
		{admin, get(secondPolicies + "?q=%25zz=x"), 400, "BAD_REQUEST", "q: "},
		{admin, get(secondJobs), 422, "UNPROCESSABLE_ENTITY", "policy_id"},
		{admin, get(secondJobs + "?policy_id=x"), 422, "UNPROCESSABLE_ENTITY", "policy_id"},
		{admin, get(secondJobs + "?policy_id=3&status=finished"), 422, "UNPROCESSABLE_ENTITY", "status"},
		{admin, get(secondPolicies + "/3/executions/77/tasks"), 404, "NOT_FOUND", "execution not found"},
		{admin, get(secondPolicies + "/77/executions/11/tasks"), 404, "NOT_FOUND", "webhook policy not found"},
		{admin, get(secondPolicies + "/3/executions/11/tasks/12/log"), 404, "NOT_FOUND", "task not found"},
	} {
		s := newSite(t, artifacts(t))
		method, path, _ := strings.Cut(tc.request[0], " ")
		w := s.do(tc.who, method, path, tc.request[1])
		if got := wantSecondProblem(t, w, tc.status); !strings.Contains(got, tc.message) || !strings.Contains(w.Body.String(), `"code":"`+tc.code+`"`) {
			t.Errorf("%s %s: %s, want %s %q", tc.request[0], tc.request[1], w.Body, tc.code, tc.message)
		}
		if w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s: a browser would ask for a password", path)
		}
		if !s.untouched() {
			t.Errorf("%s %s changed something", tc.request[0], tc.request[1])
		}
	}
	s := newSite(t)
	s.broken = fmt.Errorf("column secret_column does not exist")
	if got := wantSecondProblem(t, s.do(root, "GET", secondPolicies, ""), http.StatusInternalServerError); got != "internal server error" {
		t.Errorf("says %q", got)
	}
}

func policyNames(t *testing.T, s *site, query string) string {
	t.Helper()
	var names []string
	for _, p := range decode[[]struct{ Name string }](t, s.do(admin, "GET", secondPolicies+query, "")) {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

func TestPoliciesAreNarrowedSortedAndPaged(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i, name := range []string{"Build", "deploy", "builds"} {
		s.policies = append(s.policies, hook.Policy{
			ID: int64(20 + i), ProjectID: 1, Name: name, Enabled: i > 0, Creator: guest, CreationTime: epoch.Add(time.Duration(i+1) * time.Hour),
			Targets: []hook.Target{{Type: "http", Address: "https://s3cr3t.example", AuthHeader: "s3cr3t"}},
		})
	}
	for query, want := range map[string]string{
		"": "builds deploy Build ci", "?sort=creation_time": "ci Build deploy builds", "?sort=name": "Build builds ci deploy",
		"?sort=-enabled,id": "ci deploy builds Build", "?sort=nothing": "ci Build deploy builds", "?q=name=~BUILD": "builds Build",
		"?q=name=builds": "builds", "?q=enabled=true,name=~build": "builds", "?q=id=%5B20~21%5D": "deploy Build", "?q=id=%7B3%2020%7D": "Build ci",
		"?q=name=(ci)": "ci", "?q=creator=guest1&sort=id": "Build deploy builds", "?q=creation_time=%5B2020-03-03T08:00:00~2020-03-03T09:30:00%5D": "Build",
		"?q=targets=~s3cr3t": "builds deploy Build ci", "?q=auth_header=x": "builds deploy Build ci", "?q=id=%5B~20%5D": "Build ci",
		"?page=2&page_size=3": "ci", "?page=3&page_size=3": "", "?q=name%253D~dep": "deploy",
	} {
		if got := policyNames(t, s, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	w := s.do(admin, "GET", secondPolicies+"?page=2&page_size=1", "")
	want := fmt.Sprintf(`<%[1]s?page=1&page_size=1>; rel="prev" , <%[1]s?page=3&page_size=1>; rel="next"`, secondPolicies)
	if got := w.Header().Get("Link"); got != want || w.Header().Get("X-Total-Count") != "4" {
		t.Errorf("Link is %q, total %q", got, w.Header().Get("X-Total-Count"))
	}
	if w := s.do(admin, "GET", policiesPath+"?page_size=1", ""); w.Header().Get("X-Total-Count") != "" || strings.Count(w.Body.String(), `"project_id"`) != 4 {
		t.Error("the first family's list has pages")
	}
}

func TestJobsInHarbor2sWords(t *testing.T) {
	t.Parallel()
	s := newSite(t, artifacts(t))
	body := s.do(master, "GET", secondJobs+"?policy_id=3&status=Scheduled,Error&hook_type=PUSH_ARTIFACT&sort=nothing", "").Body.String()
	for _, want := range []string{`"status":"Scheduled"`, `"event_type":"PUSH_ARTIFACT"`, `"creation_time":"2020-03-03T07:58:52.000Z"`, `"notify_type":"http"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing in %s", want, body)
		}
	}
	want := hook.JobFilter{PolicyID: 3, Statuses: []hook.Status{hook.StatusScheduled, hook.StatusError}, HookTypes: []hook.EventType{hook.PushImage, hook.PushArtifact}}
	if diff := cmp.Diff(want, s.filter); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(hook.JobPage{Limit: 10}, s.page); diff != "" {
		t.Error(diff)
	}
}

func TestExecutionsAndTasks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	running := `[{"id":11,"vendor_type":"WEBHOOK","vendor_id":3,"status":"Running","status_message":"","metrics":{"scheduled_task_count":1,"task_count":1},` +
		`"trigger":"EVENT","extra_attrs":{"event_type":"PUSH_ARTIFACT","payload":"{\"event_type\":\"pushImage\"}"},` +
		`"start_time":"2020-03-03T07:58:52Z","end_time":"0001-01-01T00:00:00Z"}]`
	w := s.do(master, "GET", secondPolicies+"/3/executions", "")
	if diff := cmp.Diff(running+"\n", w.Body.String()); diff != "" || w.Header().Get("X-Total-Count") != "1" {
		t.Errorf("total %s: %s", w.Header().Get("X-Total-Count"), diff)
	}
	s.jobs[0].Status, s.jobs[0].NotifyType = hook.StatusFinished, hook.TargetSlack
	over := s.do(master, "GET", secondPolicies+"/3/executions", "").Body.String()
	for _, want := range []string{`"vendor_type":"SLACK"`, `"status":"Success"`, `"success_task_count":1`, `"end_time":"2020-03-03T07:58:52Z"`} {
		if !strings.Contains(over, want) {
			t.Errorf("%s is missing in %s", want, over)
		}
	}
	task := `[{"id":11,"execution_id":11,"status":"Success","status_message":"","run_count":1,"extra_attrs":{},` +
		`"creation_time":"2020-03-03T07:58:52Z","update_time":"2020-03-03T07:58:52Z","start_time":"2020-03-03T07:58:52Z","end_time":"2020-03-03T07:58:52Z"}]`
	if diff := cmp.Diff(task+"\n", s.do(master, "GET", secondPolicies+"/3/executions/11/tasks?q=status=Success", "").Body.String()); diff != "" {
		t.Error(diff)
	}
	if got := s.do(master, "GET", secondPolicies+"/3/executions/11/tasks?q=id=12", "").Body.String(); got != "[]\n" {
		t.Errorf("tasks of another id: %s", got)
	}
}

func TestExecutionsAreNarrowedByQ(t *testing.T) {
	t.Parallel()
	for q, want := range map[string]hook.JobFilter{
		"id=11":          {PolicyID: 3, ID: 11},
		"status=Running": {PolicyID: 3, Statuses: []hook.Status{hook.StatusPending, hook.StatusRunning, hook.StatusScheduled}},
		"status=Success": {PolicyID: 3, Statuses: []hook.Status{hook.StatusFinished}},
		"extra_attrs.event_type=PUSH_ARTIFACT,x=y": {PolicyID: 3, HookTypes: []hook.EventType{hook.PushImage, hook.PushArtifact}},
		"status=~Run": {PolicyID: 3},
	} {
		s := newSite(t, artifacts(t))
		wantStatus(t, s.do(master, "GET", secondPolicies+"/3/executions?sort=start_time&q="+q, ""), http.StatusOK)
		if diff := cmp.Diff(want, s.filter); diff != "" || !s.page.Ascending {
			t.Errorf("%s: ascending %t, %s", q, s.page.Ascending, diff)
		}
	}
	for _, q := range []string{"id=x", "id=%7B1%202%7D", "status=nope", "event_type=nope", "id=%7B%7D", "=x", "id=%5B1%5D"} {
		wantProblem(t, newSite(t).do(master, "GET", secondPolicies+"/3/executions?q="+q, ""), http.StatusBadRequest)
	}
}

func TestATaskLogTellsSuccessFromFailure(t *testing.T) {
	t.Parallel()
	for status, sentence := range map[hook.Status]string{
		hook.StatusFinished: "success to run webhook job", hook.StatusError: "exit webhook job, error: the target answered 502", hook.StatusScheduled: "next attempt not before",
	} {
		s := newSite(t)
		s.jobs[0].Status, s.attempts[11][0].Error = status, "the target answered 502"
		w := s.do(master, "GET", secondPolicies+"/3/executions/11/tasks/11/log", "")
		wantStatus(t, w, http.StatusOK)
		if log := w.Body.String(); !strings.Contains(log, sentence) || !strings.Contains(log, "start to run webhook job") || !strings.Contains(log, "> Authorization: ********") {
			t.Errorf("%s: %s", status, log)
		}
		if got := w.Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("content type is %q", got)
		}
	}
}

func TestAnExecutionOfAnotherPolicyIsNotFound(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.policies = append(s.policies, hook.Policy{ID: 4, ProjectID: 1, Name: "other"})
	wantProblem(t, s.do(admin, "GET", secondPolicies+"/4/executions/11/tasks", ""), http.StatusNotFound)
	wantProblem(t, s.do(admin, "GET", secondPolicies+"/4/executions/11/tasks/11/log", ""), http.StatusNotFound)
}

func TestLastTriggers(t *testing.T) {
	t.Parallel()
	s := newSite(t, artifacts(t))
	s.policies[0].HookTypes = []hook.EventType{hook.PushImage, hook.PushArtifact, hook.DeleteImage}
	first := `[{"policy_name":"ci","event_type":"pushImage","enabled":true,"creation_time":"2020-03-03T07:58:52Z","last_trigger_time":"2020-03-03T07:58:52Z"},` +
		`{"policy_name":"ci","event_type":"pushArtifact","enabled":true,"creation_time":"2020-03-03T07:58:52Z"},` +
		`{"policy_name":"ci","event_type":"deleteImage","enabled":true,"creation_time":"2020-03-03T07:58:52Z"}]`
	if diff := cmp.Diff(first+"\n", s.do(master, "GET", "/api/projects/1/webhook/lasttrigger", "").Body.String()); diff != "" {
		t.Error(diff)
	}
	second := `[{"policy_name":"ci","event_type":"PUSH_ARTIFACT","enabled":true,"creation_time":"2020-03-03T07:58:52.000Z","last_trigger_time":"2020-03-03T07:58:52.000Z"},` +
		`{"policy_name":"ci","event_type":"DELETE_ARTIFACT","enabled":true,"creation_time":"2020-03-03T07:58:52.000Z","last_trigger_time":"0001-01-01T00:00:00.000Z"}]`
	if diff := cmp.Diff(second+"\n", s.do(master, "GET", "/api/v2.0/projects/1/webhook/lasttrigger", "").Body.String()); diff != "" {
		t.Error(diff)
	}
	if got := s.do(foreigner, "GET", "/api/projects/2/webhook/lasttrigger", "").Body.String(); got != "[]\n" {
		t.Errorf("without policies: %s", got)
	}
}

func TestEventTypesInHarbor2sShape(t *testing.T) {
	t.Parallel()
	want := `{"event_type":["PUSH_ARTIFACT","DELETE_ARTIFACT","UPLOAD_CHART"],"notify_type":["http","slack"],` +
		`"payload_formats":[{"notify_type":"http","formats":["Events","Default"]},{"notify_type":"slack","formats":["Slack"]}]}`
	s := newSite(t, artifacts(t))
	if diff := cmp.Diff(want+"\n", s.do(master, "GET", "/api/v2.0/projects/1/webhook/events", "").Body.String()); diff != "" {
		t.Error(diff)
	}
}

func TestPingOfHarbor2IsText(t *testing.T) {
	t.Parallel()
	if got := newSite(t).do(nobody, "GET", "/api/v2.0/ping", "").Body.String(); got != "Pong" {
		t.Errorf("answers %q", got)
	}
}

func TestWhoAsksForAllArtifactsHearsOfChartsToo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const policies = secondPolicies
	body := func(types string) string {
		return `{"name":"all","event_types":` + types + `,"targets":[{"type":"http","address":"https://ci.example.com"}],"enabled":true}`
	}
	w := s.do(admin, "POST", policies, body(`["PUSH_ARTIFACT"]`))
	wantStatus(t, w, http.StatusCreated)
	want := []hook.EventType{hook.PushImage, hook.UploadChart, hook.PushArtifact}
	read := func() []string {
		t.Helper()
		var shown struct {
			EventTypes []string `json:"event_types"`
		}
		if err := json.Unmarshal(s.do(admin, "GET", w.Header().Get("Location"), "").Body.Bytes(), &shown); err != nil {
			t.Fatal(err)
		}
		return shown.EventTypes
	}
	stored := func() []hook.EventType { return s.memory.policies[len(s.memory.policies)-1].HookTypes }
	if got := stored(); !slices.Equal(got, want) {
		t.Errorf("subscribed to %v, want %v", got, want)
	}
	if got := read(); !slices.Equal(got, []string{"PUSH_ARTIFACT"}) {
		t.Errorf("reads as %v", got)
	}
	wantStatus(t, s.do(admin, "PUT", w.Header().Get("Location"), body(`["PUSH_ARTIFACT"]`)), http.StatusOK)
	if got := stored(); !slices.Equal(got, want) {
		t.Errorf("after writing it back: %v", got)
	}
	wantStatus(t, s.do(admin, "PUT", w.Header().Get("Location"), body(`["UPLOAD_CHART"]`)), http.StatusOK)
	if got := read(); !slices.Equal(got, []string{"UPLOAD_CHART"}) {
		t.Errorf("charts alone read as %v", got)
	}
}

package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

const robotsPath = "/api/v2.0/projects/1/robots"

// newRobotBody is what Harbor 2.15's clients send.
const newRobotBody = `{"name":"build","description":"","level":"project","disable":false,"duration":7,
	"permissions":[{"kind":"project","namespace":"p1","access":[{"resource":"repository","action":"pull"},{"resource":"repository","action":"push"}]}]}`

func TestCreatingARobotTellsItsSecretOnce(t *testing.T) {
	t.Parallel()
	for _, family := range []string{"/api", "/api/v2.0"} {
		s := newSite(t)
		w := s.do(admin, "POST", family+"/projects/1/robots", newRobotBody)
		wantStatus(t, w, http.StatusCreated)
		var made struct {
			ID           int64
			Name, Secret string
			ExpiresAt    int64  `json:"expires_at"`
			CreationTime string `json:"creation_time"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil {
			t.Fatal(err)
		}
		if made.ID != 101 || made.Name != "robot$p1+build" || len(made.Secret) < 43 || made.ExpiresAt != epoch.AddDate(0, 0, 7).Unix() || made.CreationTime == "" {
			t.Errorf("answered %s", w.Body)
		}
		if got := w.Header(); got.Get("Location") != family+"/projects/1/robots/101" || got.Get("Cache-Control") != "no-store" {
			t.Errorf("headers are %v", got)
		}
		kept := s.robots[2]
		want := hook.Robot{
			ID: 101, ProjectID: 1, Project: "p1", Name: "build", Permissions: []string{"repository:pull", "repository:push"}, Days: 7, Creator: admin,
			ExpiresAt: epoch.AddDate(0, 0, 7), CreationTime: epoch, UpdateTime: epoch, SecretHash: kept.SecretHash,
		}
		if diff := cmp.Diff(want, kept); diff != "" || kept.SecretHash == "" || strings.Contains(kept.SecretHash, made.Secret) {
			t.Errorf("stored %+v: %s", kept, diff)
		}
		read := s.do(admin, "GET", family+"/projects/1/robots/101", "").Body.String()
		if strings.Contains(read, made.Secret) || strings.Contains(read, kept.SecretHash) || strings.Contains(read, "secret") {
			t.Errorf("read %s", read)
		}
		if e := s.audit[0]; e.Action != hook.AuditCreateRobot || e.Actor != admin || e.Detail != "robot$p1+build: repository:pull repository:push" {
			t.Errorf("audited %+v", e)
		}
		if strings.Contains(s.log.String(), made.Secret) {
			t.Error("the secret is logged")
		}
	}
}

func TestARobotIsReadAsInHarbor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want := `{"id":21,"name":"robot$p1+ci","description":"","level":"project","disable":false,"duration":30,"expires_at":1585814332,"editable":true,` +
		`"creator":"admin1","permissions":[{"kind":"project","namespace":"p1","access":[{"resource":"notification-policy","action":"list"},` +
		`{"resource":"notification-policy","action":"read"},{"resource":"notification-job","action":"list"},{"resource":"project","action":"read"}]}],` +
		`"creation_time":"2020-03-03T07:58:52.000Z","update_time":"2020-03-03T07:58:52.000Z"}`
	if diff := cmp.Diff(want+"\n", s.do(master, "GET", robotsPath+"/21", "").Body.String()); diff != "" {
		t.Error(diff)
	}
	w := s.do(master, "GET", robotsPath, "")
	if got := decode[[]struct{ ID int64 }](t, w); len(got) != 1 || got[0].ID != 21 || w.Header().Get("X-Total-Count") != "1" {
		t.Errorf("listed %v", got)
	}
	if got := s.do(root, "GET", "/api/projects/2/robots/22", "").Body.String(); !strings.Contains(got, `"expires_at":-1`) || !strings.Contains(got, `"duration":-1`) {
		t.Errorf("without end: %s", got)
	}
	wantProblem(t, s.do(root, "GET", robotsPath+"/22", ""), http.StatusNotFound)
	wantProblem(t, s.do(root, "GET", robotsPath+"/x", ""), http.StatusNotFound)
}

// Harbor's older call, which its Go client still has.
func TestARobotIsCreatedByTheOlderCall(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	body := `{"name":"old","access":[{"resource":"/project/1/repository","action":"push","effect":"allow"},{"resource":"/project/1/repository","action":"push"}]}`
	wantStatus(t, s.do(admin, "POST", robotsPath, body), http.StatusCreated)
	if r := s.robots[2]; !slices.Equal(r.Permissions, []string{"repository:push"}) || r.Days != 30 {
		t.Errorf("stored %+v", r)
	}
}

func TestRobotsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	access := func(resource, action string) string {
		return `{"name":"x","access":[{"resource":"` + resource + `","action":"` + action + `"}]}`
	}
	for body, field := range map[string]string{
		`{}`:                            "name",
		`{"name":"x"}`:                  "permissions",
		`{"name":"Upper"}`:              "name",
		`{"name":"a+b"}`:                "name",
		`{"name":"robot$p1+x"}`:         "name",
		`{"name":"x","permissions":[]}`: "permissions",
		`{"name":"x","permissions":{}}`: "permissions",
		`{"name":"x","permissions":[{"kind":"project"}]}`:                                   "permissions[0].access",
		`{"name":"x","permissions":[{"kind":"project","access":[]}]}`:                       "permissions[0].access",
		`{"name":"x","permissions":[{"kind":"system","access":[]}]}`:                        "permissions[0].kind",
		`{"name":"x","permissions":[{"namespace":"p2","access":[]}]}`:                       "permissions[0].namespace",
		`{"name":"x","permissions":[{"namespace":"*","access":[]}]}`:                        "permissions[0].namespace",
		`{"name":"x","permissions":[{"access":[{"resource":"a","action":"b"}]}]}`:           "permissions[0].access[0].action",
		`{"name":"x","permissions":[{},{}]}`:                                                "permissions",
		access("robot", "update"):                                                           "access[0].action",
		access("member", "update"):                                                          "access[0].action",
		access("project", "delete"):                                                         "access[0].action",
		access("/project/2/repository", "pull"):                                             "access[0].action",
		access("repository", "*"):                                                           "access[0].action",
		access("*", "*"):                                                                    "access[0].action",
		`{"name":"x","access":[{"resource":"repository","action":"pull","effect":"deny"}]}`: "access[0].effect",
		`{"name":"x","duration":-2}`:                                                        "duration",
		`{"name":"x","duration":36501}`:                                                     "duration",
		`{"name":"x","duration":"1"}`:                                                       "duration",
		`{"name":"x","expires_at":1}`:                                                       "expires_at",
		`{"name":"x","secret":"Chosen12345"}`:                                               "secret",
		`{"name":"x","level":"system"}`:                                                     "level",
		`{"name":"x","disable":"no"}`:                                                       "disable",
		`{"name":"x","description":"` + strings.Repeat("x", 1025) + `"}`:                    "description",
	} {
		for _, family := range []string{"/api", "/api/v2.0"} {
			s := newSite(t)
			if got := wantProblem(t, s.do(admin, "POST", family+"/projects/1/robots", body), http.StatusBadRequest); !strings.HasPrefix(got, field+": ") {
				t.Errorf("%s: %s", body, got)
			}
			if len(s.robots) != 2 {
				t.Errorf("%s: stored", body)
			}
		}
	}
	wantProblem(t, newSite(t).do(admin, "POST", robotsPath, strings.Replace(newRobotBody, "build", "ci", 1)), http.StatusConflict)
}

func TestChangingARobot(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	read := s.do(admin, "GET", robotsPath+"/21", "").Body.String()
	wantStatus(t, s.do(admin, "PUT", "/api/projects/1/robots/21", read), http.StatusOK)
	if !s.untouched() {
		t.Errorf("what was read and sent back changed %+v", s.robots[0])
	}
	wantStatus(t, s.do(admin, "PUT", robotsPath+"/21", `{"name":"ci","disable":true,"duration":-1,"description":"off"}`), http.StatusOK)
	r := s.robots[0]
	if !r.Disabled || r.Days != hook.NoExpiry || !r.ExpiresAt.IsZero() || r.Description != "off" || len(r.Permissions) != 4 || r.Creator != admin {
		t.Errorf("stored %+v", r)
	}
	if e := s.audit[1]; e.Action != hook.AuditUpdateRobot || !strings.HasPrefix(e.Detail, "robot$p1+ci (disabled): ") {
		t.Errorf("audited %+v", e)
	}
	wantStatus(t, s.do(admin, "PUT", robotsPath+"/21", `{"permissions":[{"access":[{"resource":"repository","action":"pull"}]}]}`), http.StatusOK)
	if got := s.robots[0].Permissions; !slices.Equal(got, []string{"repository:pull"}) {
		t.Errorf("permissions are %v", got)
	}
	for _, body := range []string{
		`{"name":"other"}`, `{"name":"robot$p2+ci"}`, `{"permissions":[]}`, `{"level":"system"}`,
		// Another project in the body does not lead there.
		`{"permissions":[{"kind":"project","namespace":"p2","access":[{"resource":"repository","action":"push"}]}]}`,
	} {
		wantProblem(t, s.do(admin, "PUT", robotsPath+"/21", body), http.StatusBadRequest)
	}
	if got := s.robots[0].Permissions; !slices.Equal(got, []string{"repository:pull"}) {
		t.Errorf("a refused change left %v", got)
	}
}

func TestANewSecretAndTheEndOfARobot(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.do(admin, "POST", robotsPath+"/21/secret/rotate", "")
	if got := decode[struct{ Secret string }](t, w); len(got.Secret) < 43 || s.robots[0].SecretHash == "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("answered %+v", got)
	}
	wantStatus(t, s.do(admin, "DELETE", robotsPath+"/21", ""), http.StatusOK)
	if len(s.robots) != 1 || s.audit[0].Action != hook.AuditRotateRobot || s.audit[1].Action != hook.AuditDeleteRobot {
		t.Errorf("left %+v, audited %+v", s.robots, s.audit)
	}
	wantProblem(t, s.do(admin, "DELETE", robotsPath+"/21", ""), http.StatusNotFound)
}

func TestARobotSeesItsProjectAmongTheOpenOnes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if got := decode[[]struct{ Name string }](t, s.do(machine, "GET", "/api/projects", "")); len(got) != 2 {
		t.Errorf("projects are %v", got)
	}
	s.robots[0].Permissions = nil
	if got := decode[[]struct{ Name string }](t, s.do(machine, "GET", "/api/projects", "")); len(got) != 1 || got[0].Name != "p2" {
		t.Errorf("without permission, projects are %v", got)
	}
}

func TestWhatARobotDoesIsItsOwn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.robots[0].Permissions = []string{"notification-policy:create"}
	wantStatus(t, s.do(machine, "POST", policiesPath, `{"name":"x","hook_types":["pushImage"],"target":"https://x.example.com"}`), http.StatusCreated)
	if p := s.policies[1]; p.Creator != machine || s.audit[0].Actor != machine {
		t.Errorf("creator is %q, audited %+v", p.Creator, s.audit[0])
	}
}

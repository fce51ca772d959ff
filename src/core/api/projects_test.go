package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

func names(t *testing.T, s *site, who, query string) []string {
	t.Helper()
	var names []string
	for _, p := range decode[[]struct{ Name string }](t, s.do(who, "GET", "/api/projects"+query, "")) {
		names = append(names, p.Name)
	}
	return names
}

func TestEverybodySeesTheProjectsTheyMayRead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for who, want := range map[string][]string{
		root: {"p1", "p2"}, guest: {"p1", "p2"}, foreigner: {"p2"}, nobody: {"p2"},
	} {
		if diff := cmp.Diff(want, names(t, s, who, "")); diff != "" {
			t.Errorf("%s: %s", who, diff)
		}
	}
	if got := names(t, s, guest, "?page=2&page_size=1"); !cmp.Equal(got, []string{"p2"}) {
		t.Errorf("second page is %v", got)
	}
	if got := names(t, s, root, "?name=p1"); !cmp.Equal(got, []string{"p1"}) {
		t.Errorf("by name: %v", got)
	}
	for _, query := range []string{"?name=p", "?name=", "?name=p3"} {
		if got := names(t, s, root, query); len(got) != 0 {
			t.Errorf("%s: %v", query, got)
		}
	}
	if got := names(t, s, foreigner, "?name=p1"); len(got) != 0 {
		t.Errorf("a stranger found %v", got)
	}
	wantProblem(t, s.do("stranger", "GET", "/api/projects", ""), http.StatusUnauthorized)
	wantProblem(t, s.do(root, "GET", "/api/projects?page=x", ""), http.StatusBadRequest)
}

func TestCreatingAProject(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]hook.Project{
		`{"project_name":"new"}`: {ID: 101, Name: "new", OwnerID: 5, OwnerName: guest},
		`{"project_name":"new","metadata":{"public":"true","auto_scan":"true"},"storage_limit":-1,"registry_id":null}`: {ID: 101, Name: "new", Public: true, OwnerID: 5, OwnerName: guest},
		`{"project_name":"a-b_c.d","public":true}`: {ID: 101, Name: "a-b_c.d", Public: true, OwnerID: 5, OwnerName: guest},
	} {
		s := newSite(t)
		w := s.do(guest, "POST", "/api/projects", body)
		wantStatus(t, w, http.StatusCreated)
		if got := w.Header().Get("Location"); got != "/api/projects/101" {
			t.Errorf("Location is %q", got)
		}
		if diff := cmp.Diff(want, s.projects[2]); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

func TestProjectsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for body, status := range map[string]int{
		`{"project_name":"p1"}`: 409, `{}`: 400, `{"project_name":"A"}`: 400, `{"project_name":"a--b"}`: 400, `{"project_name":"a/b"}`: 400,
		`{"project_name":"` + strings.Repeat("a", 256) + `"}`: 400, `{"project_name":"a","public":"true"}`: 400,
		`{"project_name":"a","metadata":{"public":true}}`: 400, `{"project_name":"a","metadata":{"public":"yes"}}`: 400,
		`{"project_name":"a","metadata":[]}`: 400, `{"project_name":"a","x":1}`: 400, `{"project_name":"a\n"}`: 400,
	} {
		wantProblem(t, s.do(guest, "POST", "/api/projects", body), status)
	}
	if len(s.projects) != 2 {
		t.Error("a project was created")
	}
}

func TestAPublicProjectIsReadByAnybody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want := `{"project_id":2,"name":"p2","owner_id":6,"owner_name":"admin2","metadata":{"public":"true"},` +
		`"creation_time":"2020-03-03T07:58:52Z","update_time":"2020-03-03T07:58:52Z"}`
	if diff := cmp.Diff(want+"\n", s.do(nobody, "GET", "/api/projects/p2", "").Body.String()); diff != "" {
		t.Error(diff)
	}
	wantProblem(t, s.do(nobody, "GET", "/api/projects/p1", ""), http.StatusUnauthorized)
	wantProblem(t, s.do(nobody, "GET", "/api/projects/p2/webhook/policies", ""), http.StatusUnauthorized)
	wantProblem(t, s.do(guest, "GET", "/api/projects/p2/webhook/policies", ""), http.StatusForbidden)
}

func TestMembers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	list := s.do(guest, "GET", "/api/projects/1/members", "").Body.String()
	if !strings.HasPrefix(list, `[{"id":1,"project_id":1,"entity_name":"admin1","entity_id":2,"entity_type":"u","role_id":1,"role_name":"projectAdmin"}`) {
		t.Error(list)
	}
	w := s.do(admin, "POST", "/api/projects/1/members", `{"role_id":4,"member_user":{"username":"admin2","user_id":77}}`)
	wantStatus(t, w, http.StatusCreated)
	if got := w.Header().Get("Location"); got != "/api/projects/1/members/101" {
		t.Errorf("Location is %q", got)
	}
	if diff := cmp.Diff(hook.Member{ID: 101, ProjectID: 1, UserID: 6, Username: foreigner, Role: hook.RoleMaster}, s.members[5]); diff != "" {
		t.Error(diff)
	}
	for body, status := range map[string]int{
		`{"role_id":1,"member_user":{"username":"guest1"}}`: 409, `{"role_id":1,"member_user":{"username":"nobody"}}`: 400,
		`{"role_id":0,"member_user":{"username":"root"}}`: 400, `{"role_id":5,"member_user":{"username":"root"}}`: 400,
		`{"member_user":{"username":"root"}}`: 400, `{"role_id":1}`: 400, `{"role_id":1,"member_user":{}}`: 400,
		`{"role_id":1,"member_user":"root"}`: 400, `{"role_id":1,"member_group":{}}`: 400,
	} {
		wantProblem(t, s.do(admin, "POST", "/api/projects/1/members", body), status)
	}
	wantProblem(t, s.do(root, "DELETE", "/api/projects/1/members/5", ""), http.StatusNotFound) // p2's
	wantStatus(t, s.do(root, "DELETE", "/api/projects/1/members/4", ""), http.StatusOK)
	wantProblem(t, s.do(root, "DELETE", "/api/projects/1/members/4", ""), http.StatusNotFound)
}

func TestUsers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.do(root, "POST", "/api/users", `{"username":"bob","email":"b@example.com","realname":"Bob","password":"correct horse","comment":""}`)
	wantStatus(t, w, http.StatusCreated)
	if got := w.Header().Get("Location"); got != "/api/users/101" {
		t.Errorf("Location is %q", got)
	}
	u := s.users[6]
	if u.Username != "bob" || u.Email != "b@example.com" || u.Realname != "Bob" || u.SysAdmin || u.PasswordHash == "" || strings.Contains(u.PasswordHash, "horse") {
		t.Errorf("stored %+v", u)
	}
	for body, status := range map[string]int{
		`{"username":"bob","password":"correct horse"}`: 409, `{"username":"x","password":"short"}`: 400, `{"username":"x"}`: 400,
		`{"password":"correct horse"}`: 400, `{"username":"a:b","password":"correct horse"}`: 400, `{"username":" a","password":"correct horse"}`: 400,
		`{"username":"a\nb","password":"correct horse"}`: 400, `{"username":"x","password":"correct horse","email":"a\rb"}`: 400,
		`{"username":"x","password":"correct horse","realname":"` + strings.Repeat("x", 256) + `"}`: 400, `{"username":"x","password":"correct horse","admin":true}`: 400,
	} {
		wantProblem(t, s.do(root, "POST", "/api/users", body), status)
	}
	list := s.do(root, "GET", "/api/users?page_size=2", "")
	if got := list.Header().Get("X-Total-Count"); got != "7" || strings.Contains(list.Body.String(), "assword") {
		t.Errorf("total %s: %s", got, list.Body)
	}
	if got := decode[[]struct{ Username string }](t, s.do(root, "GET", "/api/users?username=bob", "")); len(got) != 1 || got[0].Username != "bob" {
		t.Errorf("by name: %v", got)
	}
	if got := decode[[]struct{ Username string }](t, s.do(root, "GET", "/api/users?username=nope", "")); len(got) != 0 {
		t.Errorf("by an unknown name: %v", got)
	}
	if got := decode[struct {
		UserID   int64 `json:"user_id"`
		Username string
	}](t, s.do(guest, "GET", "/api/users/current", "")); got.UserID != 5 || got.Username != guest {
		t.Errorf("current user is %+v", got)
	}
}

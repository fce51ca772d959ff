package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

func TestPermissionsAreThoseOfTheRole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const path = "/api/v2.0/users/current/permissions"
	for who, want := range map[string][]string{
		admin:     {"notification-policy:list", "notification-policy:create", "notification-policy:update"},
		master:    {"notification-policy:list", "notification-policy:read"},
		guest:     {"repository:pull"},
		foreigner: nil,
	} {
		granted := map[string]bool{}
		for _, p := range decode[[]struct{ Resource, Action string }](t, s.do(who, "GET", path+"?scope=/project/1&relative=true", "")) {
			granted[p.Resource+":"+p.Action] = true
		}
		for _, p := range want {
			if !granted[p] {
				t.Errorf("%s may not %s", who, p)
			}
		}
		if len(want) == 0 && len(granted) > 0 || who != admin && granted["notification-policy:create"] {
			t.Errorf("%s may %v", who, granted)
		}
	}
	absolute := s.do(master, "GET", path+"?scope=/project/1", "").Body.String()
	if !strings.Contains(absolute, `{"resource":"/project/1/notification-policy","action":"list"}`) {
		t.Error(absolute)
	}
	if got := s.do(master, "GET", path, "").Body.String(); got != "[]\n" {
		t.Errorf("without a scope: %s", got)
	}
	wantProblem(t, s.do(master, "GET", path+"?scope=/project/x", ""), http.StatusUnprocessableEntity)
	wantProblem(t, s.do(master, "GET", path+"?scope=/project/77", ""), http.StatusNotFound)
}

func TestSummaryStatisticsAndSearch(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for path, want := range map[string]string{
		"/api/v2.0/projects/1/summary": `{"repo_count":0,"project_admin_count":1,"maintainer_count":1,"developer_count":1,"guest_count":1,` +
			`"limited_guest_count":0,"quota":{"hard":{"storage":-1},"used":{"storage":0}}}`,
		"/api/v2.0/statistics": `{"private_project_count":1,"private_repo_count":0,"public_project_count":1,"public_repo_count":0,` +
			`"total_project_count":2,"total_repo_count":0,"total_storage_consumption":0}`,
	} {
		if diff := cmp.Diff(want+"\n", s.do(guest, "GET", path, "").Body.String()); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	found := decode[struct {
		Project    []struct{ Name string }
		Repository []any
	}](t, s.do(guest, "GET", "/api/v2.0/search?q=1", ""))
	if len(found.Project) != 1 || found.Project[0].Name != "p1" || found.Repository == nil {
		t.Errorf("found %+v", found)
	}
}

func TestProjectsAreNarrowed(t *testing.T) {
	t.Parallel()
	yes := true
	for query, want := range map[string]hook.ProjectFilter{
		"":                                       {ReaderID: 5},
		"?name=p1&owner=admin1":                  {ReaderID: 5, Name: "p1", OwnerName: admin},
		"?public=true&with_detail=true":          {ReaderID: 5, Public: &yes},
		"?q=name=~P,owner=admin1,public=1":       {ReaderID: 5, NameContains: "P", OwnerName: admin, Public: &yes},
		"?q=name=p1,unknown=x&sort=-update_time": {ReaderID: 5, Name: "p1"},
	} {
		s := newSite(t)
		wantStatus(t, s.do(guest, "GET", "/api/v2.0/projects"+query, ""), http.StatusOK)
		if diff := cmp.Diff(want, s.projectFilter); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	s := newSite(t)
	s.do(root, "GET", "/api/projects", "")
	if !s.projectFilter.All {
		t.Error("the system admin does not see everything")
	}
	wantProblem(t, s.do(guest, "GET", "/api/projects?public=maybe", ""), http.StatusBadRequest)
	wantProblem(t, s.do(guest, "GET", "/api/v2.0/projects?public=maybe", ""), http.StatusUnprocessableEntity)
}

func TestHeadTellsWhetherAProjectsNameIsTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, status := range map[string]int{"p1": 200, "p3": 404} {
		if got := s.do(foreigner, "HEAD", "/api/v2.0/projects?project_name="+name, "").Code; got != status {
			t.Errorf("%s: %d", name, got)
		}
	}
	if got := s.do(nobody, "HEAD", "/api/v2.0/projects?project_name=p1", "").Code; got != http.StatusUnauthorized {
		t.Errorf("anonymous: %d", got)
	}
}

func TestChangingAndDeletingAProject(t *testing.T) {
	t.Parallel()
	for body, public := range map[string]bool{
		`{"metadata":{"public":"true"}}`: true, `{"project_name":"p1","public":true}`: true, `{"metadata":{"public":"false"}}`: false, `{"metadata":{}}`: false,
	} {
		s := newSite(t)
		wantStatus(t, s.do(admin, "PUT", "/api/v2.0/projects/1", body), http.StatusOK)
		if p := s.projects[0]; p.Public != public || p.Name != "p1" {
			t.Errorf("%s: stored %+v", body, p)
		}
	}
	s := newSite(t)
	wantProblem(t, s.do(admin, "PUT", "/api/projects/1", `{"project_name":"other"}`), http.StatusBadRequest)
	wantProblem(t, s.do(admin, "PUT", "/api/projects/1", `{"metadata":{"public":"maybe"}}`), http.StatusBadRequest)
	wantStatus(t, s.do(admin, "DELETE", "/api/projects/1", ""), http.StatusOK)
	if len(s.projects) != 1 {
		t.Error("the project is still there")
	}
}

func TestReadingAndChangingAMember(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want := `{"id":4,"project_id":1,"entity_name":"guest1","entity_id":5,"entity_type":"u","role_id":3,"role_name":"guest"}`
	if diff := cmp.Diff(want+"\n", s.do(guest, "GET", "/api/v2.0/projects/1/members/4", "").Body.String()); diff != "" {
		t.Error(diff)
	}
	wantStatus(t, s.do(admin, "PUT", "/api/v2.0/projects/1/members/4", `{"role_id":2}`), http.StatusOK)
	if got := s.members[3].Role; got != hook.RoleDeveloper {
		t.Errorf("role is %v", got)
	}
	wantProblem(t, s.do(admin, "PUT", "/api/v2.0/projects/1/members/4", `{"role_id":9}`), http.StatusBadRequest)
	wantProblem(t, s.do(admin, "PUT", "/api/v2.0/projects/1/members/77", `{"role_id":2}`), http.StatusNotFound)
	if got := s.do(admin, "GET", "/api/v2.0/projects/1/members/2", "").Body.String(); !strings.Contains(got, `"role_name":"maintainer"`) {
		t.Errorf("the master is %s", got)
	}
	w := s.do(admin, "GET", "/api/v2.0/projects/1/members?page_size=2&entityname=1", "")
	if got := decode[[]struct{ ID int }](t, w); len(got) != 2 || w.Header().Get("X-Total-Count") != "4" {
		t.Errorf("page is %v of %s", got, w.Header().Get("X-Total-Count"))
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	const fresh = `"new_password":"correct horse"`
	for _, tc := range []struct {
		who, user, body string
		status          int
	}{
		{guest, "5", `{"old_password":"guest1",` + fresh + `}`, 200},
		{guest, "5", `{"old_password":"wrong",` + fresh + `}`, 403},
		{guest, "5", `{` + fresh + `}`, 403},
		{guest, "5", `{"old_password":"guest1","new_password":"short"}`, 400},
		{guest, "4", `{"old_password":"develop1",` + fresh + `}`, 403},
		{root, "5", `{` + fresh + `}`, 200},
		{root, "1", `{` + fresh + `}`, 403},
		{root, "77", `{` + fresh + `}`, 404},
		{nobody, "5", `{` + fresh + `}`, 401},
	} {
		s := newSite(t)
		w := s.do(tc.who, "PUT", "/api/v2.0/users/"+tc.user+"/password", tc.body)
		if w.Code != tc.status {
			t.Errorf("%s changes %s with %s: %d %s", tc.who, tc.user, tc.body, w.Code, w.Body)
		}
		if changed := s.users[4].PasswordHash != ""; changed != (tc.status == 200) || changed != (len(s.forgotten) == 1) {
			t.Errorf("%s changes %s: changed %t, forgotten %v", tc.who, tc.user, changed, s.forgotten)
		}
	}
	if got := newSite(t).do(root, "GET", "/api/v2.0/users/5", "").Body.String(); !strings.Contains(got, `"username":"guest1"`) {
		t.Error(got)
	}
}

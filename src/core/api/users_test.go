package api_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestDeletingAUser(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cookie, _ := s.signedIn(t, guest)
	for _, family := range []string{"/api", "/api/v2.0"} {
		s.reset()
		wantStatus(t, s.do(root, "DELETE", family+"/users/5", ""), http.StatusOK)
		wantProblem(t, s.do(root, "DELETE", family+"/users/5", ""), http.StatusNotFound)
	}
	if len(s.users) != 5 || len(s.forgotten) != 2 || !strings.Contains(s.log.String(), "action=delete_user detail=guest1") {
		t.Errorf("users are %v, forgotten %v, log %s", s.users, s.forgotten, s.log)
	}
	wantProblem(t, s.do(nobody, "GET", "/api/v2.0/users/current", "", cookie), http.StatusUnauthorized)
}

func TestASystemAdminIsLeft(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wantProblem(t, s.do(root, "DELETE", "/api/users/1", ""), http.StatusForbidden)
	wantProblem(t, s.do(root, "PUT", "/api/users/1/sysadmin", `{"sysadmin_flag":false}`), http.StatusForbidden)
	wantStatus(t, s.do(root, "PUT", "/api/users/1/sysadmin", `{"sysadmin_flag":true}`), http.StatusOK)
	wantStatus(t, s.do(root, "PUT", "/api/v2.0/users/5/sysadmin", `{"sysadmin_flag":true}`), http.StatusOK)
	if !s.users[4].SysAdmin {
		t.Error("the user is no system admin")
	}
	wantProblem(t, s.do(guest, "DELETE", "/api/users/1", ""), http.StatusForbidden)
	wantStatus(t, s.do(guest, "PUT", "/api/users/1/sysadmin", `{"sysadmin_flag":false}`), http.StatusOK)
	wantProblem(t, s.do(guest, "PUT", "/api/users/5/sysadmin", `{"sysadmin_flag":false}`), http.StatusForbidden)
	for _, body := range []string{`{}`, `{"sysadmin_flag":"yes"}`, `{"sysadmin_flag":null}`} {
		wantProblem(t, s.do(guest, "PUT", "/api/users/4/sysadmin", body), http.StatusBadRequest)
	}
	wantProblem(t, s.do(guest, "PUT", "/api/users/77/sysadmin", `{"sysadmin_flag":true}`), http.StatusNotFound)
}

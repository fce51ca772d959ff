package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/core/auth"
)

// grants is the table of the contract: who may do what in project p1, a private
// one. It is written out here so that a change of the permissions fails.
func grants() map[auth.Action][]string {
	editors := []string{root, admin}
	readers := []string{root, admin, master}
	return map[auth.Action][]string{
		auth.ActionPolicyCreate: editors,
		auth.ActionPolicyUpdate: editors,
		auth.ActionPolicyDelete: editors,
		auth.ActionPolicyList:   readers,
		auth.ActionPolicyRead:   readers,
		auth.ActionJobList:      readers,
		auth.ActionProjectRead:  {root, admin, master, developer, guest},
		auth.ActionMemberList:   {root, admin, master, developer, guest},
		auth.ActionMemberManage: editors,
	}
}

// allowed says whether the caller gets past authorisation.
func allowed(t *testing.T, r api.Route, who string) bool {
	switch r.Access {
	case api.Public, api.Anyone:
		return true
	case api.SignedIn:
		return who != nobody
	case api.SysAdmin:
		return who == root
	case api.InProject:
		granted, ok := grants()[r.Action]
		if !ok {
			t.Fatalf("%s %s asks for %q, which the contract's table does not know", r.Method, r.Pattern, r.Action)
		}
		return slices.Contains(granted, who)
	default:
		t.Fatalf("unknown access %d", r.Access)
		return false
	}
}

func pathOf(r api.Route) string {
	return strings.NewReplacer(":project", "1", ":id", "3", ":jid", "11", ":mid", "4").Replace(r.Pattern)
}

// Every route × every role: refused callers see 401 or 403 and nothing changes;
// the others see neither.
func TestEveryRouteForEveryRole(t *testing.T) {
	t.Parallel()
	metrics := func(c *api.Config) {
		c.Metrics = http.NotFoundHandler()
		c.NotificationToken, c.ComponentToken = "", ""
	}
	for _, route := range newSite(t, metrics).api.Routes() {
		for _, who := range callers() {
			t.Run(route.Method+" "+route.Pattern+" as "+who, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, metrics)
				body := ""
				if route.Method == "POST" || route.Method == "PUT" {
					body = "{}"
				}
				w := s.do(who, route.Method, pathOf(route), body)
				switch {
				case allowed(t, route, who):
					if w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden || w.Code >= 500 {
						t.Errorf("answered %d %s", w.Code, w.Body)
					}
				case who == nobody:
					wantProblem(t, w, http.StatusUnauthorized)
				default:
					wantProblem(t, w, http.StatusForbidden)
				}
				if !allowed(t, route, who) && (len(s.policies) != 1 || len(s.members) != 5) {
					t.Error("a refused request changed something")
				}
			})
		}
	}
}

func TestEveryRouteInAProjectLooksItUpBeforeItRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, route := range s.api.Routes() {
		if route.Access != api.InProject {
			continue
		}
		path := strings.Replace(pathOf(route), "/projects/1", "/projects/77", 1)
		if got := wantProblem(t, s.do(guest, route.Method, path, ""), http.StatusNotFound); got != "project not found" {
			t.Errorf("%s %s: %q", route.Method, path, got)
		}
	}
}

func TestOtherMethodsOfARouteAreNotAllowed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	methods := map[string][]string{}
	for _, r := range s.api.Routes() {
		methods[r.Pattern] = append(methods[r.Pattern], r.Method)
	}
	for pattern, known := range methods {
		for _, m := range []string{"GET", "POST", "PUT", "DELETE"} {
			if slices.Contains(known, m) {
				continue
			}
			w := s.do(root, m, pathOf(api.Route{Pattern: pattern}), "")
			wantProblem(t, w, http.StatusMethodNotAllowed)
			if got := w.Header().Get("Allow"); !strings.Contains(got, known[0]) || strings.Contains(got, m) {
				t.Errorf("%s %s: Allow is %q", m, pattern, got)
			}
		}
	}
}

func TestUnknownPathsAreNotFoundInJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{
		"/api", "/api/nothing", "/api/projects/1/nothing", "/api/projects/1/webhook", "/api/projects/1/webhook/policies/3/x",
		"/service", "/service/notifications/events/x", "/livez/x", "/", "/debug/pprof", "/favicon.ico", "/metrics",
		"/api/projects.json", "/api/users/current.json", "/api/projects/1/webhook/policies.html",
	} {
		wantProblem(t, s.do(root, "GET", path, ""), http.StatusNotFound)
	}
}

func TestThePortalAnswersWhatIsNotTheAPIs(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *api.Config) {
		c.Portal = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/panic" {
				panic("portal")
			}
			w.WriteHeader(http.StatusTeapot)
		})
	})
	for path, status := range map[string]int{
		"/": 418, "/index.html": 418, "/projects/1": 418, "/static/app.js": 418, "/apis": 418, "/favicon.ico": 418,
		"/api/nothing": 404, "/service/x": 404, "/panic": 500,
	} {
		if got := s.do(nobody, "GET", path, "").Code; got != status {
			t.Errorf("%s: %d, want %d", path, got, status)
		}
	}
}

// beego looks for static files before it looks for routes.
func TestBeegoServesNoFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	writeFile(t, dir, "static/static/secret", "secret")
	writeFile(t, dir, "static/secret", "secret")
	writeFile(t, dir, "robots.txt", "secret")
	s := newSite(t)
	for _, path := range []string{"/static/secret", "/api/v2/static/secret", "/api/xx/static", "/robots.txt", "/api/projects/static/secret"} {
		if w := s.do(root, "GET", path, ""); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestHeadIsAnsweredAsGet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wantStatus(t, s.do(master, "HEAD", "/api/projects/1/webhook/policies/3", ""), http.StatusOK)
	wantStatus(t, s.do(guest, "HEAD", "/api/projects/1/webhook/policies/3", ""), http.StatusForbidden)
	wantStatus(t, s.do(nobody, "HEAD", "/api/ping", ""), http.StatusOK)
}

func TestAProjectIsFoundByIDOrName(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.projects[1].Name = "1"
	for path, name := range map[string]string{"/api/projects/1": "p1", "/api/projects/p1": "p1", "/api/projects/%701": "p1"} {
		if got := decode[struct{ Name string }](t, s.do(root, "GET", path, "")); got.Name != name {
			t.Errorf("%s is %q", path, got.Name)
		}
	}
	if got := decode[struct{ Name string }](t, s.do(root, "GET", "/api/projects/1", "", "X-Is-Resource-Name: true")); got.Name != "1" {
		t.Errorf("by name: %q", got.Name)
	}
	for _, path := range []string{"/api/projects/nope", "/api/projects/0", "/api/projects/99999999999999999999", "/api/projects/-1", "/api/projects/P%201"} {
		wantProblem(t, s.do(root, "GET", path, ""), http.StatusNotFound)
	}
}

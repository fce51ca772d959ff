package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/core/api"
)

// contract is the table of the API contract: who may use which route, by the path
// in its family. It is written out here, so that a route that is added, moved or
// opened to others fails until somebody says so here as well.
func contract() map[string][]string {
	const (
		project  = "/projects/:project"
		policies = project + "/webhook/policies"
		jobs     = project + "/webhook/jobs"
		members  = project + "/members"
	)
	everybody, signedIn := callers(), callers()[:6]
	editors, readers := []string{root, admin}, []string{root, admin, master}
	inside := []string{root, admin, master, developer, guest}
	return map[string][]string{
		"GET " + policies:                         readers,
		"POST " + policies:                        editors,
		"GET " + policies + "/:id":                readers,
		"PUT " + policies + "/:id":                editors,
		"DELETE " + policies + "/:id":             editors,
		"POST " + policies + "/:id/secret/rotate": editors,
		"POST " + policies + "/test":              editors,
		"POST " + policies + "/preview":           editors,
		"POST " + policies + "/:id/test":          editors,
		"GET " + project + "/webhook/lasttrigger": readers,
		"GET " + project + "/webhook/audit":       readers,
		"GET " + project + "/webhook/events":      readers,

		"GET " + jobs:                    readers,
		"GET " + jobs + "/:jid":          readers,
		"GET " + jobs + "/:jid/attempts": readers,
		"GET " + jobs + "/:jid/log":      readers,

		"POST " + jobs + "/redeliver":      editors,
		"POST " + jobs + "/:jid/redeliver": editors,
		"POST " + jobs + "/:jid/stop":      editors,

		"GET /projects":               everybody,
		"POST /projects":              signedIn,
		"GET " + project:              inside,
		"PUT " + project:              editors,
		"DELETE " + project:           editors,
		"GET " + project + "/summary": inside,
		"GET " + members:              inside,
		"POST " + members:             editors,
		"GET " + members + "/:mid":    inside,
		"PUT " + members + "/:mid":    editors,
		"DELETE " + members + "/:mid": editors,

		"GET /users":                     {root},
		"POST /users":                    {root},
		"GET /users/current":             signedIn,
		"GET /users/current/permissions": signedIn,
		"GET /users/:uid":                {root, guest},
		"PUT /users/:uid/password":       {root, guest},

		"GET /systeminfo":     everybody,
		"GET /ping":           everybody,
		"GET /health":         everybody,
		"GET /statistics":     signedIn,
		"GET /search":         everybody,
		"GET /configurations": {root},
	}
}

// secondContract is what only the second family has, and processContract what
// lies outside of the families.
func secondContract() map[string][]string {
	const executions = "/projects/:project/webhook/policies/:id/executions"
	readers := []string{root, admin, master}
	return map[string][]string{
		"GET " + executions:                          readers,
		"GET " + executions + "/:eid/tasks":          readers,
		"GET " + executions + "/:eid/tasks/:tid/log": readers,
	}
}

func processContract() map[string][]string {
	return map[string][]string{
		"GET /livez": callers(), "GET /readyz": callers(), "GET /metrics": callers(), "POST /service/notifications": callers(),
		"POST /service/notifications/events": callers(),
	}
}

// wholeContract has every route with its whole path.
func wholeContract() map[string][]string {
	whole := processContract()
	add := func(base string, rows map[string][]string) {
		for row, who := range rows {
			method, path, _ := strings.Cut(row, " ")
			whole[method+" "+base+path] = who
		}
	}
	add("/api", contract())
	add("/api/v2.0", contract())
	add("/api/v2.0", secondContract())
	return whole
}

func pathOf(r api.Route) string {
	return strings.NewReplacer(":project", "1", ":id", "3", ":jid", "11", ":mid", "4", ":uid", "5", ":eid", "11", ":tid", "11").Replace(r.Pattern)
}

func bodyOf(r api.Route) string {
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		return "{}"
	}
	return ""
}

func withEveryRoute(c *api.Config) {
	c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/plain") })
	c.NotificationToken, c.ComponentToken = "", ""
}

func TestTheContractNamesEveryRoute(t *testing.T) {
	t.Parallel()
	served, whole := map[string]bool{}, wholeContract()
	for _, r := range newSite(t, withEveryRoute).api.Routes() {
		row := r.Method + " " + r.Pattern
		if _, named := whole[row]; !named {
			t.Errorf("%s is served, but the contract does not say for whom", row)
		}
		served[row] = true
	}
	for row := range whole {
		if !served[row] {
			t.Errorf("%s is not served", row)
		}
	}
}

// Every route of both families × every role: refused callers see 401 or 403 in the
// family's format and nothing changes; the others see neither.
func TestEveryRouteForEveryRole(t *testing.T) {
	t.Parallel()
	s, whole := newSite(t, withEveryRoute), wholeContract()
	for _, route := range s.api.Routes() {
		for _, who := range callers() {
			t.Run(route.Method+" "+route.Pattern+" as "+who, func(t *testing.T) {
				s.reset()
				w := s.do(who, route.Method, pathOf(route), bodyOf(route))
				allowed := slices.Contains(whole[route.Method+" "+route.Pattern], who)
				switch {
				case allowed:
					if w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden && !strings.Contains(w.Body.String(), "old_password") || w.Code >= 500 {
						t.Errorf("answered %d %s", w.Code, w.Body)
					}
				case who == nobody:
					wantProblem(t, w, http.StatusUnauthorized)
				default:
					wantProblem(t, w, http.StatusForbidden)
				}
				if !allowed && inSecondFamily(w) != (route.Family.Name == "second") {
					t.Errorf("refused in the other family's format: %s", w.Body)
				}
				if !allowed && !s.untouched() {
					t.Error("a refused request changed something")
				}
			})
		}
	}
}

// Every route with a nested id × the admin of another project: through his own
// project, what is another's looks like nothing.
func TestEveryNestedIDOfAnotherProjectIsNotFound(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, route := range s.api.Routes() {
		if route.Access != api.InProject || !strings.ContainsAny(strings.SplitAfter(route.Pattern, ":project")[1], ":") {
			continue
		}
		s.reset()
		body := bodyOf(route)
		if strings.HasSuffix(route.Pattern, "/members/:mid") && body != "" {
			body = `{"role_id":1}`
		}
		through := strings.Replace(pathOf(route), "/projects/1", "/projects/2", 1)
		wantProblem(t, s.do(foreigner, route.Method, through, body), http.StatusNotFound)
		if !s.untouched() {
			t.Errorf("%s %s changed something", route.Method, through)
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
		"/api/v2.0", "/api/v2.0/nothing", "/api/v2.0/projects/1/webhook", "/api/v2.0/projects.json", "/api/v2.0/livez", "/api/v3.0/projects",
		"/api/projects/1/webhook/policies/3/executions", "/api/projects.json", "/api/users/current.json", "/api/projects/1/webhook/policies.html",
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

func TestTheDocsAnswerBelowTheirPath(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *api.Config) {
		c.Docs = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	})
	for path, status := range map[string]int{"/api/docs": 418, "/api/docs/openapi.json": 418, "/api/docsx": 404, "/api/v2.0/docs": 404} {
		if got := s.do(nobody, "GET", path, "").Code; got != status {
			t.Errorf("%s: %d, want %d", path, got, status)
		}
	}
	wantProblem(t, newSite(t).do(root, "GET", "/api/docs", ""), http.StatusNotFound)
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

package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/astaxie/beego"
	beecontext "github.com/astaxie/beego/context"

	"github.com/harborhook/harborhook/src/core/auth"
)

// Access says who may use a route.
type Access int

const (
	// Public asks nobody for credentials.
	Public Access = iota
	// Anyone takes anonymous callers, and checks the credentials of others.
	Anyone
	// SignedIn takes every user.
	SignedIn
	// SysAdmin takes system administrators.
	SysAdmin
	// InProject takes who may do the route's Action in the project in the path.
	InProject
)

// Route is one method of one path.
type Route struct {
	Method string
	// Pattern is the path; segments with a colon are parameters. A route with
	// access InProject has the parameter :project.
	Pattern string
	Access  Access
	// Action is what the caller must be allowed to do, if Access is InProject.
	Action auth.Action

	handle func(*call) error
}

// table is every route there is. Whatever is not in it is answered 404 or 405.
func (a *API) table() []Route {
	const (
		project  = "/api/projects/:project"
		members  = project + "/members"
		policies = project + "/webhook/policies"
		jobs     = project + "/webhook/jobs"
	)
	routes := []Route{
		{"GET", policies, InProject, auth.ActionPolicyList, a.listPolicies},
		{"POST", policies, InProject, auth.ActionPolicyCreate, a.createPolicy},
		{"POST", policies + "/preview", InProject, auth.ActionPolicyUpdate, a.previewPolicy},
		{"GET", policies + "/:id", InProject, auth.ActionPolicyRead, a.readPolicy},
		{"PUT", policies + "/:id", InProject, auth.ActionPolicyUpdate, a.updatePolicy},
		{"DELETE", policies + "/:id", InProject, auth.ActionPolicyDelete, a.deletePolicy},
		{"GET", project + "/webhook/events", InProject, auth.ActionPolicyList, a.listEventTypes},

		{"GET", jobs, InProject, auth.ActionJobList, a.listJobs},
		{"GET", jobs + "/:jid", InProject, auth.ActionJobList, a.readJob},
		{"GET", jobs + "/:jid/attempts", InProject, auth.ActionJobList, a.listAttempts},
		{"GET", jobs + "/:jid/log", InProject, auth.ActionJobList, a.readLog},

		{"GET", "/api/projects", Anyone, "", a.listProjects},
		{"POST", "/api/projects", SignedIn, "", a.createProject},
		{"GET", project, InProject, auth.ActionProjectRead, a.readProject},
		{"GET", members, InProject, auth.ActionMemberList, a.listMembers},
		{"POST", members, InProject, auth.ActionMemberManage, a.addMember},
		{"DELETE", members + "/:mid", InProject, auth.ActionMemberManage, a.removeMember},

		{"GET", "/api/users", SysAdmin, "", a.listUsers},
		{"POST", "/api/users", SysAdmin, "", a.createUser},
		{"GET", "/api/users/current", SignedIn, "", a.readCurrentUser},

		{"GET", "/api/systeminfo", Public, "", a.systemInfo},
		{"GET", "/api/ping", Public, "", a.ping},
		{"GET", "/api/health", Public, "", a.health},
		{"GET", "/livez", Public, "", a.live},
		{"GET", "/readyz", Public, "", a.ready},
		{"POST", notificationPath, Public, "", a.notify},
		{"POST", componentPath, Public, "", a.notifyComponent},
	}
	if a.Metrics != nil {
		routes = append(routes, Route{"GET", "/metrics", Public, "", a.metrics})
	}
	return routes
}

// newRouter registers the table with beego, and an answer of our own for every
// other method of its paths and for every other path, since beego would answer
// those in HTML.
func (a *API) newRouter() *beego.ControllerRegister {
	router := beego.NewControllerRegister()
	allowed := map[string][]string{}
	for _, r := range a.routes {
		methods := []string{r.Method}
		if r.Method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		for _, m := range methods {
			router.AddMethod(m, r.Pattern, a.serve(r))
		}
		allowed[r.Pattern] = append(allowed[r.Pattern], methods...)
	}
	all := []string{"GET", "HEAD", "POST", "PUT", "DELETE"}
	for pattern, methods := range allowed {
		for _, m := range all {
			if !slices.Contains(methods, m) {
				router.AddMethod(m, pattern, a.serve(Route{handle: notAllowed(methods)}))
			}
		}
	}
	for _, m := range all {
		router.AddMethod(m, "/*", a.serve(Route{handle: nowhere}))
	}
	return router
}

func notAllowed(methods []string) func(*call) error {
	allow := strings.Join(slices.Sorted(slices.Values(methods)), ", ")
	return func(c *call) error {
		c.w.Header().Set("Allow", allow)
		return refuse(http.StatusMethodNotAllowed, "method not allowed")
	}
}

func nowhere(*call) error { return refuse(http.StatusNotFound, "not found") }

// serve makes a route beego's. The writer beego was given is used, not beego's
// own, which hides what the server's can do.
func (a *API) serve(route Route) beego.FilterFunc {
	return func(ctx *beecontext.Context) {
		w, r := ctx.ResponseWriter.ResponseWriter, ctx.Request
		defer a.recoverPanic(w, r)
		c := &call{api: a, w: w, r: r, params: ctx.Input.Params()}
		if err := c.run(route); err != nil {
			a.fail(w, r, err)
		}
	}
}

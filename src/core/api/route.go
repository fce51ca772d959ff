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
	// SignedIn takes every user, but no robot.
	SignedIn
	// SysAdmin takes system administrators.
	SysAdmin
	// Self takes system administrators, and the user whose id is in the path.
	Self
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
	// Family is the set of routes that this one belongs to: it decides the shape of
	// answers and refusals, the names of things and the size of pages.
	Family *Family

	handle func(*call) error
}

// table is every route there is. Whatever is not in it is answered 404 or 405.
func (a *API) table() []Route {
	routes := a.processRoutes()
	for _, f := range []*Family{a.first, a.second} {
		groups := [][]Route{a.policyRoutes(), a.deliveryRoutes(), a.projectRoutes(), a.siteRoutes()}
		if a.Identify == nil {
			groups = append(groups, a.memberRoutes(), a.userRoutes())
		}
		for _, group := range groups {
			for _, r := range group {
				r.Family, r.Pattern = f, f.base+r.Pattern
				routes = append(routes, r)
			}
		}
	}
	for _, r := range a.executionRoutes() {
		r.Family, r.Pattern = a.second, a.second.base+r.Pattern
		routes = append(routes, r)
	}
	return routes
}

// The folders of routes in a project.
const (
	projectPath  = "/projects/:project"
	webhookPath  = projectPath + "/webhook"
	policiesPath = webhookPath + "/policies"
	jobsPath     = webhookPath + "/jobs"
	bulkPath     = webhookPath + "/bulk"
)

// inProject returns a route for who may do the action in the project in the path.
func inProject(method, pattern string, action auth.Action, handle func(*call) error) Route {
	return Route{Method: method, Pattern: pattern, Access: InProject, Action: action, handle: handle}
}

// inSite returns a route that lies in no project.
func inSite(method, pattern string, access Access, handle func(*call) error) Route {
	return Route{Method: method, Pattern: pattern, Access: access, handle: handle}
}

func (a *API) policyRoutes() []Route {
	return []Route{
		inProject("GET", policiesPath, auth.ActionPolicyList, a.listPolicies),
		inProject("POST", policiesPath, auth.ActionPolicyCreate, a.createPolicy),
		inProject("GET", policiesPath+"/:id", auth.ActionPolicyRead, a.readPolicy),
		inProject("PUT", policiesPath+"/:id", auth.ActionPolicyUpdate, a.updatePolicy),
		inProject("DELETE", policiesPath+"/:id", auth.ActionPolicyDelete, a.deletePolicy),
		inProject("POST", policiesPath+"/test", auth.ActionPolicyTest, a.testDraft),
		inProject("POST", policiesPath+"/preview", auth.ActionPolicyUpdate, a.previewPolicy),
		inProject("POST", policiesPath+"/:id/test", auth.ActionPolicyTest, a.testPolicy),
		inProject("POST", policiesPath+"/:id/secret/rotate", auth.ActionPolicyUpdate, a.rotateSecret),
		inProject("GET", webhookPath+"/lasttrigger", auth.ActionPolicyList, a.listLastTriggers),
		inProject("GET", webhookPath+"/audit", auth.ActionPolicyList, a.listAudit),
		inProject("GET", webhookPath+"/events", auth.ActionPolicyList, a.listEventTypes),
	}
}

func (a *API) deliveryRoutes() []Route {
	return []Route{
		inProject("GET", jobsPath, auth.ActionJobList, a.listJobs),
		inProject("GET", jobsPath+"/:jid", auth.ActionJobList, a.readJob),
		inProject("GET", jobsPath+"/:jid/attempts", auth.ActionJobList, a.listAttempts),
		inProject("GET", jobsPath+"/:jid/log", auth.ActionJobList, a.readLog),
		inProject("POST", jobsPath+"/redeliver", auth.ActionJobUpdate, a.redeliverJobs),
		inProject("POST", jobsPath+"/:jid/redeliver", auth.ActionJobUpdate, a.redeliverJob),
		inProject("POST", jobsPath+"/:jid/stop", auth.ActionJobUpdate, a.stopJob),
		inProject("GET", webhookPath+"/circuits", auth.ActionJobList, a.listCircuits),
		inProject("POST", webhookPath+"/circuits/close", auth.ActionJobUpdate, a.closeCircuit),
		inProject("GET", bulkPath+"/:bid", auth.ActionJobList, a.readBulk),
		inProject("POST", bulkPath+"/:bid/stop", auth.ActionJobUpdate, a.stopBulk),
		inProject("GET", webhookPath+"/stream", auth.ActionJobList, a.stream),
	}
}

// executionRoutes are Harbor 2's view of jobs and attempts.
func (a *API) executionRoutes() []Route {
	const executions = policiesPath + "/:id/executions"
	return []Route{
		inProject("GET", executions, auth.ActionPolicyRead, a.listExecutions),
		inProject("GET", executions+"/:eid/tasks", auth.ActionPolicyRead, a.listTasks),
		inProject("GET", executions+"/:eid/tasks/:tid/log", auth.ActionPolicyRead, a.readTaskLog),
	}
}

func (a *API) projectRoutes() []Route {
	return []Route{
		inSite("GET", "/projects", Anyone, a.listProjects),
		inProject("GET", projectPath, auth.ActionProjectRead, a.readProject),
		inProject("GET", projectPath+"/summary", auth.ActionProjectRead, a.projectSummary),
	}
}

// memberRoutes change projects, and are about who may do what there.
func (a *API) memberRoutes() []Route {
	const (
		members = projectPath + "/members"
		robots  = projectPath + "/robots"
	)
	return []Route{
		inSite("POST", "/projects", SignedIn, a.createProject),
		inProject("PUT", projectPath, auth.ActionProjectUpdate, a.updateProject),
		inProject("DELETE", projectPath, auth.ActionProjectDelete, a.deleteProject),
		inProject("GET", members, auth.ActionMemberList, a.listMembers),
		inProject("POST", members, auth.ActionMemberManage, a.addMember),
		inProject("GET", members+"/:mid", auth.ActionMemberList, a.readMember),
		inProject("PUT", members+"/:mid", auth.ActionMemberManage, a.updateMember),
		inProject("DELETE", members+"/:mid", auth.ActionMemberManage, a.removeMember),
		inProject("GET", robots, auth.ActionRobotList, a.listRobots),
		inProject("POST", robots, auth.ActionRobotManage, a.createRobot),
		inProject("GET", robots+"/:rid", auth.ActionRobotList, a.readRobot),
		inProject("PUT", robots+"/:rid", auth.ActionRobotManage, a.updateRobot),
		inProject("DELETE", robots+"/:rid", auth.ActionRobotManage, a.deleteRobot),
		inProject("POST", robots+"/:rid/secret/rotate", auth.ActionRobotManage, a.rotateRobotSecret),
	}
}

// userRoutes are about the users of this installation.
func (a *API) userRoutes() []Route {
	return []Route{
		inSite("GET", "/users", SysAdmin, a.listUsers),
		inSite("POST", "/users", SysAdmin, a.createUser),
		inSite("GET", "/users/:uid", Self, a.readUser),
		inSite("DELETE", "/users/:uid", SysAdmin, a.deleteUser),
		inSite("PUT", "/users/:uid/password", Self, a.changePassword),
		inSite("PUT", "/users/:uid/sysadmin", SysAdmin, a.setSysAdmin),
	}
}

// siteRoutes are about the caller and about the installation as a whole.
func (a *API) siteRoutes() []Route {
	return []Route{
		inSite("GET", "/users/current", SignedIn, a.readCurrentUser),
		inSite("GET", "/users/current/permissions", SignedIn, a.listPermissions),
		inSite("GET", "/systeminfo", Public, a.systemInfo),
		inSite("GET", "/ping", Public, a.ping),
		inSite("GET", "/health", Public, a.health),
		inSite("GET", "/statistics", SignedIn, a.statistics),
		inSite("GET", "/search", Anyone, a.search),
		inSite("GET", "/configurations", SysAdmin, a.readConfigurations),
		inSite("PUT", "/configurations", SysAdmin, a.changeConfigurations),
		inSite("GET", "/jobservice/queues", SysAdmin, a.listQueues),
		inSite("PUT", "/jobservice/queues/:type", SysAdmin, a.changeQueue),
		inSite("GET", "/circuits", SysAdmin, a.listAllCircuits),
	}
}

// The routes for whoever runs the process.
const (
	livePath    = "/livez"
	readyPath   = "/readyz"
	metricsPath = "/metrics"
)

// processRoutes belong to no family: they are for the registry, for whoever runs
// the process, and for people who sign in.
func (a *API) processRoutes() []Route {
	routes := []Route{
		inSite("GET", livePath, Public, a.live),
		inSite("GET", readyPath, Public, a.ready),
		inSite("POST", notificationPath, Public, a.notify),
		inSite("POST", componentPath, Public, a.notifyComponent),
	}
	if a.Identify == nil {
		routes = append(routes, a.sessionRoutes()...)
	}
	if a.Metrics != nil {
		routes = append(routes, inSite("GET", metricsPath, Public, a.metrics))
	}
	for i := range routes {
		routes[i].Family = a.first
	}
	return routes
}

// sessionRoutes are for people who sign in here.
func (a *API) sessionRoutes() []Route {
	return []Route{
		inSite("POST", loginPath, Public, a.login),
		inSite("GET", logoutPath, Public, a.logout),
		inSite("POST", logoutPath, Public, a.logout),
		inSite("POST", userExistsPath, Anyone, a.userExists),
	}
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
		c := &call{api: a, family: route.Family, w: w, r: r, params: ctx.Input.Params()}
		if err := c.run(route); err != nil {
			a.fail(w, r, err)
		}
	}
}

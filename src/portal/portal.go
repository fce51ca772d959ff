// Package portal serves the pages for people: projects, their webhooks and
// deliveries, members, users, and the state of the system. Pages are written on
// the server and work without script; everything they need is in the binary.
package portal

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/harborhook/harborhook/src/portal/words"
)

// Config is what a Portal needs. Fields without another word are required.
type Config struct {
	Store      Store
	Policies   Policies
	Deliveries Deliveries
	Tester     Tester
	TestLimit  TestLimit
	Previewer  Previewer
	Auth       Auth
	Sessions   Sessions
	Catalog    Catalog
	Formats    Formats
	// Health says of each component whether it failed.
	Health func(ctx context.Context) map[string]bool
	// Version and Registry, the registry's public name, are shown.
	Version  string
	Registry string
	Logger   *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Portal is the http.Handler of all pages.
type Portal struct {
	Config
	languages []words.Language
	pages     pages
	assets    assets
	handler   http.Handler
}

// New returns the pages, which answer GET, HEAD, and forms by POST. Forms of
// other sites are refused.
func New(c Config) *Portal {
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &Portal{Config: c, languages: words.Languages(), assets: newAssets()}
	p.pages = newPages(p.languages, p.assets)
	p.handler = secured(http.NewCrossOriginProtection().Handler(p.routes()))
	return p
}

func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// securityPolicy lets pages use what this origin serves, and nothing inline.
const securityPolicy = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", securityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// routes is the table of all pages.
func (p *Portal) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", p.assets)
	page := func(pattern string, a access, f func(*visit) error) { mux.Handle(pattern, p.page(a, f)) }
	page("GET /{$}", everybody, showStart)
	page("GET /sign-in", everybody, showSignIn)
	page("POST /sign-in", everybody, signIn)
	page("POST /sign-out", signedIn, signOut)
	page("POST /preferences", everybody, setPreferences)
	page("GET /password", signedIn, showPassword)
	page("POST /password", signedIn, changePassword)
	page("GET /projects", signedIn, showProjects)
	page("POST /projects", signedIn, createProject)
	page("GET /users", admins, showUsers)
	page("POST /users", admins, createUser)
	page("POST /users/{user}/password", admins, resetPassword)
	page("POST /users/{user}/remove", admins, removeUser)
	page("GET /system", admins, showSystem)
	page("POST /system/circuits/close", admins, closeCircuit)
	p.projectRoutes(page)
	page("/", everybody, func(*visit) error { return errNoPage })
	return mux
}

func (p *Portal) projectRoutes(page func(string, access, func(*visit) error)) {
	const project = "/projects/{project}"
	page("GET "+project, inProject(), showProject)
	page("GET "+project+"/members", inProject(mayListMembers), showMembers)
	page("POST "+project+"/members", inProject(mayManageMembers), addMember)
	page("POST "+project+"/members/{member}/role", inProject(mayManageMembers), changeRole)
	page("POST "+project+"/members/{member}/remove", inProject(mayManageMembers), removeMember)

	const webhooks = project + "/webhooks"
	page("GET "+webhooks, inProject(mayListPolicies), showPolicies)
	page("GET "+webhooks+"/new", inProject(mayCreatePolicies), showNewPolicy)
	page("POST "+webhooks+"/new", inProject(mayCreatePolicies), savePolicy)
	page("POST "+webhooks+"/test", inProject(mayTestPolicies), testDraft)
	page("POST "+webhooks+"/preview", inProject(mayUpdatePolicies), previewDraft)
	page("GET "+webhooks+"/{policy}", inProject(mayReadPolicies), showPolicy)
	page("POST "+webhooks+"/{policy}", inProject(mayUpdatePolicies), savePolicy)
	page("POST "+webhooks+"/{policy}/test", inProject(mayTestPolicies), testPolicy)
	page("POST "+webhooks+"/{policy}/enable", inProject(mayUpdatePolicies), enablePolicy)
	page("POST "+webhooks+"/{policy}/disable", inProject(mayUpdatePolicies), disablePolicy)
	page("GET "+webhooks+"/delete/{policy}", inProject(mayDeletePolicies), confirmDelete)
	page("POST "+webhooks+"/{policy}/delete", inProject(mayDeletePolicies), deletePolicy)

	const deliveries = webhooks + "/deliveries"
	page("GET "+deliveries, inProject(mayListDeliveries), showDeliveries)
	page("GET "+deliveries+"/redeliver", inProject(mayChangeDeliveries), confirmRedeliverAll)
	page("POST "+deliveries+"/redeliver", inProject(mayChangeDeliveries), redeliverAll)
	page("GET "+deliveries+"/{delivery}", inProject(mayListDeliveries), showDelivery)
	page("POST "+deliveries+"/{delivery}/redeliver", inProject(mayChangeDeliveries), redeliver)
	page("POST "+deliveries+"/{delivery}/stop", inProject(mayChangeDeliveries), stop)
}

package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/astaxie/beego"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/webhook"
	"github.com/harborhook/harborhook/src/hook"
)

// Store keeps what the API shows. Its errors are, or wrap, the sentinels of
// package hook where one fits.
type Store interface {
	Projects
	Users
	Members
	Robots
	Deliveries
	Bulks
	Audit
	Switchboard
	Circuits
	// Ping answers nil while the database takes statements.
	Ping(ctx context.Context) error
}

// Auth says who somebody is and what they may do.
type Auth interface {
	// Authenticate fails with auth.ErrUnauthenticated or *auth.BackOffError. Client
	// is the caller's address without port.
	Authenticate(ctx context.Context, username, password, client string) (auth.Identity, error)
	Can(ctx context.Context, id auth.Identity, p hook.Project, a auth.Action) (bool, error)
	// Forget drops what is remembered of a user's old password.
	Forget(username string)
}

// Catalog lists the event types.
type Catalog interface {
	Types() []event.Type
	Lookup(name hook.EventType) (event.Type, bool)
	// AsSubscribed is Lookup, with the names in Harbor 2 that a subscriber to these
	// types knows the type by.
	AsSubscribed(name hook.EventType, subscribed []hook.EventType) (event.Type, bool)
}

// Formats lists the types of target and the payload formats each of them reads,
// defaults first.
type Formats interface {
	TargetTypes() []string
	For(targetType string) []string
}

// Config is what an API needs. Fields without another word are required.
type Config struct {
	Store      Store
	Policies   Policies
	Deliveries Redeliverer
	Tester     Tester
	// Stream, if set, tells what happens to deliveries; without it nobody can listen.
	Stream Stream
	// Heartbeat is how often Stream shows that it is alive, and asks whether its
	// listener still may listen; 0 means 15 s.
	Heartbeat time.Duration
	// TestLimit is shared with the portal; nil means one of the API's own.
	TestLimit TestLimit
	// Previewer tries policies on events of the past.
	Previewer Previewer
	Auth      Auth
	Sessions  Sessions
	// Identify, if set, says who sends a request, in place of Sessions and of
	// passwords. Whoever sets it keeps users, their roles and projects elsewhere: the
	// routes that sign in and that change those are left out.
	Identify func(*http.Request) (auth.Identity, error)
	Intake   Intake
	// Components takes what other parts of Harbor tell.
	Components Components
	Catalog    Catalog
	Formats    Formats
	// NotificationToken is what the registry must show. Empty lets everybody in,
	// which is for listeners on loopback only.
	NotificationToken string
	// ComponentToken is what other parts of Harbor must show, likewise.
	ComponentToken string
	// NotificationRefused, if set, counts notifications that were answered with
	// this status instead of 200. A registry repeats them for ever.
	NotificationRefused func(status int)
	// Insider, if set, says whether the sender's network is one from which programs may
	// use the routes that Internal has. It is asked before a token is looked at.
	Insider func(*http.Request) bool
	// AuthFailed, if set, counts requests to the endpoint at this path whose sender did
	// not show its token, or comes from another network.
	AuthFailed func(path string)
	// Health checks the components besides the database, by name. A component that
	// fails degrades the service. Checks must heed their context.
	Health map[string]func(context.Context) error
	// Portal, if set, answers GET and HEAD of every path that is not the API's.
	Portal http.Handler
	// Docs, if set, answers /api/docs and what lies below: the description of the API.
	Docs http.Handler
	// Metrics, if set, answers GET /metrics.
	Metrics http.Handler
	// Version and Registry, the registry's public name, are told by /api/systeminfo.
	Version  string
	Registry string
	Logger   *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// API is Core's http.Handler.
type API struct {
	Config
	first, second *Family
	routes        []Route
	// heads are the first two segments of every route: what beego gets to see.
	heads    []string
	router   *beego.ControllerRegister
	refusals *seldom
	// strangers are senders without the token.
	strangers *seldom
	// crowds are requests whose body found no room.
	crowds  *seldom
	handler http.Handler
}

// New returns the handler of all routes, behind the Guard.
func New(c Config) *API {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.TestLimit == nil {
		c.TestLimit = webhook.NewTestLimit(c.Now)
	}
	a := &API{
		Config: c, first: firstFamily(), second: secondFamily(),
		refusals: newSeldom(time.Minute, c.Now), strangers: newSeldom(time.Minute, c.Now), crowds: newSeldom(time.Minute, c.Now),
	}
	a.routes = a.table()
	for _, r := range a.routes {
		if h := head(r.Pattern); !slices.Contains(a.heads, h) {
			a.heads = append(a.heads, h)
		}
	}
	a.router = a.newRouter()
	a.handler = withRequestID(a.recovering(Guard(newBodies().bound(a.onlyInsiders(http.HandlerFunc(a.dispatch))), a.refuse)))
	return a
}

// Routes returns every route, in no particular order.
func (a *API) Routes() []Route { return slices.Clone(a.routes) }

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// dispatch hands beego only what begins like one of its routes: its search for
// static files, which comes first and cannot be switched off, would look up other
// paths in the working directory.
func (a *API) dispatch(w http.ResponseWriter, r *http.Request) {
	p := r.URL.Path
	if takesForms(p) {
		if err := readForm(r); err != nil {
			a.fail(w, r, err)
			return
		}
	}
	switch {
	case a.Docs != nil && under(p, "/api/docs"):
		a.Docs.ServeHTTP(w, r)
	case slices.Contains(a.heads, head(p)):
		a.router.ServeHTTP(w, r)
	case a.Portal == nil, under(p, "/api"), under(p, "/service"):
		a.fail(w, r, refuse(http.StatusNotFound, "not found"))
	default:
		a.Portal.ServeHTTP(w, r)
	}
}

// head returns the first two segments of a path.
func head(p string) string {
	segments := strings.SplitN(p, "/", 4)
	return strings.Join(segments[:min(len(segments), 3)], "/")
}

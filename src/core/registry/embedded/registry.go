package embedded

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"

	dcontext "github.com/docker/distribution/context"
	"github.com/docker/distribution/notifications"
	"github.com/docker/distribution/registry/api/errcode"
	"github.com/google/uuid"
	"github.com/sirupsen/logrus"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// Authenticator knows users and what they may do. *auth.Service is one.
type Authenticator interface {
	Authenticate(ctx context.Context, username, password, client string) (auth.Identity, error)
	// Token returns a text that AuthenticateToken takes for the caller, for
	// auth.TokenLife.
	Token(ctx context.Context, id auth.Identity) (string, error)
	AuthenticateToken(ctx context.Context, token string) (auth.Identity, error)
	Can(ctx context.Context, id auth.Identity, p hook.Project, a auth.Action) (bool, error)
}

// Projects finds the project that a repository belongs to.
type Projects interface {
	// ProjectByName returns hook.ErrNotFound if there is no such project.
	ProjectByName(ctx context.Context, name string) (hook.Project, error)
}

// Sink stores the events of one client request: all of them, or none and an
// error. It is called before the client is answered, with a deadline of five
// seconds that does not depend on the client. The pushes and deletes of one
// repository come one at a time, in the order in which they took effect.
type Sink func(ctx context.Context, events []notifications.Event) error

// Config is what a Registry needs; every field is required.
type Config struct {
	// RootDirectory holds the blobs and manifests. It is created with mode 0700.
	RootDirectory string
	// HTTPSecret signs the state of uploads. It should survive a restart, or
	// uploads under way do not.
	HTTPSecret string
	Auth       Authenticator
	Projects   Projects
	Sink       Sink
	Logger     *slog.Logger
}

func (c Config) validate() error {
	switch {
	case c.RootDirectory == "":
		return errors.New("no root directory")
	case c.HTTPSecret == "":
		return errors.New("no http secret")
	case c.Auth == nil, c.Projects == nil, c.Sink == nil, c.Logger == nil:
		return errors.New("auth, projects, sink and logger are required")
	}
	return nil
}

// Registry is an http.Handler for everything below /v2/, and for the token
// endpoint to which it sends clients. A process may hold several, over different
// folders.
//
// The client's address is the request's RemoteAddr; X-Forwarded headers and the
// Host header decide nothing but where the client is told to get its token. A
// handler in front that trusts a proxy sets RemoteAddr.
type Registry struct {
	config Config
	// instance is the source.instanceID of all events, new at each start.
	instance string
	log      *logrus.Entry
	app      http.Handler
	locks    locks
	requests requests
	lost     atomic.Int64
}

// New returns a registry that is ready to serve. The context lends its values,
// not its end: Shutdown ends a registry.
func New(ctx context.Context, c Config) (*Registry, error) {
	if err := c.validate(); err != nil {
		return nil, errors.New("embedded registry: " + err.Error())
	}
	r := &Registry{
		config:   c,
		instance: uuid.NewString(),
		log:      newLog(c.Logger),
		locks:    newLocks(),
	}
	app, err := newApp(dcontext.WithLogger(context.WithoutCancel(ctx), r.log), r)
	if err != nil {
		return nil, err
	}
	r.app = app
	return r, nil
}

// ServeHTTP answers one request of a registry client.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	x := &exchange{ResponseWriter: w, realm: realmOf(req)}
	if !r.requests.enter() {
		x.refuse(refusal{code: errcode.ErrorCodeUnavailable, message: "the registry is stopping"})
		x.finish()
		return
	}
	defer r.requests.leave()
	ctx := context.WithValue(req.Context(), exchangeKey{}, x)
	ctx = dcontext.WithLogger(ctx, r.log.WithField(exchangeField, x))
	req = req.Clone(ctx)
	// docker/distribution believes these, and writes what it cannot read of them to
	// the process's standard error.
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded"} {
		req.Header.Del(name)
	}
	if req.URL.Path == tokenPath {
		r.access().serveToken(x, req)
		return
	}
	r.app.ServeHTTP(x, req)
	x.finish()
}

func (r *Registry) access() accessController {
	return accessController{auth: r.config.Auth, projects: r.config.Projects, log: r.config.Logger}
}

// LostPulls returns how many pulls were served although their event could not be
// stored, since the start.
func (r *Registry) LostPulls() int64 { return r.lost.Load() }

// Shutdown refuses new requests with 503 and waits until those under way are
// answered or ctx ends. Stop the HTTP server first. What docker/distribution
// started stays until the process ends, since its App cannot be closed: one idle
// goroutine for each Registry, which holds no file and no event.
func (r *Registry) Shutdown(ctx context.Context) error {
	return r.requests.drain(ctx)
}

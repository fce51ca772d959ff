// Package embed runs harborhook inside another Go program, which has users and
// projects of its own. docs/embedding.md tells how, docs/examples/embed shows it.
package embed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"github.com/harborhook/harborhook/src/app"
	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/tracing"
)

// Users says who sends requests: the host's own authentication.
type Users interface {
	// Authenticate returns who sends the request, or hook.ErrNotFound for somebody who
	// has not signed in; any other error is answered 500. ID (greater than zero, and
	// never another user's), Username and SysAdmin count. It must not read the body.
	Authenticate(r *http.Request) (hook.User, error)
}

// Projects says which projects there are and who may do what there. It is asked
// with every request, so it must be quick, and may be called concurrently.
type Projects interface {
	// ProjectByName returns a project, of which Public counts, or hook.ErrNotFound.
	ProjectByName(ctx context.Context, name string) (hook.Project, error)
	// Role returns the user's role in a project, hook.RoleNone for strangers.
	Role(ctx context.Context, project string, userID int64) (hook.Role, error)
}

// Config is what a Service needs. Settings, Users and Projects are required.
type Config struct {
	// Settings are those of docs/operations.md, by name. HARBORHOOK_ENCRYPTION_KEY,
	// HARBORHOOK_NOTIFICATION_TOKEN and HARBORHOOK_COMPONENT_TOKEN must be set. Without
	// HARBORHOOK_DATABASE_URL and HARBORHOOK_REDIS_URL the service keeps a SQLite file in
	// HARBORHOOK_DATA_DIR and a queue in the process. Addresses to listen on mean
	// nothing here, and neither the environment nor a file is read.
	Settings map[string]string
	Users    Users
	Projects Projects
	// Logger is slog.Default() if nil.
	Logger *slog.Logger
	// TracerProvider makes the spans of notifications and deliveries: the host's own,
	// which says where they go. Nil makes none. HARBORHOOK_TRACING means nothing here.
	TracerProvider trace.TracerProvider
	// Version is shown to clients and sent to targets; empty = "embedded".
	Version string
}

// Service is Core and JobService.
type Service struct{ app *app.Embedded }

// New opens the database, brings its schema up to date and returns a Service that
// does nothing yet. Whoever gets one must call Run, which closes it.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Users == nil || c.Projects == nil {
		return nil, errors.New("embed: Users and Projects must be set")
	}
	cfg, err := settings(c.Settings)
	if err != nil {
		return nil, fmt.Errorf("embed: %w", err)
	}
	o := app.Options{Version: c.Version, Log: c.Logger, Tracing: tracing.Over(c.TracerProvider)}
	if o.Version == "" {
		o.Version = "embedded"
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	e, err := app.NewEmbedded(ctx, cfg, app.Host{Users: c.Users, Projects: c.Projects}, o)
	if err != nil {
		return nil, fmt.Errorf("embed: %w", err)
	}
	return &Service{e}, nil
}

// settings reads what is given over the defaults of production: targets lie in
// public networks unless others are allowed.
func settings(given map[string]string) (config.Config, error) {
	var known []string
	for _, s := range config.Settings() {
		known = append(known, s.Variable)
	}
	for name := range given {
		if !slices.Contains(known, name) {
			return config.Config{}, fmt.Errorf("there is no setting %s", name)
		}
	}
	for _, name := range []string{"HARBORHOOK_ENCRYPTION_KEY", "HARBORHOOK_NOTIFICATION_TOKEN", "HARBORHOOK_COMPONENT_TOKEN"} {
		if given[name] == "" {
			return config.Config{}, fmt.Errorf("the setting %s is missing", name)
		}
	}
	cfg, _, err := config.Load(config.Input{Shape: config.Core, Flags: given})
	if err != nil {
		return config.Config{}, err
	}
	return cfg, cfg.Validate(config.Standalone)
}

// Handler answers /api/, /service/notifications, /livez, /readyz and /metrics. It
// must see these paths as they are.
func (s *Service) Handler() http.Handler { return s.app.Handler() }

// Run delivers until ctx ends, finishes what it has begun, within 15 seconds, and
// closes the Service. An error ends it early. It may be called once.
func (s *Service) Run(ctx context.Context) error { return s.app.Run(ctx) }

// SyncProject asks the host about a project again, for use after the host has made it
// public or private, or removed it: then its policies are removed and its waiting
// deliveries stopped. Without it the next request that names the project does the
// former, and events of a removed one may be taken as long as they are remembered.
func (s *Service) SyncProject(ctx context.Context, name string) error {
	return s.app.SyncProject(ctx, name)
}

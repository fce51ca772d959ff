package embedded

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/docker/distribution/notifications"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// NewViewer returns a handler that serves what is in a registry's folder to
// whoever calls it, and tells nobody. It is for reading within the process, beside
// the Registry that clients see; it must not be served to others.
func NewViewer(ctx context.Context, rootDirectory string, projects Projects) (http.Handler, error) {
	return New(ctx, Config{
		RootDirectory: rootDirectory, HTTPSecret: "nothing is uploaded", Auth: everybody{}, Projects: projects,
		Sink: func(context.Context, []notifications.Event) error { return nil }, Logger: slog.New(slog.DiscardHandler),
	})
}

// everybody may do everything.
type everybody struct{}

func (everybody) Authenticate(_ context.Context, username, _, _ string) (auth.Identity, error) {
	return auth.Identity{User: hook.User{Username: username, SysAdmin: true}}, nil
}

func (everybody) Token(context.Context, auth.Identity) (string, error) {
	return "everybody", nil
}

func (everybody) AuthenticateToken(context.Context, string) (auth.Identity, error) {
	return auth.Identity{User: hook.User{SysAdmin: true}}, nil
}

func (everybody) Can(context.Context, auth.Identity, hook.Project, auth.Action) (bool, error) {
	return true, nil
}

package app

import (
	"context"
	"maps"
	"net/http"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/portal"
	"github.com/harborhook/harborhook/src/store"
)

// newPortal returns the pages over the services that the API has, so that a rule
// is the same for both.
func newPortal(c api.Config, s *store.Store) http.Handler {
	checks := map[string]func(context.Context) error{"database": s.Ping}
	maps.Copy(checks, c.Health)
	return portal.New(portal.Config{
		Store: s, Policies: c.Policies, Deliveries: c.Deliveries, Tester: c.Tester, TestLimit: c.TestLimit, Previewer: c.Previewer,
		Auth: c.Auth, Sessions: c.Sessions, Catalog: c.Catalog, Formats: c.Formats,
		Health:  func(ctx context.Context) map[string]bool { return api.Failed(ctx, checks, c.Logger) },
		Version: c.Version, Registry: c.Registry, Logger: c.Logger,
	})
}

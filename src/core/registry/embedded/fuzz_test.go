package embedded

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	dcontext "github.com/docker/distribution/context"
	registryauth "github.com/docker/distribution/registry/auth"
)

// FuzzAccess sends arbitrary credentials for arbitrary repositories: nobody gets in
// who could not name a user and that user's password, and nothing panics.
func FuzzAccess(f *testing.F) {
	f.Add("", "prj/app", "pull")
	f.Add("Basic Og==", "pub/app", "push")
	f.Add("Basic Z3Vlc3Q6Z3Vlc3Q=", "prj/app", "pull")
	f.Add("Basic Z3Vlc3Q6YmFk", "/", "*")
	f.Add("bearer \x00", "none/../prj/app", "delete")
	c := accessController{auth: people{}, projects: projects{}, log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, authorization, repository, action string) {
		req := httptest.NewRequest(http.MethodGet, "/v2/", nil)
		req.Header.Set("Authorization", authorization)
		user, password, _ := req.BasicAuth()
		ctx := context.WithValue(t.Context(), exchangeKey{}, &exchange{ResponseWriter: httptest.NewRecorder()})
		ctx = dcontext.WithRequest(ctx, req)
		got, err := c.Authorized(ctx, registryauth.Access{
			Resource: registryauth.Resource{Type: "repository", Name: repository},
			Action:   action,
		})
		if err != nil {
			return
		}
		name := dcontext.GetStringValue(got, registryauth.UserNameKey)
		if name == "" && (action != "pull" || len(repository) < 4 || repository[:4] != "pub/") {
			t.Errorf("anonymous %s of %q", action, repository)
		}
		if name != "" && (name != user || password != user) {
			t.Errorf("%q passes for %q", authorization, name)
		}
	})
}

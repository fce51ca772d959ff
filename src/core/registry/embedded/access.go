package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	dcontext "github.com/docker/distribution/context"
	"github.com/docker/distribution/registry/api/errcode"
	v2 "github.com/docker/distribution/registry/api/v2"
	registryauth "github.com/docker/distribution/registry/auth"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// accessController decides who gets at what. Callers without credentials may pull
// from public projects; for anything else, and at /v2/ itself, they are asked for
// a token, which is how clients learn where to get one. A name and password are
// taken as well, from callers who do not wait to be asked.
type accessController struct {
	auth     Authenticator
	projects Projects
	log      *slog.Logger
}

// Authorized implements docker/distribution's AccessController.
func (c accessController) Authorized(ctx context.Context, accesses ...registryauth.Access) (context.Context, error) {
	req, err := dcontext.GetRequest(ctx)
	if err != nil {
		return nil, fmt.Errorf("find request: %w", err)
	}
	id, err := c.identify(ctx, req)
	if err != nil {
		return nil, c.refuse(ctx, err, accesses)
	}
	if id.Anonymous && len(accesses) == 0 && !showsToken(req) {
		return nil, newChallenge(ctx, errSignIn, nil)
	}
	for _, access := range accesses {
		err := c.permit(ctx, id, access)
		if err == nil {
			continue
		}
		var no refusal
		if id.Anonymous && errors.As(err, &no) {
			// Signing in may help, and what exists is not a stranger's business.
			return nil, newChallenge(ctx, errSignIn, accesses)
		}
		return nil, c.refuse(ctx, err, accesses)
	}
	if id.Anonymous {
		return ctx, nil
	}
	return registryauth.WithUser(ctx, registryauth.UserInfo{Name: id.Name()}), nil
}

// identify reads the request's credentials. An empty name with an empty password
// is what some clients send when they have none.
func (c accessController) identify(ctx context.Context, req *http.Request) (auth.Identity, error) {
	if req.Header.Get("Authorization") == "" {
		return auth.Identity{Anonymous: true}, nil
	}
	if token, ok := tokenOf(req); ok {
		return c.auth.AuthenticateToken(ctx, token)
	}
	username, password, ok := req.BasicAuth()
	switch {
	case !ok:
		return auth.Identity{}, auth.ErrUnauthenticated
	case username == "" && password == "":
		return auth.Identity{Anonymous: true}, nil
	}
	return c.auth.Authenticate(ctx, username, password, req.RemoteAddr)
}

// permit returns a refusal if the caller may not do this, and another error if
// that cannot be found out.
func (c accessController) permit(ctx context.Context, id auth.Identity, access registryauth.Access) error {
	denied := refusal{code: errcode.ErrorCodeDenied, message: "requested access to the resource is denied"}
	if access.Type != "repository" { // the catalog
		if id.SysAdmin() {
			return nil
		}
		return denied
	}
	action, ok := actionOf(ctx, access)
	if !ok {
		return denied
	}
	name, _, ok := strings.Cut(access.Name, "/")
	if !ok {
		return refusal{code: v2.ErrorCodeNameInvalid, message: "a repository's name is <project>/<repository>"}
	}
	project, err := c.projects.ProjectByName(ctx, name)
	if errors.Is(err, hook.ErrNotFound) {
		return refusal{code: v2.ErrorCodeNameUnknown, message: fmt.Sprintf("project %q does not exist", name)}
	}
	if err != nil {
		return fmt.Errorf("look up project: %w", err)
	}
	may, err := c.auth.Can(ctx, id, project, action)
	if err != nil {
		return err
	}
	if !may {
		return denied
	}
	return nil
}

// actionOf translates what docker/distribution asks for. Giving up an upload is
// a DELETE too, but part of pushing.
func actionOf(ctx context.Context, access registryauth.Access) (auth.Action, bool) {
	switch access.Action {
	case "pull":
		return auth.ActionPull, true
	case "push":
		return auth.ActionPush, true
	case "delete":
		if dcontext.GetStringValue(ctx, "vars.uuid") != "" {
			return auth.ActionPush, true
		}
		return auth.ActionDeleteArtifact, true
	default:
		return "", false
	}
}

// refuse decides the client's answer to an error of identify or permit: it asks
// for other credentials, or refuses the exchange.
func (c accessController) refuse(ctx context.Context, err error, accesses []registryauth.Access) error {
	if errors.Is(err, auth.ErrUnauthenticated) {
		return newChallenge(ctx, err, accesses)
	}
	exchangeOf(ctx).refuse(c.refusalOf(ctx, err))
	return err
}

func (c accessController) refusalOf(ctx context.Context, err error) refusal {
	var (
		no   refusal
		wait *auth.BackOffError
	)
	switch {
	case errors.As(err, &no):
		return no
	case errors.As(err, &wait):
		return refusal{code: errcode.ErrorCodeTooManyRequests, message: "too many attempts to sign in", retryAfter: wait.RetryAfter}
	default:
		c.log.ErrorContext(ctx, "registry request refused: permissions cannot be checked",
			"request", dcontext.GetRequestID(ctx), "error", err)
		return refusal{code: errcode.ErrorCodeUnavailable, message: "permissions cannot be checked now", retryAfter: time.Second}
	}
}

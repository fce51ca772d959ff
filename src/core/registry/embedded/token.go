package embedded

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/docker/distribution/registry/api/errcode"

	"github.com/harborhook/harborhook/src/core/auth"
)

// tokenPath is where clients get a token: the realm of a challenge.
const tokenPath = "/service/token"

// tokenOf returns the bearer token of a request, if it shows one.
func tokenOf(req *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

func showsToken(req *http.Request) bool {
	_, ok := tokenOf(req)
	return ok
}

// tokenAnswer is what clients read. Both names of the token are in use.
type tokenAnswer struct {
	Token       string    `json:"token"`
	AccessToken string    `json:"access_token"`
	ExpiresIn   int       `json:"expires_in"`
	IssuedAt    time.Time `json:"issued_at"`
}

// serveToken answers GET /service/token, as the distribution project specifies
// it: name and password, or nothing, for a token. The token says who the caller
// is; what he may do is decided at each request, so the scope that clients name
// is not looked at. The OAuth2 variant (POST) is not offered: clients fall back.
func (c accessController) serveToken(x *exchange, req *http.Request) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		x.Header().Set("Allow", "GET, HEAD")
		x.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	token, err := c.issue(req)
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		x.Header().Set("WWW-Authenticate", basicChallenge)
		x.refuse(refusal{code: errcode.ErrorCodeUnauthorized, message: "wrong user name or password"})
	case err != nil:
		x.refuse(c.refusalOf(req.Context(), err))
	default:
		x.Header().Set("Content-Type", "application/json")
		x.Header().Set("Cache-Control", "no-store")
		// An error here means that the client is gone.
		_ = json.NewEncoder(x).Encode(tokenAnswer{ //nolint:gosec // handing the token over is what this is for
			Token: token, AccessToken: token, ExpiresIn: int(auth.TokenLife.Seconds()), IssuedAt: time.Now().UTC(),
		})
	}
	x.finish()
}

func (c accessController) issue(req *http.Request) (string, error) {
	id, err := c.identify(req.Context(), req)
	if err != nil {
		return "", err
	}
	return c.auth.Token(req.Context(), id)
}

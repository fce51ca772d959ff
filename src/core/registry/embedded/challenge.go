package embedded

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	registryauth "github.com/docker/distribution/registry/auth"
)

var errSignIn = errors.New("sign in to do this")

// challenge asks the client to sign in: status 401. Clients take a token from the
// realm, with credentials if they have some and without if not; only so does a
// client without credentials learn that it may pull what is public.
type challenge struct {
	cause error
	realm string
	scope string
}

func newChallenge(ctx context.Context, cause error, accesses []registryauth.Access) challenge {
	return challenge{cause: cause, realm: exchangeOf(ctx).realm, scope: scopeOf(accesses)}
}

func (c challenge) Error() string { return c.cause.Error() }

// SetHeaders implements docker/distribution's Challenge.
func (c challenge) SetHeaders(_ *http.Request, w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", c.header())
}

const basicChallenge = `Basic realm="harborhook", charset="UTF-8"`

func (c challenge) header() string {
	if c.realm == "" {
		return basicChallenge
	}
	text := `Bearer realm="` + c.realm + `",service="harborhook"`
	if c.scope != "" {
		text += `,scope="` + c.scope + `"`
	}
	return text
}

// scopeOf writes accesses as clients repeat them to the realm: the actions on one
// resource joined, for example repository:prj/app:pull,push.
func scopeOf(accesses []registryauth.Access) string {
	var scopes []string
	for _, a := range accesses {
		resource := a.Type + ":" + a.Name + ":"
		if last := len(scopes) - 1; last >= 0 && strings.HasPrefix(scopes[last], resource) {
			scopes[last] += "," + a.Action
			continue
		}
		scopes = append(scopes, resource+a.Action)
	}
	return strings.Join(scopes, " ")
}

// plainHost is a host that can stand in a header without being read as more.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9._-]+(:[0-9]+)?$|^\[[0-9A-Fa-f:.]+\](:[0-9]+)?$`)

// realmOf returns the address of the token endpoint as the client reaches this
// registry, empty if the client's Host header is of no use. A proxy that ends TLS
// says so in X-Forwarded-Proto; a client that lies sends itself astray.
func realmOf(req *http.Request) string {
	if !plainHost.MatchString(req.Host) {
		return ""
	}
	scheme := "http"
	if req.TLS != nil || strings.EqualFold(req.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	return scheme + "://" + req.Host + tokenPath
}

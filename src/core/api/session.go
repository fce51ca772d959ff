package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/harborhook/harborhook/src/core/auth"
)

// Sessions let people sign in once and show a cookie from then on.
type Sessions interface {
	// SignIn begins a session under a new token. It fails as Auth.Authenticate does.
	SignIn(ctx context.Context, username, password, client string) (auth.Session, error)
	// Session fails with auth.ErrUnauthenticated if the session is over. It counts as use.
	Session(ctx context.Context, token string) (auth.Session, error)
	// Peek is Session without counting as use.
	Peek(ctx context.Context, token string) (auth.Session, error)
	SignOut(ctx context.Context, token string) error
	// SignOutUser ends all sessions of a user.
	SignOutUser(ctx context.Context, userID int64) error
}

// The paths of the session, which are Harbor's. They take forms, and nothing else.
const (
	loginPath      = "/c/login"
	logoutPath     = "/c/log_out"
	userExistsPath = "/c/userExists"
)

const (
	// sessionCookie holds the token of a session. The name is Harbor's.
	sessionCookie = "sid"
	// csrfHeader carries the session's CSRF token, in answers as in requests.
	csrfHeader = "X-Harbor-CSRF-Token"
	// noRenewalHeader marks what a page asks by itself, without anybody at hand.
	noRenewalHeader = "X-Harbor-No-Session-Renewal"
)

// takesForms says whether this path takes urlencoded bodies.
func takesForms(p string) bool { return p == loginPath || p == logoutPath || p == userExistsPath }

// tokenOf returns the session token of a request, if it shows one.
func tokenOf(r *http.Request) (string, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || cookie.Value == "" {
		return "", false
	}
	return cookie.Value, true
}

// identifySession finds whose session the cookie is. A browser sends its cookie
// whoever wrote the page, so a call that changes something must show besides what
// only a page of ours can have read. Every answer carries that, refusals too: a
// page that has lost it, or still has an older one, repeats its call with it. A
// cookie whose session is over is no cookie.
func (c *call) identifySession(token string) error {
	find := c.api.Sessions.Session
	if c.r.Header.Get(noRenewalHeader) != "" {
		find = c.api.Sessions.Peek
	}
	session, err := find(c.r.Context(), token)
	if errors.Is(err, auth.ErrUnauthenticated) {
		c.who = auth.Identity{Anonymous: true}
		return nil
	}
	if err != nil {
		return fmt.Errorf("identify the caller: %w", err)
	}
	c.w.Header().Set(csrfHeader, session.CSRF)
	if c.changes() && !session.ValidCSRF(c.r.Header.Get(csrfHeader)) {
		return refuse(http.StatusForbidden, "CSRF token invalid")
	}
	c.who = session.Identity
	return nil
}

// changes says whether the method is one that may change something.
func (c *call) changes() bool {
	return c.r.Method != http.MethodGet && c.r.Method != http.MethodHead
}

// readForm reads the form of a request before beego does, which drops errors.
func readForm(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return unread(err, "the form is malformed")
	}
	return nil
}

// form returns a form that was read. The query is not looked at: what stands there
// ends up in logs.
func (c *call) form() url.Values { return c.r.PostForm }

// login begins a session and ends the one that the browser had, so that nobody
// can have slipped the browser a token beforehand. It asks for no CSRF token,
// which a browser without session has none of: the Guard refuses forms of other
// sites.
func (a *API) login(c *call) error {
	form := c.form()
	username, password := form.Get("principal"), form.Get("password")
	if !saneQuery(username) || !saneQuery(password) {
		return auth.ErrUnauthenticated
	}
	session, err := a.Sessions.SignIn(c.r.Context(), username, password, clientOf(c.r))
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if old, ok := tokenOf(c.r); ok {
		if err := a.Sessions.SignOut(c.r.Context(), old); err != nil {
			return fmt.Errorf("end the session before: %w", err)
		}
	}
	c.setCookie(session.Token, 0)
	c.w.Header().Set(csrfHeader, session.CSRF)
	return c.done()
}

// logout ends the session, if there is one. It is a GET in Harbor's portal.
func (a *API) logout(c *call) error {
	token, ok := tokenOf(c.r)
	if !ok {
		return c.done()
	}
	if err := a.Sessions.SignOut(c.r.Context(), token); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	c.setCookie("", -1)
	return c.done()
}

// setCookie answers with the cookie of a session, or removes it (maxAge -1). A
// browser keeps it as long as it runs. Scripts cannot read it, and pages of other
// sites cannot make the browser send it, but by a link.
func (c *call) setCookie(token string, maxAge int) {
	c.w.Header().Set("Cache-Control", "no-store")
	http.SetCookie(c.w, &http.Cookie{ //nolint:gosec // without TLS a browser would drop a Secure cookie
		Name: sessionCookie, Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: overTLS(c.r), SameSite: http.SameSiteLaxMode,
	})
}

// overTLS says whether the caller's connection is encrypted, here or by a proxy in
// front, which says so. Who lies about it keeps himself from sending the cookie.
func overTLS(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// userExists tells system admins whether a name or an address is taken. Nobody
// else may ask, since nobody can register.
func (a *API) userExists(c *call) error {
	if !c.who.SysAdmin() {
		return refuse(http.StatusPreconditionFailed, "self registration disabled, only sysadmin can check user existence")
	}
	form := c.form()
	value := form.Get("value")
	if !saneQuery(value) {
		return refuse(http.StatusBadRequest, "value: must be UTF-8 without NUL")
	}
	var (
		taken bool
		err   error
	)
	switch form.Get("target") {
	case "username":
		taken, err = a.Store.UsernameTaken(c.r.Context(), value)
	case "email":
		taken, err = a.Store.EmailTaken(c.r.Context(), value)
	default:
		return refuse(http.StatusBadRequest, "target: must be username or email")
	}
	if err != nil {
		return fmt.Errorf("look for a user: %w", err)
	}
	return c.json(taken)
}

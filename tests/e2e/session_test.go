package e2e

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

const currentUser = "/api/v2.0/users/current"

// signIn signs a user of member in, and checks what the browser keeps of it.
func signIn(t *testing.T, b *harness.Browser, username string) {
	t.Helper()
	reply := b.SignIn(t, username, password)
	wantReply(t, "sign in", reply, http.StatusOK)
	cookie := reply.Header.Get("Set-Cookie")
	for _, part := range []string{"sid=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie is %q, without %s", cookie, part)
		}
	}
	if strings.Contains(cookie, "Secure") || len(b.Cookies(t)) != 1 {
		t.Errorf("a browser over HTTP drops %q", cookie)
	}
}

func TestASessionChangesThingsWithItsTokenOnly(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		name := c.memberNamed(t, c.project, 1)
		b := s.NewBrowser(t)
		signIn(t, b, name)
		token := b.Token
		if got := b.Get(t, currentUser); got.Header.Get("X-Harbor-CSRF-Token") != token || token == "" {
			t.Errorf("the token is %q, a read tells %v", token, got.Header)
		}
		other := s.NewBrowser(t)
		signIn(t, other, name)
		for _, address := range []string{harness.Policies(c.project), secondFamily(c.project, "policies")} {
			for what, headers := range map[string][]string{
				"no token":                {"X-Harbor-CSRF-Token", ""},
				"another session's":       {"X-Harbor-CSRF-Token", other.Token},
				"another site":            {"Sec-Fetch-Site", "cross-site"},
				"another host's page":     {"Sec-Fetch-Site", "same-site"},
				"an old browser's origin": {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
			} {
				reply := b.Send(t, http.MethodPost, address, c.to("https://example.com/"+url.PathEscape(what), "pushImage"), headers...)
				wantReply(t, what, reply, http.StatusForbidden)
				if second := strings.HasPrefix(address, "/api/v2.0"); strings.HasPrefix(reply.Body, `{"errors":[{"code":"FORBIDDEN"`) != second {
					t.Errorf("%s: %s", what, reply.Body)
				}
			}
		}
		if got := c.Admin.Do(t, http.MethodGet, harness.Policies(c.project), nil).Body; strings.TrimSpace(got) != "[]" {
			t.Errorf("policies were made: %s", got)
		}
		// A page that has another token in its storage learns the right one from the
		// refusal.
		b.Token = other.Token
		wantReply(t, "an old token", b.Send(t, http.MethodPost, harness.Policies(c.project), c.to("https://example.com/", "pushImage")), http.StatusForbidden)
		wantReply(t, "the repetition", b.Send(t, http.MethodPost, harness.Policies(c.project), c.to("https://example.com/", "pushImage")), http.StatusCreated)
	})
}

func TestALoginFromAnotherSiteIsRefused(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		name := c.memberNamed(t, c.project, 3)
		form := url.Values{"principal": {name}, "password": {password}}
		b := s.NewBrowser(t)
		wantReply(t, "login from elsewhere", b.Form(t, "/c/login", form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), http.StatusForbidden)
		wantReply(t, "login with a wrong password", b.SignIn(t, name, "wrong"), http.StatusUnauthorized)
		wantReply(t, "login of nobody", b.SignIn(t, name+"x", password), http.StatusUnauthorized)
		if len(b.Cookies(t)) > 0 {
			t.Errorf("cookies are %v", b.Cookies(t))
		}
	})
}

func TestASessionEndsEverywhereAtOnce(t *testing.T) {
	t.Parallel()
	postgres, redis := suite.Postgres(t), suite.Redis(t)
	first := suite.NewProduction(t, postgres.NewDatabase(t), redis, harness.Settings{"SESSION_LIFETIME": "1h"})
	second := first.Replicate(t)
	c := newScene(t, first)
	name := c.memberNamed(t, c.project, 3)

	b := first.NewBrowser(t)
	signIn(t, b, name)
	stolen := b.Cookies(t)[0].String()
	wantReply(t, "the other Core", b.At(second).Get(t, currentUser), http.StatusOK)
	wantReply(t, "sign out there", b.At(second).Get(t, "/c/log_out"), http.StatusOK)
	wantReply(t, "the cookie, kept by a thief", first.NewBrowser(t).Get(t, currentUser, "Cookie", stolen), http.StatusUnauthorized)

	one, two := first.NewBrowser(t), second.NewBrowser(t)
	signIn(t, one, name)
	signIn(t, two, name)
	user := shown[struct {
		ID int64 `json:"user_id"`
	}](t, one.Get(t, currentUser))
	change(t, c.As(name, password), http.StatusOK, http.MethodPut, "/api/v2.0/users/"+strconv.FormatInt(user.ID, 10)+"/password",
		map[string]string{"old_password": password, "new_password": password + "2"})
	wantReply(t, "the one session after a new password", one.Get(t, currentUser), http.StatusUnauthorized)
	wantReply(t, "the other one", two.Get(t, currentUser), http.StatusUnauthorized)
	wantReply(t, "the old password", one.SignIn(t, name, password), http.StatusUnauthorized)
	wantReply(t, "the new password", one.SignIn(t, name, password+"2"), http.StatusOK)

	change(t, c.Admin, http.StatusOK, http.MethodDelete, "/api/v2.0/users/"+strconv.FormatInt(user.ID, 10), nil)
	wantReply(t, "the session of a deleted user", one.At(second).Get(t, currentUser), http.StatusUnauthorized)
}

func TestAnIdleSessionIsOver(t *testing.T) {
	t.Parallel()
	s := suite.NewStandalone(t, harness.Settings{"SESSION_IDLE": "1s"})
	c := newScene(t, s)
	b := s.NewBrowser(t)
	signIn(t, b, c.memberNamed(t, c.project, 3))
	// Polling does not keep it alive.
	harness.Eventually(t, soon, "the end of the session", func() bool {
		return b.Get(t, currentUser, "X-Harbor-No-Session-Renewal", "true").Status == http.StatusUnauthorized
	})
	wantReply(t, "a change after that", b.Send(t, http.MethodPost, "/api/v2.0/projects", map[string]any{"project_name": "x"}), http.StatusUnauthorized)
	wantReply(t, "what everybody may", b.Get(t, "/api/v2.0/projects"), http.StatusOK)
}

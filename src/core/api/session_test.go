package api_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/hook"
)

const formType = "Content-Type: application/x-www-form-urlencoded"

// signedIn returns what a browser sends once somebody has signed in: the header
// with the cookie, and the one with the CSRF token.
func (s *site) signedIn(t *testing.T, who string) (cookie, csrf string) {
	t.Helper()
	w := s.do(nobody, "POST", "/c/login", "principal="+who+"&password="+who, formType)
	wantStatus(t, w, http.StatusOK)
	return "Cookie: sid=" + cookieOf(t, w).Value, "X-Harbor-CSRF-Token: " + w.Header().Get("X-Harbor-CSRF-Token")
}

func cookieOf(t *testing.T, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || cookies[0].Name != "sid" {
		t.Fatalf("cookies are %v", cookies)
	}
	return cookies[0]
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.do(nobody, "POST", "/c/login", "principal=guest1&password=guest1", formType)
	wantStatus(t, w, http.StatusOK)
	c := cookieOf(t, w)
	if !c.HttpOnly || c.Secure || c.Path != "/" || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 0 || w.Body.Len() != 0 {
		t.Errorf("cookie is %v, body %q", c, w.Body)
	}
	if s.client != "192.0.2.1" {
		t.Errorf("the client is %q", s.client)
	}
	cookie := "Cookie: sid=" + c.Value
	w = s.do(nobody, "GET", "/api/v2.0/users/current", "", cookie)
	if got := decode[struct{ Username string }](t, w); got.Username != guest || w.Header().Get("X-Harbor-CSRF-Token") != "csrf of token-1" {
		t.Errorf("signed in as %+v, headers %v", got, w.Header())
	}
	for _, method := range []string{"GET", "POST", "GET"} { // the second and third time there is no session
		w = s.do(nobody, method, "/c/log_out", "", cookie)
		wantStatus(t, w, http.StatusOK)
		if c := cookieOf(t, w); c.MaxAge >= 0 || c.Value != "" {
			t.Errorf("cookie stays: %v", c)
		}
		wantProblem(t, s.do(nobody, "GET", "/api/users/current", "", cookie), http.StatusUnauthorized)
	}
	wantStatus(t, s.do(nobody, "GET", "/c/log_out", ""), http.StatusOK)
}

func TestACookieOverTLSIsSecure(t *testing.T) {
	t.Parallel()
	w := newSite(t).do(nobody, "POST", "/c/login", "principal=root&password=root", formType, "X-Forwarded-Proto: https")
	if !cookieOf(t, w).Secure {
		t.Error("the cookie would be sent in clear")
	}
	r := httptest.NewRequest("POST", "https://hub.example.com/c/login", strings.NewReader("principal=root&password=root"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w = httptest.NewRecorder()
	newSite(t).api.ServeHTTP(w, r)
	if !cookieOf(t, w).Secure {
		t.Error("the cookie would be sent in clear")
	}
}

func TestSigningInIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body   string
		status int
	}{
		"wrong password": {"principal=root&password=x", 401},
		"unknown user":   {"principal=nobody&password=x", 401},
		"nothing":        {"", 401},
		"NUL":            {"principal=root%00&password=root", 401},
		"no UTF-8":       {"principal=%ff&password=root", 401},
		"no form":        {"principal=%zz", 400},
		"too often":      {"principal=guesser&password=x", 429},
	} {
		s := newSite(t)
		w := s.do(nobody, "POST", "/c/login", tc.body, formType)
		wantProblem(t, w, tc.status)
		if len(w.Result().Cookies()) > 0 || len(s.sessions) > 0 {
			t.Errorf("%s: a session began", name)
		}
		if w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s: a browser would ask for a password", name)
		}
		if (tc.status == 429) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After is %q", name, w.Header().Get("Retry-After"))
		}
	}
	s := newSite(t)
	r := httptest.NewRequest("POST", "/c/login", strings.NewReader("principal=root&password=root&x="+strings.Repeat("x", api.MaxForm)))
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	wantProblem(t, w, http.StatusRequestEntityTooLarge)
	wantProblem(t, s.do(nobody, "POST", "/c/login?principal=root&password=root", "", formType), http.StatusUnauthorized)
}

func TestSigningInAgainEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	old, _ := s.signedIn(t, guest)
	w := s.do(nobody, "POST", "/c/login", "principal=root&password=root", formType, old)
	if c := cookieOf(t, w); "Cookie: sid="+c.Value == old || len(s.sessions) != 1 {
		t.Errorf("cookie is %v, sessions are %v", c, s.sessions)
	}
	s.do(nobody, "POST", "/c/login", "principal=root&password=wrong", formType, "Cookie: sid="+cookieOf(t, w).Value)
	if len(s.sessions) != 1 {
		t.Error("a failed attempt ended the session")
	}
}

func TestAnUnknownCookieIsNoCookie(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, cookie := range []string{"Cookie: sid=gone", "Cookie: sid=", "Cookie: sid=%00;sid=\x00", "Cookie: x=y"} {
		wantStatus(t, s.do(nobody, "GET", "/api/projects", "", cookie), http.StatusOK)
		wantProblem(t, s.do(nobody, "GET", "/api/projects/1", "", cookie), http.StatusUnauthorized)
		w := s.do(nobody, "POST", "/api/v2.0/projects", "{}", cookie)
		wantProblem(t, w, http.StatusUnauthorized)
		if w.Header().Get("X-Harbor-CSRF-Token") != "" {
			t.Errorf("%s: a token for nobody", cookie)
		}
	}
	if w := s.do(nobody, "GET", "/api/projects/1", "", "Cookie: sid=gone"); w.Header().Get("WWW-Authenticate") != "" {
		t.Error("a browser would ask for a password over the portal")
	}
	cookie, _ := s.signedIn(t, root)
	s.broken = hook.ErrUnavailable
	wantProblem(t, s.do(nobody, "GET", "/api/projects", "", cookie), http.StatusServiceUnavailable)
	wantProblem(t, s.do(nobody, "GET", "/c/log_out", "", cookie), http.StatusServiceUnavailable)
}

func TestCredentialsCountBeforeTheCookie(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cookie, _ := s.signedIn(t, root)
	if got := decode[struct{ Username string }](t, s.do(guest, "GET", "/api/users/current", "", cookie)); got.Username != guest {
		t.Errorf("is %+v", got)
	}
	wantProblem(t, s.do("nobody", "GET", "/api/users/current", "", cookie), http.StatusUnauthorized)
	wantStatus(t, s.do(admin, "DELETE", policiesPath+"/3", "", cookie), http.StatusOK) // without CSRF token
}

func TestPollingIsNoUse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cookie, _ := s.signedIn(t, root)
	wantStatus(t, s.do(nobody, "GET", policiesPath, "", cookie, "X-Harbor-No-Session-Renewal: true"), http.StatusOK)
	wantStatus(t, s.do(nobody, "GET", policiesPath, "", cookie), http.StatusOK)
	if s.peeked != 1 || s.renewed != 1 {
		t.Errorf("peeked at %d times, renewed %d times", s.peeked, s.renewed)
	}
}

// Every route that changes something × a session: without the session's token the
// caller is refused in the route's format, whoever he is, and nothing changes.
func TestEveryChangeBySessionNeedsItsToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, withEveryRoute)
	cookie, csrf := s.signedIn(t, root)
	_, foreign := s.signedIn(t, admin)
	checked := 0
	for _, route := range s.api.Routes() {
		if route.Method == http.MethodGet || route.Access == api.Public {
			continue
		}
		checked++
		headers := []string{cookie}
		if strings.HasPrefix(route.Pattern, "/c/") {
			headers = append(headers, formType)
		}
		for name, header := range map[string]string{"none": "X-Other: x", "another session's": foreign, "empty": "X-Harbor-CSRF-Token: ", "its own, twice": csrf + csrf} {
			w := s.do(nobody, route.Method, pathOf(route), bodyOf(route), append(slices.Clone(headers), header)...)
			if got := wantProblem(t, w, http.StatusForbidden); got != "CSRF token invalid" || inSecondFamily(w) != (route.Family.Name == "second") {
				t.Errorf("%s %s with the token %s: %s", route.Method, route.Pattern, name, w.Body)
			}
			if "X-Harbor-CSRF-Token: "+w.Header().Get("X-Harbor-CSRF-Token") != csrf {
				t.Errorf("%s %s: a page would not find the token", route.Method, route.Pattern)
			}
		}
		if !s.untouched() {
			t.Fatalf("%s %s changed something", route.Method, route.Pattern)
		}
		w := s.do(nobody, route.Method, pathOf(route), bodyOf(route), append(headers, csrf)...)
		if strings.Contains(w.Body.String(), "CSRF") || w.Code == http.StatusUnauthorized {
			t.Errorf("%s %s with the token: %d %s", route.Method, route.Pattern, w.Code, w.Body)
		}
		s.reset()
		s.sessions = map[string]string{"token-1": root, "token-2": admin}
	}
	if checked < 30 {
		t.Errorf("only %d routes change something", checked)
	}
}

func TestANewPasswordEndsTheSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cookie, csrf := s.signedIn(t, guest)
	other, _ := s.signedIn(t, admin)
	w := s.do(nobody, "PUT", "/api/v2.0/users/5/password", `{"old_password":"guest1","new_password":"correct horse"}`, cookie, csrf)
	wantStatus(t, w, http.StatusOK)
	wantProblem(t, s.do(nobody, "GET", "/api/v2.0/users/current", "", cookie), http.StatusUnauthorized)
	wantStatus(t, s.do(nobody, "GET", "/api/v2.0/users/current", "", other), http.StatusOK)
}

func TestOnlySystemAdminsAskWhetherAUserExists(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.users[4].Email = "guest@example.com"
	for body, want := range map[string]string{
		"target=username&value=guest1": "true", "target=username&value=x": "false", "target=email&value=guest@example.com": "true", "target=email&value=x": "false",
	} {
		if w := s.do(root, "POST", "/c/userExists", body, formType); w.Code != 200 || w.Body.String() != want+"\n" {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	for _, body := range []string{"target=id&value=1", "", "target=username&value=%00", "target=%zz"} {
		wantProblem(t, s.do(root, "POST", "/c/userExists", body, formType), http.StatusBadRequest)
	}
	for _, who := range []string{admin, nobody} {
		wantProblem(t, s.do(who, "POST", "/c/userExists", "target=username&value=root", formType), http.StatusPreconditionFailed)
	}
}

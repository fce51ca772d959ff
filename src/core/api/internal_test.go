package api_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/core/api"
)

func TestInternalRoutesAreServedApart(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *api.Config) {
		c.ComponentToken = "token"
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	})
	for _, tc := range []struct {
		method, path         string
		public, internalSide int
	}{
		{"POST", "/service/notifications", 404, 200},
		{"POST", "/service/notifications/events", 404, 200},
		{"POST", "/service/notifications/events.json", 404, 0},
		{"POST", "/service.json/notifications", 404, 404},
		{"POST", "/%73ervice/notifications", 404, 404},
		{"POST", "//service/notifications", 400, 404},
		{"POST", "/./service/notifications", 400, 404},
		{"POST", "/SERVICE/notifications", 404, 404},
		{"GET", "/metrics", 404, 200},
		{"GET", "/livez", 200, 200},
		{"GET", "/readyz", 200, 200},
		{"GET", "/api/projects", 200, 404},
		{"GET", policiesPath, 401, 404},
		{"POST", "/c/login", 415, 404},
		{"GET", "/", 404, 404},
	} {
		for handler, want := range map[string]int{"public": tc.public, "internal": tc.internalSide} {
			r := httptest.NewRequest(tc.method, "http://core"+tc.path, strings.NewReader("{}"))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer token")
			if strings.HasPrefix(tc.path, "/api") || tc.method == "GET" {
				r.Header.Del("Authorization")
			}
			w := httptest.NewRecorder()
			if handler == "public" {
				s.api.Public().ServeHTTP(w, r)
			} else {
				s.api.Internal().ServeHTTP(w, r)
			}
			if want != 0 && w.Code != want {
				t.Errorf("%s %s on the %s side: %d, want %d", tc.method, tc.path, handler, w.Code, want)
			}
			if w.Header().Get("X-Request-Id") == "" {
				t.Errorf("%s %s on the %s side: no request id", tc.method, tc.path, handler)
			}
		}
	}
}

func TestSendersWithoutTheTokenAreCountedAndLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	now := epoch
	var failed []string
	s := newSite(t, func(c *api.Config) {
		c.Now = func() time.Time { return now }
		c.ComponentToken = "component"
		c.AuthFailed = func(path string) { failed = append(failed, path) }
	})
	const events = notifications + "/events"
	for range 5 {
		s.do(nobody, "POST", events, "{}", "Authorization: Bearer guess-of-a-token")
	}
	s.do(nobody, "POST", notifications, "{}")
	now = now.Add(time.Minute)
	s.do(nobody, "POST", events, "{}")
	if want := append(slices.Repeat([]string{events}, 5), notifications, events); !slices.Equal(failed, want) {
		t.Errorf("counted %v", failed)
	}
	if lines := strings.Count(s.log.String(), "token is missing or wrong"); lines != 2 || !strings.Contains(s.log.String(), "count=5") {
		t.Errorf("%d lines: %s", lines, s.log)
	}
	if strings.Contains(s.log.String(), "guess-of-a-token") {
		t.Error("the token is in the log")
	}
}

func TestOnlyInsidersUseInternalRoutes(t *testing.T) {
	t.Parallel()
	counted := map[string]int{}
	inside := false
	s := newSite(t, func(c *api.Config) {
		c.ComponentToken, c.NotificationToken = "component", "registry"
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
		c.Insider = func(*http.Request) bool { return inside }
		c.AuthFailed = func(path string) { counted[path]++ }
	})
	for _, tc := range []struct {
		method, path, token string
		outside, inside     int
	}{
		{"POST", notifications, "registry", 403, 200},
		{"POST", notifications, "wrong", 403, 401},
		{"POST", notifications + "/events", "component", 403, 200},
		{"POST", notifications + "/events", "wrong", 403, 401},
		{"POST", notifications + "/events.json", "component", 403, 404},
		{"POST", "/service/made-up", "", 403, 404},
		{"GET", "/metrics", "", 403, 200},
		{"GET", "/livez", "", 200, 200},
		{"GET", "/readyz", "", 200, 200},
		{"GET", "/api/projects", "", 200, 200},
	} {
		bodies := map[bool]string{}
		for _, inside = range []bool{true, false} {
			r := httptest.NewRequest(tc.method, "http://core"+tc.path, strings.NewReader("{}"))
			r.Header.Set("Content-Type", "application/json")
			if tc.token != "" {
				r.Header.Set("Authorization", "Bearer "+tc.token)
			}
			w := httptest.NewRecorder()
			s.api.ServeHTTP(w, r)
			bodies[inside] = w.Body.String()
			if want := map[bool]int{true: tc.inside, false: tc.outside}[inside]; w.Code != want {
				t.Errorf("%s %s with token %q, inside: %t: %d, want %d", tc.method, tc.path, tc.token, inside, w.Code, want)
			}
		}
		if tc.outside == http.StatusForbidden && !strings.Contains(bodies[false], "this address may not use internal endpoints") {
			t.Errorf("%s %s from outside: %s", tc.method, tc.path, bodies[false])
		}
	}
	if want := map[string]int{notifications: 3, notifications + "/events": 3, "/metrics": 1, "unknown": 2}; !maps.Equal(counted, want) {
		t.Errorf("counted %v, want %v", counted, want)
	}
	if lines := strings.Count(s.log.String(), "HARBORHOOK_INTERNAL_NETWORKS"); lines != 1 {
		t.Errorf("%d lines: %s", lines, s.log)
	}
}

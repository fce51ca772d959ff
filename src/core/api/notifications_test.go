package api_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/hook"
)

const (
	notifications = "/service/notifications"
	bearer        = "Authorization: Bearer token"
)

func TestNotificationsAreAcceptedWithTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, mediaType := range []string{
		"application/json", "application/json; charset=utf-8", "application/vnd.docker.distribution.events.v1+json",
		"application/vnd.docker.distribution.events.v1+json; charset=utf-8", "application/vnd.docker.distribution.events.v2+json",
	} {
		w := s.do(nobody, "POST", notifications, `{"events":[]}`, bearer, "Content-Type: "+mediaType)
		wantStatus(t, w, http.StatusOK)
		if got := strings.TrimSpace(w.Body.String()); got != `{"accepted":2,"skipped":1}` {
			t.Errorf("%s: %s", mediaType, got)
		}
	}
	wantStatus(t, s.do(nobody, "POST", notifications, "{}", "Authorization: bearer token"), http.StatusOK)
}

func TestNotificationsAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
	}{
		{"no token", "POST", notifications, "{}", nil, 401},
		{"empty token", "POST", notifications, "{}", []string{"Authorization: Bearer "}, 401},
		{"scheme only", "POST", notifications, "{}", []string{"Authorization: Bearer"}, 401},
		{"wrong token", "POST", notifications, "{}", []string{"Authorization: Bearer nekot"}, 401},
		{"one character less", "POST", notifications, "{}", []string{"Authorization: Bearer toke"}, 401},
		{"one character more", "POST", notifications, "{}", []string{"Authorization: Bearer tokens"}, 401},
		{"no scheme", "POST", notifications, "{}", []string{"Authorization: token"}, 401},
		{"another scheme", "POST", notifications, "{}", []string{"Authorization: Harbor-Secret token"}, 401},
		{"token in the query", "POST", notifications + "?token=token", "{}", nil, 401},
		{"a person's password", "POST", notifications, "{}", []string{"Authorization: Basic cm9vdDpyb290"}, 401},
		{"xml", "POST", notifications, "<a/>", []string{bearer, "Content-Type: text/xml"}, 415},
		{"no media type", "POST", notifications, "{}", []string{bearer, "Content-Type: "}, 415},
		{"gzip", "POST", notifications, "{}", []string{bearer, "Content-Encoding: gzip"}, 415},
		{"17 MiB", "POST", notifications, strings.Repeat("x", 17<<20), []string{bearer}, 413},
		{"not JSON", "POST", notifications, `{"events":`, []string{bearer}, 400},
		{"empty", "POST", notifications, "", []string{bearer}, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var counted []int
			s := newSite(t, func(c *api.Config) {
				c.NotificationRefused = func(status int) { counted = append(counted, status) }
			})
			w := s.do(nobody, tc.method, tc.path, tc.body, tc.headers...)
			wantProblem(t, w, tc.status)
			if !slices.Equal(counted, []int{tc.status}) {
				t.Errorf("counted %v", counted)
			}
			if tc.status == 401 && w.Header().Get("WWW-Authenticate") != `Bearer realm="harborhook"` {
				t.Errorf("WWW-Authenticate is %q", w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func TestNotificationsOfUpTo16MiBAreTaken(t *testing.T) {
	t.Parallel()
	body := `"` + strings.Repeat("x", api.MaxNotificationBody-2) + `"`
	wantStatus(t, newSite(t).do(nobody, "POST", notifications, body, bearer), http.StatusOK)
}

func TestWithoutATokenEverybodyMayNotify(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *api.Config) { c.NotificationToken = "" })
	wantStatus(t, s.do(nobody, "POST", notifications, "{}"), http.StatusOK)
}

// Case: DB down → 503 ≤ 1 s.
func TestNotificationsThatCannotBeStoredAre503(t *testing.T) {
	t.Parallel()
	for name, intake := range map[string]intakeFunc{
		"database away": func(context.Context, []byte) (int, int, error) { return 0, 0, hook.ErrUnavailable },
		"any other":     func(context.Context, []byte) (int, int, error) { return 0, 0, errors.New("secret detail") },
		"not found":     func(context.Context, []byte) (int, int, error) { return 0, 0, hook.ErrNotFound },
		"database hangs": func(ctx context.Context, _ []byte) (int, int, error) {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 900*time.Millisecond {
				return 0, 0, nil // which answers 200
			}
			<-ctx.Done()
			return 0, 0, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *api.Config) { c.Intake = intake })
			w := s.do(nobody, "POST", notifications, "{}", bearer)
			wantProblem(t, w, http.StatusServiceUnavailable)
			if w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("answered %v %s", w.Header(), w.Body)
			}
		})
	}
}

func TestRefusedNotificationsAreLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	now := epoch
	s := newSite(t, func(c *api.Config) { c.Now = func() time.Time { return now } })
	lines := func() int { return strings.Count(s.log.String(), "notifications are refused") }
	for range 5 {
		s.do(nobody, "POST", notifications, "{}")
	}
	if lines() != 1 {
		t.Errorf("%d lines in the first minute", lines())
	}
	now = now.Add(time.Minute)
	s.do(nobody, "POST", notifications, "{}")
	if lines() != 2 || !strings.Contains(s.log.String(), "count=5") {
		t.Errorf("logged %s", s.log)
	}
	if strings.Contains(s.log.String(), "token=") {
		t.Error("the token is in the log")
	}
}

package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/hook"
)

const (
	components      = "/service/notifications/events"
	componentBearer = "Authorization: Bearer component"
)

func TestEventsOfComponentsAreAcceptedWithTheToken(t *testing.T) {
	t.Parallel()
	w := newSite(t).do(nobody, "POST", components, "[]", componentBearer)
	wantStatus(t, w, http.StatusOK)
	if got := strings.TrimSpace(w.Body.String()); got != `{"accepted":3}` {
		t.Errorf("answered %s", got)
	}
}

func TestEventsOfComponentsAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
	}{
		{"no token", "POST", components, "{}", nil, 401},
		{"empty token", "POST", components, "{}", []string{"Authorization: Bearer "}, 401},
		{"the registry's token", "POST", components, "{}", []string{bearer}, 401},
		{"one character less", "POST", components, "{}", []string{"Authorization: Bearer componen"}, 401},
		{"no scheme", "POST", components, "{}", []string{"Authorization: component"}, 401},
		{"token in the query", "POST", components + "?token=component", "{}", nil, 401},
		{"a person's password", "POST", components, "{}", []string{"Authorization: Basic cm9vdDpyb290"}, 401},
		{"a registry's media type", "POST", components, "{}", []string{componentBearer, "Content-Type: application/vnd.docker.distribution.events.v1+json"}, 415},
		{"form", "POST", components, "a=b", []string{componentBearer, "Content-Type: application/x-www-form-urlencoded"}, 415},
		{"gzip", "POST", components, "{}", []string{componentBearer, "Content-Encoding: gzip"}, 415},
		{"more than 1 MiB", "POST", components, strings.Repeat("x", api.MaxBody+1), []string{componentBearer}, 413},
		{"GET", "GET", components, "", []string{componentBearer}, 405},
		{"not JSON", "POST", components, `[{`, []string{componentBearer}, 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *api.Config) {
				c.NotificationRefused = func(status int) { t.Errorf("counted as a registry's, with %d", status) }
			})
			w := s.do(nobody, tc.method, tc.path, tc.body, tc.headers...)
			wantProblem(t, w, tc.status)
			if tc.status == 401 && w.Header().Get("WWW-Authenticate") != `Bearer realm="harborhook"` {
				t.Errorf("WWW-Authenticate is %q", w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func TestAComponentIsToldWhereItsMistakeIs(t *testing.T) {
	t.Parallel()
	w := newSite(t).do(nobody, "POST", components, "[{", componentBearer)
	if got := wantProblem(t, w, http.StatusBadRequest); got != "/1/data/scan_overview: is missing" {
		t.Errorf("answered %q", got)
	}
}

func TestWithoutATokenEveryComponentMayNotify(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *api.Config) { c.ComponentToken = "" })
	wantStatus(t, s.do(nobody, "POST", components, "{}"), http.StatusOK)
	wantProblem(t, s.do(nobody, "POST", notifications, "{}"), http.StatusUnauthorized)
}

func TestEventsOfComponentsThatCannotBeStoredAre503(t *testing.T) {
	t.Parallel()
	for name, intake := range map[string]componentsFunc{
		"database away": func(context.Context, []byte) (int, error) { return 0, hook.ErrUnavailable },
		"any other":     func(context.Context, []byte) (int, error) { return 0, errors.New("secret detail") },
		"database hangs": func(ctx context.Context, _ []byte) (int, error) {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 900*time.Millisecond {
				return 0, nil // which answers 200
			}
			<-ctx.Done()
			return 0, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSite(t, func(c *api.Config) { c.Components = intake }).do(nobody, "POST", components, "{}", componentBearer)
			wantProblem(t, w, http.StatusServiceUnavailable)
			if w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("answered %v %s", w.Header(), w.Body)
			}
		})
	}
}

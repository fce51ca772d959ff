package api_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/api"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	fine := func(context.Context) error { return nil }
	lost := func(context.Context) error { return errors.New("dial 10.0.0.1") }
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, tc := range map[string]struct {
		database error
		checks   map[string]func(context.Context) error
		status   int
		body     string
	}{
		"all well": {
			nil,
			map[string]func(context.Context) error{"redis": fine},
			200,
			`{"status":"healthy","components":[{"name":"database","status":"healthy"},{"name":"redis","status":"healthy"}]}`,
		},
		"redis lost": {
			nil,
			map[string]func(context.Context) error{"redis": lost},
			200,
			`{"status":"degraded","components":[{"name":"database","status":"healthy"},{"name":"redis","status":"unhealthy"}]}`,
		},
		"jobservice hangs": {
			nil,
			map[string]func(context.Context) error{"jobservice": hangs},
			200,
			`{"status":"degraded","components":[{"name":"database","status":"healthy"},{"name":"jobservice","status":"unhealthy"}]}`,
		},
		"database lost": {
			errors.New("gone"),
			map[string]func(context.Context) error{"redis": fine},
			503,
			`{"status":"unhealthy","components":[{"name":"database","status":"unhealthy"},{"name":"redis","status":"healthy"}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(c *api.Config) { c.Health = tc.checks })
			s.broken = tc.database
			w := s.do(nobody, "GET", "/api/health", "")
			wantStatus(t, w, tc.status)
			if diff := cmp.Diff(tc.body+"\n", w.Body.String()); diff != "" {
				t.Error(diff)
			}
			wantStatus(t, s.do(nobody, "GET", "/livez", ""), http.StatusOK)
			wantStatus(t, s.do(nobody, "GET", "/readyz", ""), tc.status)
		})
	}
}

func TestSystemInfoAndPing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if got := s.do(nobody, "GET", "/api/ping", "").Body.String(); got != "\"Pong\"\n" {
		t.Errorf("ping answers %s", got)
	}
	want := `{"auth_mode":"db_auth","harbor_version":"v1","registry_url":"127.0.0.1:5000","self_registration":false,` +
		`"project_creation_restriction":"everyone","read_only":false,"has_ca_root":false,"notification_enable":true}` + "\n"
	if diff := cmp.Diff(want, s.do(nobody, "GET", "/api/systeminfo", "").Body.String()); diff != "" {
		t.Error(diff)
	}
}

func TestMetricsAreServedIfThereAreAny(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *api.Config) {
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })
	})
	if got := s.do(nobody, "GET", "/metrics", "").Body.String(); got != "up 1\n" {
		t.Errorf("answers %q", got)
	}
}

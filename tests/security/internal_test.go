package security

import (
	"net/http"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestInternalEndpointsHaveAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{harness.Standalone, harness.Production} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			inside := harness.FreeAddr(t)
			settings := harness.Settings{"INTERNAL_ADDR": inside}
			var s *harness.System
			if shape == harness.Standalone {
				s = suite.NewStandalone(t, settings)
			} else {
				s = suite.NewProduction(t, suite.Postgres(t).NewDatabase(t), suite.Redis(t), settings)
			}
			project := newProject(t, s)
			notify := "POST /service/notifications HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer " + s.Token
			if got := raw(t, s, notify, `{"events":[]}`); got != http.StatusNotFound {
				t.Errorf("notification at the public address: %d", got)
			}
			for _, path := range []string{"/metrics", "/service/notifications", "/service/notifications/events", "/service/anything"} {
				if got := s.As("", "").Do(t, http.MethodGet, path, nil).Status; got != http.StatusNotFound {
					t.Errorf("%s at the public address: %d", path, got)
				}
			}
			private := *s
			private.CoreURL = "http://" + inside
			private.MustNotify(t, harness.NewPush(project+"/app", "v1"))
			if got := private.As("", "").Do(t, http.MethodPost, "/service/notifications", "{}", "Authorization", "Bearer "+s.Token[1:]).Status; got != http.StatusUnauthorized {
				t.Errorf("notification with a token cut short: %d", got)
			}
			metrics := private.As("", "").Do(t, http.MethodGet, "/metrics", nil)
			if metrics.Status != http.StatusOK || !strings.Contains(metrics.Body, `harborhook_internal_auth_failures_total{endpoint="/service/notifications"} 1`) {
				t.Errorf("metrics: %d without the refused call", metrics.Status)
			}
			if got := raw(t, &private, "GET /api/projects HTTP/1.1", ""); got != http.StatusNotFound {
				t.Errorf("the API at the internal address: %d", got)
			}
		})
	}
}

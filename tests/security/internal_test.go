package security

import (
	"bytes"
	"context"
	"io"
	"net"
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

// sent sends a request from a local address, and returns status and body.
func sent(t *testing.T, source, method, url string, headers ...string) (int, string) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	client := http.Client{Timeout: soon, Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext}}
	req, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader([]byte("{}")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// The processes of a system call each other from 127.0.0.1. Others on this machine
// play strangers and a proxy.
func TestInternalEndpointsAreForTheirNetworks(t *testing.T) {
	const inside, outside, proxy = "127.0.0.1", "127.0.0.2", "127.0.0.3"
	eachOwn(t, harness.Settings{"INTERNAL_NETWORKS": inside + "/32", "TRUSTED_PROXIES": proxy}, func(t *testing.T, s *harness.System) {
		core, jobService := s.CoreURL, "http://"+s.JobServiceAddr
		for name, tc := range map[string]struct {
			source, forwarded string
			open              bool
		}{
			"an insider":                    {inside, "", true},
			"an insider who says otherwise": {inside, outside, true},
			"a stranger":                    {outside, "", false},
			"a stranger who says otherwise": {outside, inside, false},
			"a proxy":                       {proxy, "", false},
			"an insider behind a proxy":     {proxy, inside, true},
			"a stranger behind a proxy":     {proxy, outside, false},
			"a liar behind a proxy":         {proxy, inside + ", " + outside, false},
		} {
			for _, call := range []struct {
				method, url, authorization string
				inside, outside            int
			}{
				{http.MethodPost, core + "/service/notifications", "Bearer " + s.Token, 200, 403},
				{http.MethodPost, core + "/service/notifications", "Bearer wrong", 401, 403},
				{http.MethodPost, core + "/service/notifications/events", "Bearer " + s.ComponentToken, 400, 403},
				{http.MethodPost, core + "/service/notifications/events", "Bearer wrong", 401, 403},
				{http.MethodGet, core + "/metrics", "", 200, 403},
				{http.MethodPost, jobService + "/api/v1/jobs", "Harbor-Secret wrong", 401, 403},
				{http.MethodGet, jobService + "/api/v1/stats", "", 401, 403},
				{http.MethodGet, jobService + "/metrics", "", 200, 403},
				{http.MethodGet, core + "/livez", "", 200, 200},
				{http.MethodGet, core + "/api/v2.0/systeminfo", "", 200, 200},
				{http.MethodGet, jobService + "/livez", "", 200, 200},
				{http.MethodGet, jobService + "/readyz", "", 200, 200},
			} {
				headers := []string{"Authorization", call.authorization}
				if tc.forwarded != "" {
					headers = append(headers, "X-Forwarded-For", tc.forwarded)
				}
				want := call.inside
				if !tc.open {
					want = call.outside
				}
				if got, body := sent(t, tc.source, call.method, call.url, headers...); got != want {
					t.Errorf("%s: %s %s (%.12s): %d, want %d: %.300s", name, call.method, call.url, call.authorization, got, want, body)
				}
			}
		}
		_, metrics := sent(t, inside, http.MethodGet, core+"/metrics")
		if !strings.Contains(metrics, `harborhook_internal_auth_failures_total{endpoint="/service/notifications/events"}`) {
			t.Error("who was refused is not counted")
		}
		// The system works for those who may: Core hands jobs to JobService.
		project, receiver := newProject(t, s), harness.NewReceiver(t)
		s.Admin.CreatePolicy(t, project, policy("p", receiver.URL+"/"))
		s.MustNotify(t, harness.NewPush(project+"/app", "v1"))
		receiver.Wait(t, 1, soon)
	})
}

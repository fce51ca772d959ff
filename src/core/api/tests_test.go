package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/hook"
)

func TestTestingAPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.attempt = hook.Attempt{
		Result: hook.ResultHTTPError, Duration: 148 * time.Millisecond, Error: "the target answered 502",
		Response: &hook.Response{Status: 502, Body: "bad gateway"},
	}
	const want = `{"result":"http_error","status":502,"duration_ms":148,"body":"bad gateway"}` + "\n"
	for _, base := range []string{policiesPath, secondPolicies} {
		if diff := cmp.Diff(want, s.do(admin, "POST", base+"/3/test", "").Body.String()); diff != "" {
			t.Errorf("%s: %s", base, diff)
		}
		if diff := cmp.Diff(s.policies[0], s.tested); diff != "" {
			t.Errorf("%s: %s", base, diff)
		}
	}
	if s.testedBy != admin {
		t.Errorf("tested by %q", s.testedBy)
	}
	s.attempt = hook.Attempt{Result: hook.ResultConnectFailed}
	if got := s.do(admin, "POST", policiesPath+"/3/test", "").Body.String(); got != `{"result":"connect_failed","status":0,"duration_ms":0,"body":""}`+"\n" {
		t.Errorf("without an answer: %s", got)
	}
	s.attempt.Response = &hook.Response{Status: 200, Body: strings.Repeat("ä", 1000)}
	if got := decode[struct{ Body string }](t, s.do(admin, "POST", policiesPath+"/3/test", "")).Body; len(got) != 1024 {
		t.Errorf("%d bytes of body are shown", len(got))
	}
	wantProblem(t, s.do(admin, "POST", policiesPath+"/77/test", ""), http.StatusNotFound)
}

func TestTestingADraft(t *testing.T) {
	t.Parallel()
	target := func(format string) []hook.Target {
		return []hook.Target{{Type: "http", Address: "https://ci.example.com/new", AuthHeader: "Bearer x", PayloadFormat: format}}
	}
	for body, want := range map[string]hook.Policy{
		"POST " + policiesPath + "/test " + newPolicy: {
			ProjectID: 1, Name: "new", Enabled: true, HookTypes: []hook.EventType{hook.PushImage}, Targets: target("Events"), Naming: hook.NamingOurs,
		},
		"POST " + policiesPath + `/test {"targets":[{"type":"http","address":"https://ci.example.com/new","auth_header":"Bearer x"}],"name":"","hook_types":[]}`: {
			ProjectID: 1, Name: "test", Enabled: true, HookTypes: []hook.EventType{hook.PushImage}, Targets: target("Events"), Naming: hook.NamingOurs,
		},
		"POST " + secondPolicies + `/test {"targets":[{"type":"http","address":"https://ci.example.com/new","auth_header":"Bearer x"}]}`: {
			ProjectID: 1, Name: "test", Enabled: true, HookTypes: []hook.EventType{hook.PushImage}, Targets: target("Default"), Naming: hook.NamingHarbor2,
		},
	} {
		s := newSite(t, artifacts(t))
		request := strings.SplitN(body, " ", 3)
		wantStatus(t, s.do(admin, request[0], request[1], request[2]), http.StatusOK)
		if diff := cmp.Diff(want, s.tested); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
		if !s.untouched() {
			t.Error("the draft was stored")
		}
	}
	for body, message := range map[string]string{
		`{"auth_header":"********","target":"https://x.example"}`: "auth_header: is masked", `{}`: "target: must not be empty", `{"nome":1}`: "nome: unknown field",
		`{"name":"invalid","target":"https://x.example"}`: "name: is refused",
	} {
		if got := wantProblem(t, newSite(t).do(admin, "POST", policiesPath+"/test", body), http.StatusBadRequest); !strings.HasPrefix(got, message) {
			t.Errorf("%s: %q", body, got)
		}
	}
}

// Case: 100 calls a minute → 429 with Retry-After.
func TestTestsAreLimited(t *testing.T) {
	t.Parallel()
	now := epoch
	s := newSite(t, func(c *api.Config) { c.Now = func() time.Time { return now } })
	for range 10 {
		wantStatus(t, s.do(admin, "POST", policiesPath+"/3/test", ""), http.StatusOK)
		now = now.Add(time.Second)
	}
	for _, path := range []string{policiesPath + "/3/test", secondPolicies + "/3/test"} {
		w := s.do(root, "POST", path, "")
		wantProblem(t, w, http.StatusTooManyRequests)
		if got := w.Header().Get("Retry-After"); got != "50" {
			t.Errorf("%s: Retry-After is %q", path, got)
		}
	}
	wantStatus(t, s.do(root, "POST", "/api/projects/2/webhook/policies/test", newPolicy), http.StatusOK)
	now = now.Add(50 * time.Second)
	wantStatus(t, s.do(admin, "POST", policiesPath+"/3/test", ""), http.StatusOK)
}

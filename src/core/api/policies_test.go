package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/hook"
)

const newPolicy = `{"name":"new","hook_types":["pushImage"],"target":"https://ci.example.com/new","auth_header":"Bearer x"}`

func TestCreatingAPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.do(admin, "POST", policiesPath+"?x=1", newPolicy)
	wantStatus(t, w, http.StatusCreated)
	if got := w.Header().Get("Location"); got != policiesPath+"/101" {
		t.Errorf("Location is %q", got)
	}
	if w.Body.Len() != 0 {
		t.Errorf("body is %q", w.Body)
	}
	want := hook.Policy{
		ID: 101, ProjectID: 1, Name: "new", Enabled: true, Creator: admin, HookTypes: []hook.EventType{hook.PushImage}, Naming: hook.NamingOurs,
		Targets:      []hook.Target{{Address: "https://ci.example.com/new", AuthHeader: "Bearer x"}},
		CreationTime: epoch, UpdateTime: epoch,
	}
	if diff := cmp.Diff(want, s.policies[1]); diff != "" {
		t.Error(diff)
	}
}

// Case: A1 POST policy with body project_id: P2 → created in P1.
func TestReadOnlyFieldsOfABodyAreIgnored(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	readOnly := `"id":99,"project_id":2,"creator":"eve","creation_time":"0001-01-01T00:00:00Z","update_time":"2030-01-01T00:00:00.5+02:00","retry_on":["http"],`
	wantStatus(t, s.do(admin, "POST", policiesPath, "{"+readOnly+newPolicy[1:]), http.StatusCreated)
	if p := s.policies[1]; p.ID != 101 || p.ProjectID != 1 || p.Creator != admin {
		t.Errorf("stored %+v", p)
	}
	s = newSite(t)
	wantStatus(t, s.do(root, "PUT", policiesPath+"/3", "{"+readOnly+newPolicy[1:]), http.StatusOK)
	if p := s.policies[0]; p.ID != 3 || p.ProjectID != 1 || p.Creator != admin || p.CreationTime != epoch {
		t.Errorf("stored %+v", p)
	}
}

func TestAPolicyIsShownWithSecretsMasked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const format = `{"id":3,"name":"ci","description":"","project_id":1,"enabled":true,` +
		`"hook_types":["pushImage"],"event_types":["pushImage"],"filters":[],` +
		`"target":"https://ci.example.com/hook?token=%[1]s",` +
		`"targets":[{"type":"http","address":"https://ci.example.com/hook?token=%[1]s","auth_header":"********","skip_cert_verify":false,"payload_format":"Events"}],` +
		`"auth_header":"********","skip_cert_verify":false,"payload_format":"Events","secret":"********","retry_on":["network"],` +
		`"creator":"admin1","creation_time":"2020-03-03T07:58:52Z","update_time":"2020-03-03T07:58:52Z"}`
	for who, token := range map[string]string{root: "abc", admin: "abc", master: hook.Mask} {
		want := fmt.Sprintf(format, token)
		if diff := cmp.Diff(want+"\n", s.do(who, "GET", policiesPath+"/3", "").Body.String()); diff != "" {
			t.Errorf("%s: %s", who, diff)
		}
		if diff := cmp.Diff("["+want+"]\n", s.do(who, "GET", policiesPath, "").Body.String()); diff != "" {
			t.Errorf("%s: list: %s", who, diff)
		}
	}
	if got := s.do(foreigner, "GET", "/api/projects/p2/webhook/policies", "").Body.String(); got != "[]\n" {
		t.Errorf("an empty list is %q", got)
	}
}

// What was read can be written back, and changes nothing.
func TestWritingAPolicyBackKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := s.policies[0]
	read := s.do(admin, "GET", policiesPath+"/3", "").Body.String()
	wantStatus(t, s.do(admin, "PUT", policiesPath+"/3", read), http.StatusOK)
	after := s.policies[0]
	if after.UpdateTime.Equal(before.UpdateTime) {
		t.Error("the update time stays")
	}
	after.UpdateTime, before.Filters = before.UpdateTime, []hook.Filter{}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

func TestPolicyOfAnotherProjectLooksLikeNone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		foreign := s.do(foreigner, method, "/api/projects/p2/webhook/policies/3", "")
		unknown := s.do(foreigner, method, "/api/projects/p2/webhook/policies/77", "")
		wantProblem(t, foreign, http.StatusNotFound)
		if diff := cmp.Diff(unknown.Body.String(), foreign.Body.String()); diff != "" {
			t.Errorf("%s: %s", method, diff)
		}
		wantProblem(t, s.do(foreigner, method, "/api/projects/p2/webhook/policies/x", ""), http.StatusNotFound)
	}
	if len(s.policies) != 1 || s.policies[0].UpdateTime != epoch {
		t.Error("the policy changed")
	}
}

func TestStaleWritesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tag := s.do(admin, "GET", policiesPath+"/3", "").Header().Get("ETag")
	if !strings.HasPrefix(tag, `"`) {
		t.Fatalf("ETag is %q", tag)
	}
	body := `{"description":"x"}`
	wantProblem(t, s.do(admin, "PUT", policiesPath+"/3", body, `If-Match: "stale"`), http.StatusPreconditionFailed)
	wantStatus(t, s.do(admin, "PUT", policiesPath+"/3", body, `If-Match: "stale", `+tag), http.StatusOK)
	wantProblem(t, s.do(admin, "PUT", policiesPath+"/3", body, `If-Match: `+tag), http.StatusPreconditionFailed)
	wantStatus(t, s.do(admin, "PUT", policiesPath+"/3", body, `If-Match: *`), http.StatusOK)
	wantStatus(t, s.do(admin, "PUT", policiesPath+"/3", body), http.StatusOK)
}

// The tag is compared in the update: what somebody writes after it was compared the
// first time is not lost.
func TestAWriteInBetweenIsNotLost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	tag := s.do(admin, "GET", policiesPath+"/3", "").Header().Get("ETag")
	s.meanwhile = func() { s.policies[0].UpdateTime, s.policies[0].Description = epoch.Add(time.Hour), "theirs" }
	wantProblem(t, s.do(admin, "PUT", policiesPath+"/3", `{"description":"mine"}`, "If-Match: "+tag), http.StatusPreconditionFailed)
	if got := s.policies[0].Description; got != "theirs" {
		t.Errorf("description is %q", got)
	}
}

func TestRotatingASecret(t *testing.T) {
	t.Parallel()
	for body, kept := range map[string]time.Duration{"": 24 * time.Hour, "{}": 24 * time.Hour, `{"keep_old_for":"90m"}`: 90 * time.Minute, `{"keep_old_for":"0s"}`: 0} {
		s := newSite(t, func(c *api.Config) { c.Now = func() time.Time { return epoch } })
		w := s.do(admin, "POST", policiesPath+"/3/secret/rotate", body)
		wantStatus(t, w, http.StatusOK)
		if w.Body.String() != `{"secret":"whsec_new"}`+"\n" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: answers %s, %v", body, w.Body, w.Header())
		}
		if got := s.policies[0].OldSecretUntil; !got.Equal(epoch.Add(kept)) {
			t.Errorf("%s: the old secret signs until %s", body, got)
		}
	}
	s := newSite(t)
	for _, body := range []string{`{"keep_old_for":"forever"}`, `{"keep_old_for":"-1s"}`, `{"keep_old_for":"169h"}`, `{"keep_old_for":24}`, `{"nothing":1}`} {
		wantProblem(t, s.do(admin, "POST", policiesPath+"/3/secret/rotate", body), http.StatusBadRequest)
	}
	wantProblem(t, s.do(admin, "POST", secondPolicies+"/77/secret/rotate", ""), http.StatusNotFound)
}

func TestANewSecretEndsARotation(t *testing.T) {
	t.Parallel()
	for body, ended := range map[string]bool{`{"secret":"new"}`: true, `{"secret":""}`: true, `{"secret":"********"}`: false, `{}`: false} {
		for _, path := range []string{policiesPath, secondPolicies} {
			s := newSite(t)
			s.policies[0].OldSecret, s.policies[0].OldSecretUntil = "old", epoch
			wantStatus(t, s.do(admin, "PUT", path+"/3", body), http.StatusOK)
			if p := s.policies[0]; (p.OldSecret == "") != ended || p.OldSecretUntil.IsZero() != ended {
				t.Errorf("%s %s: the old secret is %q until %s", path, body, p.OldSecret, p.OldSecretUntil)
			}
		}
	}
}

func TestPolicyStatusCodes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, who, method, path, body string
		status                        int
		message                       string
	}{
		{"name taken", admin, "POST", "", strings.Replace(newPolicy, "new", "ci", 1), 409, "already"},
		{"the service refuses", admin, "POST", "", strings.Replace(newPolicy, `"new"`, `""`, 1), 400, "name: must not be empty"},
		{"truncated", admin, "POST", "", `{"a":`, 400, "JSON"},
		{"no body", admin, "POST", "", "", 400, "the body is empty"},
		{"unknown field", admin, "POST", "", `{"nome":"x"}`, 400, "nome: unknown field"},
		{"moved secret", admin, "PUT", "/3", `{"target":"https://evil.example/hook"}`, 400, "auth_header: must be entered again"},
		{"put to an unknown id", admin, "PUT", "/77", "{", 404, "not found"},
		{"delete", admin, "DELETE", "/3", "", 200, ""},
		{"delete an unknown id", admin, "DELETE", "/77", "", 404, "not found"},
		{"wrong password", "stranger", "GET", "", "", 401, "unauthorized"},
		{"too many failures", "guesser", "GET", "", "", 429, "too many"},
		{"bad body of a caller without permission", guest, "POST", "", "{", 403, "forbidden"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newSite(t).do(tc.who, tc.method, policiesPath+tc.path, tc.body)
			if tc.status == http.StatusOK {
				wantStatus(t, w, tc.status)
				return
			}
			if got := wantProblem(t, w, tc.status); !strings.Contains(got, tc.message) {
				t.Errorf("says %q, want %q", got, tc.message)
			}
		})
	}
}

func TestRefusalsTellHowToGoOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if got := s.do(nobody, "GET", policiesPath, "").Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic realm=") {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	if got := s.do("guesser", "GET", policiesPath, "").Header().Get("Retry-After"); got != "30" {
		t.Errorf("Retry-After is %q", got)
	}
	bearer := s.do(nobody, "GET", "/api/projects", "", "Authorization: Bearer x")
	wantProblem(t, bearer, http.StatusUnauthorized)
}

func TestDatabaseAwayIs503WithoutInternals(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, route := range s.api.Routes() {
		if route.Access != api.InProject {
			continue
		}
		s.reset()
		s.broken = fmt.Errorf("dial tcp 10.1.2.3:5432: %w", hook.ErrUnavailable)
		w := s.do(root, route.Method, pathOf(route), "")
		wantProblem(t, w, http.StatusServiceUnavailable)
		if w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "10.1.2.3") {
			t.Errorf("%s %s: %v %s", route.Method, route.Pattern, w.Header(), w.Body)
		}
	}
}

func TestInternalErrorsAreLoggedNotShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.broken = fmt.Errorf("column secret_column does not exist")
	w := s.do(root, "GET", policiesPath, "", "X-Request-Id: my-id.1")
	if got := wantProblem(t, w, http.StatusInternalServerError); got != "internal server error" {
		t.Errorf("says %q", got)
	}
	if got := w.Header().Get("X-Request-Id"); got != "my-id.1" {
		t.Errorf("request id is %q", got)
	}
	if got := s.log.String(); !strings.Contains(got, "secret_column") || !strings.Contains(got, "request=my-id.1") {
		t.Errorf("logged %q", got)
	}
}

func TestAPanicIsA500InJSON(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *api.Config) {
		c.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret cause") })
	})
	w := s.do(nobody, "GET", "/metrics", "")
	wantProblem(t, w, http.StatusInternalServerError)
	if strings.Contains(w.Body.String(), "secret cause") {
		t.Error("the cause is shown")
	}
	if got := s.log.String(); !strings.Contains(got, "secret cause") || !strings.Contains(got, "policies_test.go") {
		t.Errorf("logged %q", got)
	}
}

func TestRequestIDsAreKeptIfHarmless(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for id, kept := range map[string]bool{
		"a-B_9.": true, strings.Repeat("x", 64): true, strings.Repeat("x", 65): false, "a b": false, "a\nb": false, "": false, "ä": false,
	} {
		got := s.do(nobody, "GET", "/api/ping", "", "X-Request-Id: "+id).Header().Get("X-Request-Id")
		if (got == id) != kept || got == "" {
			t.Errorf("%q became %q", id, got)
		}
	}
}

// Case: X-Forwarded-For spoof → not used for limits.
func TestForwardedHeadersAreNotBelieved(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.do(root, "GET", policiesPath, "", "X-Forwarded-For: 203.0.113.9")
	if s.client != "192.0.2.1" { // httptest's remote address
		t.Errorf("client is %q", s.client)
	}
}

func TestATemplateIsWrittenAndShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wantStatus(t, s.do(admin, "PUT", policiesPath+"/3", `{"payload_format":"Custom","payload_template":"{{json .tag}}"}`), http.StatusOK)
	got := decode[struct {
		Template string `json:"payload_template"`
		Targets  []struct {
			Template string `json:"payload_template"`
		}
	}](t, s.do(master, "GET", policiesPath+"/3", ""))
	if got.Template != "{{json .tag}}" || len(got.Targets) != 1 || got.Targets[0].Template != got.Template {
		t.Errorf("got %+v", got)
	}
}

func TestEventTypesComeFromTheCatalog(t *testing.T) {
	t.Parallel()
	got := decode[struct {
		EventType      []string `json:"event_type"`
		NotifyType     []string `json:"notify_type"`
		PayloadFormats []struct {
			NotifyType string `json:"notify_type"`
			Formats    []string
		} `json:"payload_formats"`
		Types []struct{ Name, Title, Group string }
	}](t, newSite(t).do(master, "GET", "/api/projects/1/webhook/events", ""))
	if len(got.EventType) < 6 || got.EventType[0] != "pushImage" || got.NotifyType[0] != "http" || got.PayloadFormats[0].Formats[0] != "Events" {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"http", "slack"}, got.NotifyType); diff != "" || len(got.PayloadFormats) != 2 || got.PayloadFormats[1].Formats[0] != "Slack" {
		t.Errorf("types of target and formats are %+v", got)
	}
	if len(got.Types) != len(got.EventType) || got.Types[0].Title == "" || got.Types[0].Group == "" {
		t.Errorf("types are %+v", got.Types)
	}
}

func TestTimesAreShownInUTC(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.policies[0].UpdateTime = epoch.In(time.FixedZone("x", 3600))
	if got := s.do(root, "GET", policiesPath+"/3", "").Body.String(); !strings.Contains(got, `"update_time":"2020-03-03T07:58:52Z"`) {
		t.Error(got)
	}
}

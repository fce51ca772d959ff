package harness

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// told is a T that notes failures.
type told struct {
	testing.TB
	failures []string
}

func (t *told) Helper() {}

func (t *told) Errorf(format string, args ...any) {
	t.failures = append(t.failures, format)
	_ = args
}

func TestSecretsThatWereUsedAreFound(t *testing.T) {
	t.Parallel()
	s := newSecrets()
	s.person("admin", "the password of admin")
	s.configured("OLD_ENCRYPTION_KEYS", "old key number one,old key number two")
	s.configured("LOG_LEVEL", "not a secret at all")
	s.sent([]byte(`{"targets":[{"auth_header":"Bearer of-good-news","address":"http://x/?token=query-of-target&v=1"}],"secret":"whsec_` +
		base64.StdEncoding.EncodeToString([]byte("signing key in clear")) + `"}`))
	s.sent([]byte("principal=bob&password=the+password+of+bob"))
	s.cookies(http.Header{"Set-Cookie": {"sid=identity-of-session; Path=/"}})
	for _, secret := range []string{
		"the password of admin", base64.StdEncoding.EncodeToString([]byte("admin:the password of admin")), "old key number two",
		"Bearer of-good-news", "of-good-news", "query-of-target", "signing key in clear", "the password of bob", "identity-of-session",
		base64.StdEncoding.EncodeToString([]byte("query-of-target")),
	} {
		for _, text := range []string{secret, "\x00" + secret + "\xff", strings.Repeat(secret[:9], 3) + secret + "rest"} {
			found := &told{}
			if s.none(found, "a text", text); len(found.failures) == 0 {
				t.Errorf("%q is not found in %q", secret, text)
			}
		}
	}
	none := &told{}
	if s.none(none, "a text", "not a secret at all, v=1, ********, he password of admin, the password of admi"); len(none.failures) > 0 {
		t.Errorf("what is no secret is found: %v", none.failures)
	}
}

func TestAnswersTellSecretsOnlyWhereTheyMay(t *testing.T) {
	t.Parallel()
	const policies, second = "/api/projects/p/webhook/policies", "/api/v2.0/projects/p/webhook/policies"
	s := newSecrets()
	s.sent([]byte(`{"auth_header":"value of the header","target":"http://x/?t=value-of-the-query","secret":"value of the signature"}`))
	for _, tc := range []struct {
		method, path, member, value string
		allowed                     bool
	}{
		{"GET", second, "auth_header", "value of the header", true},
		{"GET", second + "/1", "auth_header", "value of the header", true},
		{"GET", policies, "auth_header", "value of the header", false},
		{"PUT", second + "/1", "auth_header", "value of the header", false},
		{"GET", "/api/v2.0/projects/p/webhook/jobs", "auth_header", "value of the header", false},
		{"GET", policies, "target", "http://x/?t=value-of-the-query", true},
		{"GET", "/api/projects/p/webhook/jobs/1/attempts", "url", "http://x/?t=value-of-the-query", false},
		{"GET", second, "secret", "value of the signature", false},
		{"POST", policies + "/1/secret/rotate", "secret", "a secret that was made", true},
		{"GET", policies + "/1", "secret", "a secret that was made", false},
	} {
		body, err := json.Marshal(map[string]string{tc.member: tc.value})
		if err != nil {
			t.Fatal(err)
		}
		found := &told{}
		if s.answered(found, tc.method, tc.path, nil, body); (len(found.failures) == 0) != tc.allowed {
			t.Errorf("%s %s with %s: %v", tc.method, tc.path, body, found.failures)
		}
	}
	found := &told{}
	if s.answered(found, "GET", "/", http.Header{"X-Echo": {"value of the header"}}, nil); len(found.failures) == 0 {
		t.Error("a header may tell a secret")
	}
}

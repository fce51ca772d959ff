package embedded

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/distribution/registry/client"
	clientauth "github.com/docker/distribution/registry/client/auth"
	clientchallenge "github.com/docker/distribution/registry/client/auth/challenge"
	"github.com/docker/distribution/registry/client/transport"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

func TestATokenIsGivenForCredentialsOrForNone(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "prj/app:v1")
	for user, want := range map[string]int{"guest": http.StatusOK, "": http.StatusUnauthorized} {
		given := h.do(t, http.MethodGet, tokenPath+"?service=harborhook&scope=repository:prj/app:pull", user, "")
		if given.status != http.StatusOK || given.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%q: %d %v", user, given.status, given.header)
		}
		var answer tokenAnswer
		if err := json.Unmarshal([]byte(given.body), &answer); err != nil {
			t.Fatal(err)
		}
		if answer.Token != answer.AccessToken || answer.ExpiresIn != 300 || time.Since(answer.IssuedAt) > time.Minute {
			t.Errorf("%q: %+v", user, answer)
		}
		got := h.do(t, http.MethodGet, "/v2/prj/app/manifests/v1", "", "", "Authorization", "Bearer "+answer.Token)
		if got.status != want {
			t.Errorf("%q: %d %s", user, got.status, got.body)
		}
	}
}

func TestNoTokenIsGivenForWrongCredentials(t *testing.T) {
	t.Parallel()
	h := start(t)
	got := h.do(t, http.MethodGet, tokenPath, "", "", "Authorization", "Basic Z3Vlc3Q6YmFk") // guest:bad
	if got.status != http.StatusUnauthorized || !strings.Contains(got.body, "UNAUTHORIZED") || got.header.Get("WWW-Authenticate") != basicChallenge {
		t.Errorf("%d %s %v", got.status, got.body, got.header)
	}
	if got := h.do(t, http.MethodPost, tokenPath, "guest", "grant_type=password"); got.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got.status)
	}
}

func TestATokenThatCannotBeGivenNowSaysWhen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"guesser":       {&auth.BackOffError{RetryAfter: 29 * time.Second}, http.StatusTooManyRequests},
		"lost database": {hook.ErrUnavailable, http.StatusServiceUnavailable},
	} {
		h := start(t, func(cfg *Config) { cfg.Auth = people{err: c.err} })
		got := h.do(t, http.MethodGet, tokenPath, "guest", "")
		if got.status != c.status || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %v", name, got.status, got.header)
		}
	}
}

func TestTheChallengeNamesWhereAndWhat(t *testing.T) {
	t.Parallel()
	h := start(t)
	for name, c := range map[string]struct {
		host, proto string
		want        string
	}{
		"plain":               {"reg.example.com", "", `Bearer realm="http://reg.example.com/service/token",service="harborhook",scope="repository:prj/app:pull,push"`},
		"behind TLS":          {"reg.example.com:8443", "https", `Bearer realm="https://reg.example.com:8443/service/token",service="harborhook",scope="repository:prj/app:pull,push"`},
		"IPv6":                {"[::1]:5000", "", `Bearer realm="http://[::1]:5000/service/token",service="harborhook",scope="repository:prj/app:pull,push"`},
		"no host to speak of": {`a"b`, "", basicChallenge},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.server.URL+"/v2/prj/app/blobs/uploads/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		req.Header.Set("X-Forwarded-Proto", c.proto)
		w := httptest.NewRecorder()
		h.registry.ServeHTTP(w, req)
		if got := w.Header().Get("WWW-Authenticate"); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// nobody is a docker client that has never signed in.
type nobody struct{}

func (nobody) Basic(*url.URL) (string, string)          { return "", "" }
func (nobody) RefreshToken(*url.URL, string) string     { return "" }
func (nobody) SetRefreshToken(*url.URL, string, string) {}

func TestDockersClientPullsWhatIsPublicWithoutSigningIn(t *testing.T) {
	t.Parallel()
	h := start(t)
	want := h.push(t, "pub/app:v1")
	h.push(t, "prj/app:v1")

	// As docker does: what /v2/ asks for is what every request is made with.
	base := h.server.Client().Transport
	asked := clientchallenge.NewSimpleManager()
	resp, err := h.server.Client().Get(h.server.URL + "/v2/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := asked.AddResponse(resp); err != nil {
		t.Fatal(err)
	}
	pull := func(repository string) (string, error) {
		named, err := reference.WithName(repository)
		if err != nil {
			t.Fatal(err)
		}
		authorizer := clientauth.NewAuthorizer(asked, clientauth.NewTokenHandler(base, nobody{}, repository, "pull"), clientauth.NewBasicHandler(nobody{}))
		repo, err := client.NewRepository(named, h.server.URL, transport.NewTransport(base, authorizer))
		if err != nil {
			t.Fatal(err)
		}
		d, err := repo.Tags(t.Context()).Get(t.Context(), "v1")
		return d.Digest.String(), err
	}
	if got, err := pull("pub/app"); err != nil || got != digestText(t, want) {
		t.Errorf("public: %s, %v", got, err)
	}
	if _, err := pull("prj/app"); err == nil {
		t.Error("a private project can be pulled from without credentials")
	}
}

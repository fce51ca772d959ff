package embedded

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

func TestTheBaseAsksForCredentialsAndChecksThem(t *testing.T) {
	t.Parallel()
	h := start(t)
	basic := func(user, password string) string {
		req, _ := http.NewRequest(http.MethodGet, "/", nil)
		req.SetBasicAuth(user, password)
		return req.Header.Get("Authorization")
	}
	for name, c := range map[string]struct {
		authorization string
		status        int
	}{
		"none":           {"", http.StatusUnauthorized},
		"right":          {basic("guest", "guest"), http.StatusOK},
		"wrong password": {basic("guest", "other"), http.StatusUnauthorized},
		"empty":          {basic("", ""), http.StatusUnauthorized},
		"no base64":      {"Basic ???", http.StatusUnauthorized},
		"another scheme": {"Digest abc", http.StatusUnauthorized},
		"unknown token":  {"Bearer abc", http.StatusUnauthorized},
		"token":          {"Bearer token of guest", http.StatusOK},
		"nobody's token": {"Bearer token of", http.StatusOK},
	} {
		var headers []string
		if c.authorization != "" {
			headers = []string{"Authorization", c.authorization}
		}
		got := h.do(t, http.MethodGet, "/v2/", "", "", headers...)
		if got.status != c.status {
			t.Errorf("%s: %d", name, got.status)
		}
		asked := got.header.Get("WWW-Authenticate") == `Bearer realm="`+h.server.URL+`/service/token",service="harborhook"`
		if asked != (c.status == http.StatusUnauthorized) {
			t.Errorf("%s: challenge is %q", name, got.header.Get("WWW-Authenticate"))
		}
	}
}

func TestEveryRoleGetsAtWhatItMay(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "prj/app:v1")
	h.push(t, "pub/app:v1")
	const (
		missing = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
		ok      = http.StatusOK
		started = http.StatusAccepted
		absent  = http.StatusNotFound
		no      = http.StatusForbidden
		who     = http.StatusUnauthorized
	)
	requests := []struct{ method, path string }{
		{http.MethodGet, "/v2/prj/app/manifests/v1"},
		{http.MethodPost, "/v2/prj/app/blobs/uploads/"},
		{http.MethodDelete, "/v2/prj/app/manifests/" + missing},
		{http.MethodGet, "/v2/pub/app/manifests/v1"},
		{http.MethodPost, "/v2/pub/app/blobs/uploads/"},
		{http.MethodGet, "/v2/theirs/app/manifests/v1"},
		{http.MethodGet, "/v2/none/app/manifests/v1"},
		{http.MethodGet, "/v2/_catalog"},
	}
	for user, statuses := range map[string][]int{
		"sysadmin":  {ok, started, absent, ok, started, absent, absent, ok},
		"admin":     {ok, started, absent, ok, started, no, absent, no},
		"master":    {ok, started, absent, ok, started, no, absent, no},
		"developer": {ok, started, no, ok, started, no, absent, no},
		"guest":     {ok, no, no, ok, no, no, absent, no},
		"stranger":  {no, no, no, ok, no, no, absent, no},
		"":          {who, who, who, ok, who, who, who, who},
	} {
		for i, r := range requests {
			if got := h.do(t, r.method, r.path, user, ""); got.status != statuses[i] {
				t.Errorf("%q %s %s: %d, want %d: %s", user, r.method, r.path, got.status, statuses[i], got.body)
			}
		}
	}
}

func TestWhatIsHiddenLooksAbsentToStrangers(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "prj/app:v1")
	hidden := h.do(t, http.MethodGet, "/v2/prj/app/manifests/v1", "", "")
	absent := h.do(t, http.MethodGet, "/v2/nil/app/manifests/v1", "", "")
	if hidden.status != absent.status || hidden.body != strings.ReplaceAll(absent.body, "nil", "prj") {
		t.Errorf("%d %s\n%d %s", hidden.status, hidden.body, absent.status, absent.body)
	}
	if _, err := remote.Image(h.ref(t, "prj/app:v1"), as("")...); err == nil {
		t.Error("a private project can be pulled from without credentials")
	}
}

func TestEmptyCredentialsPullLikeNone(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "pub/app:v1")
	for authorization, want := range map[string]int{
		"Basic Og==":         http.StatusOK,           // ":"
		"Basic Z3Vlc3Q6":     http.StatusUnauthorized, // "guest:"
		"Basic Z3Vlc3Q6YmFk": http.StatusUnauthorized, // "guest:bad"
	} {
		if got := h.do(t, http.MethodGet, "/v2/pub/app/manifests/v1", "", "", "Authorization", authorization); got.status != want {
			t.Errorf("%s: %d", authorization, got.status)
		}
	}
}

func TestARepositoryWithoutProjectIsRefused(t *testing.T) {
	t.Parallel()
	h := start(t)
	got := h.do(t, http.MethodPost, "/v2/prj/blobs/uploads/", "sysadmin", "")
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "NAME_INVALID") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestAMountNeedsPullAtTheSource(t *testing.T) {
	t.Parallel()
	h := start(t)
	img := h.push(t, "prj/app:v1")
	config, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]int{
		"prj/app": http.StatusCreated, "theirs/app": http.StatusForbidden, "none/app": http.StatusNotFound,
	} {
		path := fmt.Sprintf("/v2/pub/app/blobs/uploads/?mount=%s&from=%s", config, source)
		if got := h.do(t, http.MethodPost, path, "developer", ""); got.status != want {
			t.Errorf("from %s: %d %s", source, got.status, got.body)
		}
	}
}

func TestADeveloperMayGiveUpAnUpload(t *testing.T) {
	t.Parallel()
	h := start(t)
	upload := h.do(t, http.MethodPost, "/v2/prj/app/blobs/uploads/", "developer", "")
	if got := h.do(t, http.MethodDelete, upload.header.Get("Location"), "guest", ""); got.status != http.StatusForbidden {
		t.Errorf("guest: %d", got.status)
	}
	if got := h.do(t, http.MethodDelete, upload.header.Get("Location"), "developer", ""); got.status != http.StatusNoContent {
		t.Errorf("developer: %d %s", got.status, got.body)
	}
}

func TestTheCatalogListsEveryRepository(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "prj/app:v1")
	h.push(t, "pub/app:v1")
	got := h.do(t, http.MethodGet, "/v2/_catalog", "sysadmin", "")
	if want := `{"repositories":["prj/app","pub/app"]}`; strings.TrimSpace(got.body) != want {
		t.Errorf("got %s", got.body)
	}
}

func TestGuessersAreToldToWait(t *testing.T) {
	t.Parallel()
	h := start(t, func(c *Config) {
		c.Auth = people{err: fmt.Errorf("sign in: %w", &auth.BackOffError{RetryAfter: 29*time.Second + 1})}
	})
	got := h.do(t, http.MethodGet, "/v2/", "guest", "")
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "30" || !strings.Contains(got.body, "TOOMANYREQUESTS") {
		t.Errorf("%d, Retry-After %q, %s", got.status, got.header.Get("Retry-After"), got.body)
	}
}

func TestALostDatabaseIsNeitherYesNorNo(t *testing.T) {
	t.Parallel()
	broken := start(t, func(c *Config) { c.Auth = people{err: hook.ErrUnavailable} })
	sound := start(t)
	for name, got := range map[string]answer{
		"users":               broken.do(t, http.MethodGet, "/v2/", "guest", ""),
		"projects":            sound.do(t, http.MethodGet, "/v2/lost/app/manifests/v1", "guest", ""),
		"projects, anonymous": sound.do(t, http.MethodGet, "/v2/lost/app/manifests/v1", "", ""),
	} {
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "UNAVAILABLE") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if strings.Contains(got.body, hook.ErrUnavailable.Error()) {
			t.Errorf("%s: the answer tells internals: %s", name, got.body)
		}
	}
}

func TestCraneWorksWithAndWithoutCredentials(t *testing.T) {
	t.Parallel()
	h := start(t)
	options := crane.WithTransport(h.server.Client().Transport)
	img := h.push(t, "pub/app:v1")
	pulled, err := crane.Pull(h.ref(t, "pub/app:v1").String(), crane.Insecure, options)
	if err != nil {
		t.Fatal(err)
	}
	if digestText(t, pulled) != digestText(t, img) {
		t.Error("another image came back")
	}
	if err := crane.Push(img, h.ref(t, "pub/app:v2").String(), crane.Insecure, options); err == nil {
		t.Error("pushed without credentials")
	}
	if err := remote.Write(h.ref(t, "prj/app:v1"), img, as("guest")...); err == nil || !strings.Contains(err.Error(), "DENIED") {
		t.Errorf("a guest's push: %v", err)
	}
}

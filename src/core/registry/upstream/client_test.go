package upstream_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/opencontainers/go-digest"

	"github.com/harborhook/harborhook/src/core/registry/embedded"
	"github.com/harborhook/harborhook/src/core/registry/upstream"
	"github.com/harborhook/harborhook/src/hook"
)

// answers is a server that keeps what it was asked.
type answers struct {
	*httptest.Server
	mu    sync.Mutex
	asked []*http.Request
}

func serve(t *testing.T, handler http.HandlerFunc) *answers {
	t.Helper()
	a := &answers{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.asked = append(a.asked, r)
		a.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *answers) paths() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var paths []string
	for _, r := range a.asked {
		paths = append(paths, r.Method+" "+r.URL.RequestURI())
	}
	return paths
}

func client(t *testing.T, c upstream.Config) *upstream.Client {
	t.Helper()
	c.UserAgent = "harborhook/test"
	made, err := upstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

const body = `{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:aa"}}`

var dgst = digest.FromString(body).String()

func manifest(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json; charset=utf-8")
	fmt.Fprint(w, body)
}

func TestARealRegistryIsRead(t *testing.T) {
	t.Parallel()
	handler, err := embedded.NewViewer(t.Context(), t.TempDir(), projects{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	want, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	var repositories []string
	for i := range 101 { // more than a page of each list
		repository, tag := fmt.Sprintf("prj/app%03d", i), "v1"
		if i > 1 {
			repository, tag = "prj/app001", fmt.Sprintf("t%03d", i)
		}
		if !slices.Contains(repositories, repository) {
			repositories = append(repositories, repository)
		}
		ref, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/" + repository + ":" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, img, remote.WithContext(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	for how, c := range map[string]*upstream.Client{
		"over the network":   client(t, upstream.Config{URL: server.URL + "/", Username: "u", Password: "p"}),
		"within the process": client(t, upstream.Config{URL: "http://embedded", Username: "u", Password: "p", Handler: handler}),
	} {
		t.Run(how, func(t *testing.T) {
			got, err := c.Repositories(t.Context())
			if diff := cmp.Diff(repositories, got); diff != "" || err != nil {
				t.Errorf("repositories: %v %s", err, diff)
			}
			if tags, err := c.Tags(t.Context(), "prj/app001"); err != nil || len(tags) != 100 {
				t.Errorf("%d tags: %v", len(tags), err)
			}
			if tags, err := c.Tags(t.Context(), "prj/nothing"); err != nil || len(tags) != 0 {
				t.Errorf("tags of nothing: %v %v", tags, err)
			}
			if d, err := c.TagDigest(t.Context(), "prj/app000", "v1"); err != nil || d != want.String() {
				t.Errorf("digest %q: %v", d, err)
			}
			content, err := c.Manifest(t.Context(), "prj/app000", want.String())
			if err != nil {
				t.Fatal(err)
			}
			if references, err := content.References(); err != nil || len(references) != 2 {
				t.Errorf("references %v: %v", references, err)
			}
			if _, err := c.Manifest(t.Context(), "prj/app000", dgst); !errors.Is(err, hook.ErrNotFound) {
				t.Errorf("a manifest that is not there: %v", err)
			}
			if _, err := c.TagDigest(t.Context(), "prj/app000", "v2"); !errors.Is(err, hook.ErrNotFound) {
				t.Errorf("a tag that is not there: %v", err)
			}
		})
	}
}

func TestAListThatIsNotCompleteIsAnError(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]http.HandlerFunc{
		"the second page fails": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"the second page is a 404": func(w http.ResponseWriter, r *http.Request) {
			http.NotFound(w, r)
		},
		"the second page is cut off": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"tags":["b"`) },
		"the pages have no end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `</v2/prj/app/tags/list?last=a&n=100>; rel="next"`)
			fmt.Fprint(w, `{"tags":["a"]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("last") == "a" {
					second(w, r)
					return
				}
				w.Header().Set("Link", `<https://elsewhere.example.com/v2/prj/app/tags/list?last=a&n=100>; rel="next"`)
				fmt.Fprint(w, `{"tags":["a"]}`)
			})
			if got, err := client(t, upstream.Config{URL: s.URL}).Tags(t.Context(), "prj/app"); err == nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestAManifestIsReadByItsDigestOrNotAtAll(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		repository, digest string
		answer             http.HandlerFunc
		want               string // in the error; empty: none
		missing            bool
	}{
		"as it should be":         {"prj/app", dgst, manifest, "", false},
		"another one":             {"prj/app", digest.FromString("x").String(), manifest, "another one came", false},
		"too long":                {"prj/app", dgst, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", 4<<20+1)) }, "more than", false},
		"an error":                {"prj/app", dgst, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "answers 500", false},
		"a 404 of no registry":    {"prj/app", dgst, http.NotFound, "not as a registry does", false},
		"a 404 of the registry":   {"prj/app", dgst, notThere, "not found", true},
		"a redirect elsewhere":    {"prj/app", dgst, redirect("http://127.0.0.1:1/"), "answers 302", false},
		"a repository with query": {"prj/app?x", dgst, manifest, "no name", false},
		"a repository above":      {"prj/../../x", dgst, manifest, "no name", false},
		"a digest that is none":   {"prj/app", "sha256:../..", manifest, "no name", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.answer)
			_, err := client(t, upstream.Config{URL: s.URL}).Manifest(t.Context(), c.repository, c.digest)
			if c.want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if errors.Is(err, hook.ErrNotFound) != c.missing {
				t.Errorf("not found: %v", err)
			}
			for _, r := range s.asked {
				if r.UserAgent() != "harborhook/test" || !strings.Contains(r.Header.Get("Accept"), "image.index") {
					t.Errorf("asked with %v", r.Header)
				}
			}
		})
	}
}

func notThere(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`)
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

// tokens plays a registry with a token service on its own host, or elsewhere.
func tokens(realm func(r *http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case r.URL.Path == "/token" && user == "robot" && password == "secret" && r.URL.Query().Get("service") == "reg":
			fmt.Fprintf(w, `{"token":"for-%s","expires_in":300}`, strings.ReplaceAll(r.URL.Query().Get("scope"), "/", "."))
		case r.URL.Path == "/token":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Header.Get("Authorization") == "Bearer for-repository:prj.app:pull":
			manifest(w, r)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm(r)+`",service="reg",scope="repository:prj/app:pull"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
}

func own(r *http.Request) string { return "http://" + r.Host + "/token" }

func TestATokenIsFetchedOnceAndUsedAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, tokens(own))
	c := client(t, upstream.Config{URL: s.URL, Username: "robot", Password: "secret"})
	for range 2 {
		if _, err := c.Manifest(t.Context(), "prj/app", dgst); err != nil {
			t.Fatal(err)
		}
	}
	path := "GET /v2/prj/app/manifests/" + dgst
	want := []string{path, "GET /token?scope=repository%3Aprj%2Fapp%3Apull&service=reg", path, path}
	if diff := cmp.Diff(want, s.paths()); diff != "" {
		t.Error(diff)
	}
}

func TestCredentialsGoToTheRegistrysOwnHostOnly(t *testing.T) {
	t.Parallel()
	thief := serve(t, tokens(own))
	s := serve(t, tokens(func(*http.Request) string { return strings.Replace(thief.URL, "127.0.0.1", "localhost", 1) + "/token" }))
	_, err := client(t, upstream.Config{URL: s.URL, Username: "robot", Password: "secret"}).Manifest(t.Context(), "prj/app", dgst)
	if err == nil || !strings.Contains(err.Error(), "not the registry's host") || len(thief.paths()) > 0 {
		t.Errorf("error %v, asked elsewhere: %v", err, thief.paths())
	}
	if _, err := client(t, upstream.Config{URL: serve(t, tokens(own)).URL, Username: "robot", Password: "wrong"}).Manifest(t.Context(), "prj/app", dgst); err == nil {
		t.Error("a wrong password is taken")
	}
}

func TestMetadataServicesAreNeverCalled(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://169.254.169.254", "http://[fe80::1]", "http://0.0.0.0:1", "http://[::ffff:169.254.169.254]"} {
		if _, err := client(t, upstream.Config{URL: address}).Repositories(t.Context()); err == nil || !strings.Contains(err.Error(), "never called") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "registry:5000", "ftp://registry", "http://user:secret@registry", "http://%zz"} {
		if _, err := upstream.New(upstream.Config{URL: address}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

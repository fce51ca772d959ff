package portal_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/portal"
)

func get(t *testing.T, method, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	portal.Handler().ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
	return w.Result()
}

func TestWhatIsServed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method, path string
		status       int
		contentType  string
	}{
		"the page":            {"GET", "/", 200, "text/html; charset=utf-8"},
		"its head":            {"HEAD", "/", 200, "text/html; charset=utf-8"},
		"its stylesheet":      {"GET", "/style.css", 200, "text/css; charset=utf-8"},
		"nothing else":        {"GET", "/projects", 404, "text/plain; charset=utf-8"},
		"nothing outside":     {"GET", "/../portal.go", 404, "text/plain; charset=utf-8"},
		"no form":             {"POST", "/", 405, "text/plain; charset=utf-8"},
		"no made-up method":   {"FOO", "/style.css", 405, "text/plain; charset=utf-8"},
		"one name for a page": {"GET", "/index.html", 301, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := get(t, test.method, test.path)
			if r.StatusCode != test.status || r.Header.Get("Content-Type") != test.contentType {
				t.Errorf("%s %s: %d %q", test.method, test.path, r.StatusCode, r.Header.Get("Content-Type"))
			}
			if csp := r.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") {
				t.Errorf("policy %q", csp)
			}
			if r.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Error("the type of the content may be guessed")
			}
		})
	}
}

// The content security policy would block these, and the reader see a broken page.
func TestThePageObeysItsPolicy(t *testing.T) {
	t.Parallel()
	body, err := io.ReadAll(get(t, "GET", "/").Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{`<style`, `<script`, `style=`, `\son\w+=`, `(src|href)="https?:`} {
		if found := regexp.MustCompile(forbidden).Find(body); found != nil {
			t.Errorf("the page has %q", found)
		}
	}
	for _, want := range []string{`lang="en"`, "/api/health"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

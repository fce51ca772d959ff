package apidocs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/docs"
)

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := Handler(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestThePageHasEveryOperationOfTheDocument(t *testing.T) {
	t.Parallel()
	page := get(t, "GET", Path).Body.String()
	if !strings.HasPrefix(strings.TrimSpace(page), "<!doctype html>") {
		t.Errorf("the page begins with %.80q", page)
	}
	ids := regexp.MustCompile(`(?m)^      operationId: (\w+)$`).FindAllStringSubmatch(string(docs.OpenAPI), -1)
	if len(ids) < 80 {
		t.Fatalf("found %d operations in the document", len(ids))
	}
	for _, id := range ids {
		if !strings.Contains(page, `<article id="`+id[1]+`">`) {
			t.Errorf("the page does not show %s", id[1])
		}
	}
	for _, want := range []string{
		`curl -u &#34;admin:$PASSWORD&#34; http://127.0.0.1:8080/api/projects/library/webhook/policies \`,
		`<code>page_size</code> <small>query</small>`, "integer from 1 to 500, default 500", "Authorization: Bearer $TOKEN",
		`<a href="#schema-Policy">list of Policy</a>`, "<strong>Signing in.</strong>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

// The page's policy allows nothing inline and nothing from elsewhere.
func TestThePageNeedsNothingInlineOrFromElsewhere(t *testing.T) {
	t.Parallel()
	w := get(t, "GET", Path)
	page := w.Body.String()
	for _, bad := range []string{"<script", "<style", " style=", "javascript:", " onclick", "<img", "<iframe"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'self';") {
		t.Errorf("policy is %q", policy)
	}
	for _, match := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		place := match[1]
		switch {
		case strings.HasPrefix(place, "#"):
			if !strings.Contains(page, `id="`+place[1:]+`"`) {
				t.Errorf("the link %s leads nowhere", place)
			}
		case place == "/":
		case get(t, "HEAD", place).Code != http.StatusOK:
			t.Errorf("%s is not there", place)
		}
	}
}

func TestNoIDIsThereTwice(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, match := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(get(t, "GET", Path).Body.String(), -1) {
		if slices.Contains(ids, match[1]) {
			t.Errorf("%s is there twice", match[1])
		}
		ids = append(ids, match[1])
	}
}

func TestTheDocumentIsServedAsItIsAndAsJSON(t *testing.T) {
	t.Parallel()
	if w := get(t, "GET", Path+"/openapi.yaml"); w.Body.String() != string(docs.OpenAPI) || w.Header().Get("Content-Type") != "application/yaml" {
		t.Errorf("answered %d bytes of %s", w.Body.Len(), w.Header().Get("Content-Type"))
	}
	var document struct {
		OpenAPI string
		Paths   map[string]any
	}
	w := get(t, "GET", Path+"/openapi.json")
	if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil || document.OpenAPI != "3.0.3" || len(document.Paths) < 60 {
		t.Errorf("%v: %s with %d paths", err, document.OpenAPI, len(document.Paths))
	}
}

func TestOtherPathsAndMethodsAreRefused(t *testing.T) {
	t.Parallel()
	if got := get(t, "GET", Path+"/page.html").Code; got != http.StatusNotFound {
		t.Errorf("another path: %d", got)
	}
	if w := get(t, "POST", Path); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("a POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestADocumentThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"paths: [", "paths: {/x: {get: {parameters: 7}}}", "components: {schemas: {A: {properties: {b: 7}}}}"} {
		if _, err := Handler([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

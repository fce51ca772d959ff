// Package apidocs shows the description of the API as a page that needs neither
// scripts nor anything from elsewhere, and as the document itself.
package apidocs

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"

	"go.yaml.in/yaml/v3"
)

//go:embed page.html style.css
var embedded embed.FS

// Path is where the page is. What belongs to it lies below.
const Path = "/api/docs"

type file struct {
	mediaType string
	content   []byte
}

// Handler serves an OpenAPI document at Path: the page, and below it openapi.yaml,
// openapi.json and style.css. It fails if the document cannot be read.
func Handler(openAPI []byte) (http.Handler, error) {
	page, err := render(openAPI)
	if err != nil {
		return nil, err
	}
	var document any
	if err := yaml.Unmarshal(openAPI, &document); err != nil {
		return nil, fmt.Errorf("read the API's description: %w", err)
	}
	asJSON, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("write the API's description as JSON: %w", err)
	}
	style, err := embedded.ReadFile("style.css")
	if err != nil {
		return nil, fmt.Errorf("read the page's style: %w", err)
	}
	return files{
		Path:                   {"text/html; charset=utf-8", page},
		Path + "/style.css":    {"text/css; charset=utf-8", style},
		Path + "/openapi.yaml": {"application/yaml", openAPI},
		Path + "/openapi.json": {"application/json", asJSON},
	}, nil
}

func render(openAPI []byte) ([]byte, error) {
	d, err := parse(openAPI)
	if err != nil {
		return nil, err
	}
	p, err := newPage(d)
	if err != nil {
		return nil, fmt.Errorf("lay out the API's description: %w", err)
	}
	t, err := template.New("page.html").Funcs(template.FuncMap{"prose": prose, "bullet": bullet}).ParseFS(embedded, "page.html")
	if err != nil {
		return nil, fmt.Errorf("read the page's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return b.Bytes(), nil
}

// files are what is served, by path.
type files map[string]file

// ServeHTTP implements http.Handler for GET and HEAD.
func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	found, ok := f[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h.Set("Content-Type", found.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(found.content)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(found.content) // a caller who hangs up is his own affair
}

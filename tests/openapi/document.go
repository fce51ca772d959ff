package openapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/harborhook/harborhook/docs"
)

// Document is docs/openapi.yaml. It may be used by several goroutines at once.
type Document struct {
	*openapi3.T
	// paths are the templates, those with fewer parameters first: of two that fit a
	// request, the one that names more of it is meant.
	paths []string
}

// Load reads the document and says what is wrong with it, its examples included.
func Load() (*Document, error) {
	t, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI)
	if err != nil {
		return nil, fmt.Errorf("read docs/openapi.yaml: %w", err)
	}
	if err := t.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("docs/openapi.yaml is not valid: %w", err)
	}
	d := &Document{T: t, paths: slices.Sorted(maps.Keys(t.Paths.Map()))}
	slices.SortStableFunc(d.paths, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })
	return d, nil
}

// Operation returns what the document says of a method of a path, and the path's
// template; nil if it does not say anything. HEAD is answered as GET unless the
// document says more of it.
func (d *Document) Operation(method, path string) (*openapi3.Operation, string) {
	segments := strings.Split(path, "/")
	for _, template := range d.paths {
		if !fits(template, segments) {
			continue
		}
		of := d.Paths.Value(template).Operations()
		if o := of[method]; o != nil || method != http.MethodHead {
			return o, template
		}
		return of[http.MethodGet], template
	}
	return nil, ""
}

// fits says whether the segments of a path are those of a template.
func fits(template string, given []string) bool {
	if strings.Count(template, "/") != len(given)-1 {
		return false
	}
	for i, w := range strings.Split(template, "/") {
		if w != given[i] && (!strings.HasPrefix(w, "{") || given[i] == "") {
			return false
		}
	}
	return true
}

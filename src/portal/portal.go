// Package portal serves the pages for people, embedded in the binary.
package portal

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed pages
var embedded embed.FS

// Handler serves the landing page and its stylesheet to GET and HEAD; every other
// path is 404, every other method 405. No page needs more than its own origin.
func Handler() http.Handler {
	pages, err := fs.Sub(embedded, "pages")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	files := http.FileServerFS(pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		files.ServeHTTP(w, r)
	})
}

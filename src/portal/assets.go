package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static templates
var embedded embed.FS

// assets serves the stylesheet, the script and the icon under names that change
// with their content, so that browsers may keep them for ever.
type assets struct {
	hash  string
	files map[string][]byte
}

func newAssets() assets {
	a := assets{files: map[string][]byte{}}
	sum := sha256.New()
	err := fs.WalkDir(embedded, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := embedded.ReadFile(name)
		a.files[path.Base(name)] = text
		sum.Write(text)
		return err
	})
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	a.hash = hex.EncodeToString(sum.Sum(nil))[:12]
	return a
}

// path returns the address of a file.
func (a assets) path(name string) string { return "/static/" + a.hash + "/" + name }

func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	text, ok := a.files[name]
	if !ok || r.URL.Path != a.path(name) {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	if strings.HasSuffix(name, ".js") {
		h.Set("Content-Type", "text/javascript; charset=utf-8")
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}

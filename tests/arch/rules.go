// Package arch holds the rules about which package may import or use what, and
// checks the sources against them.
package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the path that every import of ours begins with.
const module = "github.com/harborhook/harborhook/"

// layers says what a part of the sources may import of the project. Parts are
// folders; the longest that fits a file counts.
var layers = map[string][]string{
	"src/hook":       {},
	"src/config":     {},
	"src/core":       {"src/hook", "src/core"},
	"src/jobservice": {"src/hook", "src/jobservice"},
	"src/store":      {"src/hook", "src/store", "make/migrations"},
	"src/tracing":    {"src/hook"},
	"src/portal":     {"src/hook", "src/portal", "src/core/auth", "src/core/event"},
	"src/app":        {"src/hook", "src/core", "src/jobservice", "src/store", "src/portal", "src/tracing", "src/config", "docs"},
	"src/embed":      {"src/hook", "src/app", "src/config", "src/tracing"},
	"src/client":     {},
	"src/cmd":        {"src/app", "src/config", "src/client"},
}

// places says where a third-party module may be imported. A module that is not
// named here may be imported nowhere; docs/dependencies.md says what each is for.
var places = map[string][]string{
	"github.com/alicebob/miniredis":          {"src/jobservice/queue"},
	"github.com/astaxie/beego":               {"src/core/api"},
	"github.com/astaxie/beego/orm":           {"src/store"},
	"github.com/chromedp/cdproto":            {"tests/portal"},
	"github.com/chromedp/chromedp":           {"tests/portal"},
	"github.com/cloudevents/sdk-go":          {"src/core/payload"},
	"github.com/docker/distribution":         {"src/core/registry"},
	"github.com/go-logr/logr":                {"src/tracing"},
	"github.com/gocraft/work":                {"src/jobservice/queue"},
	"github.com/golang-migrate/migrate":      {"src/store"},
	"github.com/gomodule/redigo":             {"src/jobservice/queue"},
	"github.com/google/go-cmp":               {"src/store/storetest"},
	"github.com/google/go-containerregistry": {"src/cmd/demo"},
	"github.com/google/uuid":                 {"src/core", "src/store", "src/jobservice"},
	"github.com/lib/pq":                      {"src/store/postgres"},
	"github.com/opencontainers/go-digest":    {"src/core/registry"},
	"github.com/opencontainers/image-spec":   {"src/core/registry"},
	"github.com/prometheus/client_golang":    {"src/app"},
	"github.com/santhosh-tekuri/jsonschema":  {"src/core/event"},
	"github.com/sirupsen/logrus":             {"src/core/registry/embedded"},
	"github.com/spf13/cobra":                 {"src/cmd/harborhook"},
	"go.opentelemetry.io/otel":               {"src/tracing", "src/embed"},
	"go.yaml.in/yaml":                        {"src/config", "src/portal/apidocs"},
	"golang.org/x/crypto":                    {"src/core/auth"},
	"golang.org/x/net":                       {"src/jobservice/delivery"},
	"golang.org/x/sync":                      {"src/app", "src/jobservice"},
	"golang.org/x/sys":                       {"tests/harness"},
	"golang.org/x/term":                      {"src/cmd/harborhook"},
	"golang.org/x/text":                      {"src/core/event"},
	"modernc.org/sqlite":                     {"src/store/sqlite"},
}

// clients are where HTTP clients may be made. Users' addresses are called by
// jobservice/delivery only, behind its guard; the other ones call what the operator
// has configured.
var clients = []string{"src/jobservice/delivery", "src/jobservice/client", "src/core/registry/upstream", "src/client", "src/cmd/demo", "src/cmd/harborhook"}

// dialers are where connections may be opened to anywhere.
var dialers = append([]string{"src/store/postgres"}, clients...)

// environment is where the process's environment may be read.
var environment = []string{"src/cmd"}

// initializers are where init functions may stand: the ORM and its drivers have
// registries that are filled no other way.
var initializers = []string{"src/store"}

// Check returns what in the sources breaks a rule, as "file:line: what". Tests
// may use more than what they test.
func Check(sources fs.FS) ([]string, error) {
	var found []string
	err := fs.WalkDir(sources, "src", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(sources, name)
		if err != nil {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		c := checker{folder: path.Dir(name), files: files, names: map[string]string{}}
		c.file(file)
		found = append(found, c.found...)
		return nil
	})
	return found, err
}

// checker checks one file.
type checker struct {
	folder string
	files  *token.FileSet
	found  []string
	// names are the paths of the file's imports, by the names they have in it.
	names map[string]string
}

func (c *checker) broken(at ast.Node, format string, args ...any) {
	position := c.files.Position(at.Pos())
	c.found = append(c.found, fmt.Sprintf("%s:%d: ", position.Filename, position.Line)+fmt.Sprintf(format, args...))
}

func (c *checker) file(file *ast.File) {
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			c.broken(spec, "import of %s", spec.Path.Value)
			continue
		}
		c.imported(spec, name)
		local := path.Base(name)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		c.names[local] = name
		if local == "." && (name == "net/http" || name == "net" || name == "os") {
			c.broken(spec, "an import of %s without its name hides what is used of it", name)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		c.node(n)
		return true
	})
}

func (c *checker) imported(at ast.Node, name string) {
	if ours, ok := strings.CutPrefix(name, module); ok {
		layer, ok := longest(layers, c.folder)
		if !ok {
			c.broken(at, "%s is no part of the layout", c.folder)
		} else if !anyWithin(layers[layer], ours) {
			c.broken(at, "%s may not import %s", layer, ours)
		}
		return
	}
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
		return // the standard library
	}
	dependency, ok := longest(places, withoutMajor(name))
	switch {
	case !ok:
		c.broken(at, "%s is not a dependency of the project; docs/dependencies.md says which are", name)
	case !anyWithin(places[dependency], c.folder):
		c.broken(at, "%s may be imported in %s only", dependency, strings.Join(places[dependency], ", "))
	}
}

func (c *checker) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Recv == nil && n.Name.Name == "init" && !anyWithin(initializers, c.folder) {
			c.broken(n, "init functions hide what happens at start; pass values instead")
		}
	case *ast.SelectorExpr:
		of, ok := n.X.(*ast.Ident)
		if !ok {
			return
		}
		c.used(n, c.names[of.Name]+"."+n.Sel.Name)
	}
}

// used checks what a file uses of an import, whatever name that has in it.
func (c *checker) used(at ast.Node, used string) {
	switch used {
	case "net/http.Get", "net/http.Post", "net/http.PostForm", "net/http.Head", "net/http.DefaultClient", "net/http.DefaultTransport":
		c.broken(at, "%s reaches addresses without the guard", strings.TrimPrefix(used, "net/"))
	case "net/http.Client", "net/http.Transport", "net/http/httputil.ReverseProxy", "net/http/httputil.NewSingleHostReverseProxy":
		if !anyWithin(clients, c.folder) {
			c.broken(at, "an HTTP client may be made in %s only", strings.Join(clients, ", "))
		}
	case "net.Dial", "net.DialTimeout", "net.DialTCP", "net.DialIP", "net.DialUDP", "net.Dialer", "crypto/tls.Dial", "crypto/tls.DialWithDialer", "crypto/tls.Dialer":
		if !anyWithin(dialers, c.folder) {
			c.broken(at, "%s: connections may be opened in %s only", used, strings.Join(dialers, ", "))
		}
	case "os.Getenv", "os.LookupEnv", "os.Environ":
		if !anyWithin(environment, c.folder) {
			c.broken(at, "%s: only commands read the environment", used)
		}
	}
}

// longest returns the longest key that name lies within.
func longest(rules map[string][]string, name string) (string, bool) {
	best := ""
	for key := range rules {
		if within(key, name) && len(key) > len(best) {
			best = key
		}
	}
	return best, best != ""
}

func anyWithin(folders []string, name string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return within(folder, name) })
}

func within(folder, name string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}

// withoutMajor drops a major version such as /v4 from an import path.
func withoutMajor(name string) string {
	parts := strings.Split(name, "/")
	kept := parts[:0]
	for _, p := range parts {
		if len(p) > 1 && p[0] == 'v' && strings.Trim(p[1:], "0123456789") == "" {
			continue
		}
		kept = append(kept, p)
	}
	return strings.Join(kept, "/")
}

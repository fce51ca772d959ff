package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/harborhook/harborhook/tests/harness"
)

// suite runs what cases share.
var suite harness.Suite

func TestMain(m *testing.M) { os.Exit(suite.Run(m)) }

// root is the top of the repository.
const root = "../../"

// text returns a file of the repository.
func text(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(root + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// object is a YAML mapping.
type object = map[string]any

// documents reads a YAML file. A key that stands twice is an error.
func documents(t *testing.T, name string) []object {
	t.Helper()
	var all []object
	decoder := yaml.NewDecoder(strings.NewReader(text(t, name)))
	for {
		var one object
		err := decoder.Decode(&one)
		if err != nil && err.Error() == "EOF" {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, one)
	}
}

func unmarshal(t *testing.T, from string, to *object) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(from), to); err != nil {
		t.Fatal(err)
	}
}

// at follows keys and indexes into an object; what is not there is nil.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			o, _ := v.(object)
			v = o[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

// release is what make dist writes, made once.
type release struct {
	once   sync.Once
	folder string // holds a .deb and a .tar.gz
	root   string // the package's files
	failed string
}

var built release

// install returns the folder of the release and the root of its unpacked Debian
// package.
func install(t *testing.T) *release {
	t.Helper()
	harness.Require(t, "make", "dpkg-deb")
	built.once.Do(built.make)
	if built.failed != "" {
		t.Fatal(built.failed)
	}
	return &built
}

func (r *release) make() {
	dir, err := os.MkdirTemp("", "harborhook-dist-")
	if err != nil {
		r.failed = err.Error()
		return
	}
	suite.Cleanup(func() { os.RemoveAll(dir) })
	r.folder, r.root = filepath.Join(dir, "dist"), filepath.Join(dir, "root")
	r.run("make", "-C", root, "--no-print-directory", "dist", "DIST="+r.folder)
	if r.failed != "" {
		return
	}
	r.run("dpkg-deb", "-x", r.file(".deb"), r.root)
	r.run("tar", "-xzf", r.file(".tar.gz"), "-C", dir, "--one-top-level=archive", "--strip-components=1")
}

func (r *release) run(name string, args ...string) {
	if r.failed != "" {
		return
	}
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		r.failed = name + " " + strings.Join(args, " ") + ": " + err.Error() + "\n" + string(out)
	}
}

// file returns the release's one file whose name ends so.
func (r *release) file(suffix string) string {
	found, err := filepath.Glob(filepath.Join(r.folder, "*"+suffix))
	if err != nil || len(found) != 1 {
		r.failed = strings.TrimSpace(r.failed + "\nthe release has not one file *" + suffix)
		return ""
	}
	return found[0]
}

func (r *release) binary() string { return filepath.Join(r.root, "usr/bin/harborhook") }

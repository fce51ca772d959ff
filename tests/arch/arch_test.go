package arch

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheSourcesKeepTheRules(t *testing.T) {
	t.Parallel()
	found, err := Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

func TestBrokenRulesAreFound(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, file, source string
		want               string // empty: nothing is broken
	}{
		{"core imports core", "src/core/api/a.go", `import "` + module + `src/core/auth"`, ""},
		{"core imports the store", "src/core/api/a.go", `import "` + module + `src/store"`, "src/core may not import src/store"},
		{"core imports config", "src/core/auth/a.go", `import "` + module + `src/config"`, "src/core may not import src/config"},
		{"core imports jobservice", "src/core/webhook/a.go", `import "` + module + `src/jobservice/client"`, "may not import"},
		{"jobservice imports core", "src/jobservice/a.go", `import "` + module + `src/core/event"`, "may not import"},
		{"the store imports core", "src/store/a.go", `import "` + module + `src/core/event"`, "may not import"},
		{"the nouns import anything", "src/hook/a.go", `import "` + module + `src/config"`, "may not import"},
		{"a name that only begins alike", "src/core/a.go", `import "` + module + `src/hooks"`, "may not import src/hooks"},
		{"a folder beside the layout", "src/util/a.go", `import "` + module + `src/hook"`, "no part of the layout"},
		{"the router where it belongs", "src/core/api/a.go", `import "github.com/astaxie/beego"`, ""},
		{"the router elsewhere", "src/app/a.go", `import "github.com/astaxie/beego/context"`, "src/core/api only"},
		{"the ORM in the API", "src/core/api/a.go", `import "github.com/astaxie/beego/orm"`, "src/store only"},
		{"a major version", "src/store/sqlite/a.go", `import "github.com/golang-migrate/migrate/v4/source/iofs"`, ""},
		{"redis in the store", "src/store/a.go", `import "github.com/gomodule/redigo/redis"`, "src/jobservice/queue only"},
		{"an unknown dependency", "src/core/a.go", `import "github.com/someone/thing"`, "not a dependency"},
		{"the nouns import a third party", "src/hook/a.go", `import "github.com/google/uuid"`, "only"},
		{"an init function", "src/core/a.go", `func init() {}`, "init functions"},
		{"an init function of the ORM", "src/store/a.go", `func init() {}`, ""},
		{"a method named init", "src/core/a.go", "type t int\nfunc (t) init() {}", ""},
		{"a client beside the guard", "src/core/a.go", "import \"net/http\"\nvar c = &http.Client{}", "an HTTP client"},
		{"a transport beside the guard", "src/app/a.go", "import \"net/http\"\nvar c = http.Transport{}", "an HTTP client"},
		{"the client of the configured registry", "src/core/registry/upstream/a.go", "import \"net/http\"\nvar c = http.Client{}", ""},
		{"a client beside the one of the registry", "src/core/registry/a.go", "import \"net/http\"\nvar c = http.Client{}", "an HTTP client"},
		{"the guarded client", "src/jobservice/delivery/a.go", "import \"net/http\"\nvar c = http.Client{}", ""},
		{"the default client", "src/jobservice/delivery/a.go", "import \"net/http\"\nvar c = http.DefaultClient", "without the guard"},
		{"a client by its zero value", "src/core/a.go", "import \"net/http\"\nvar c http.Client", "an HTTP client"},
		{"a new client", "src/core/a.go", "import \"net/http\"\nvar c = new(http.Client)", "an HTTP client"},
		{"a client under another name", "src/core/a.go", "import web \"net/http\"\nvar c = &web.Client{}", "an HTTP client"},
		{"http.Get under another name", "src/core/a.go", "import web \"net/http\"\nvar c = web.Get", "without the guard"},
		{"net/http without its name", "src/core/a.go", "import . \"net/http\"\nvar c = Get", "hides"},
		{"a proxy", "src/portal/a.go", "import \"net/http/httputil\"\nvar c httputil.ReverseProxy", "an HTTP client"},
		{"a connection", "src/core/a.go", "import \"net\"\nvar c = net.Dial", "connections"},
		{"a TLS connection", "src/app/a.go", "import \"crypto/tls\"\nvar c = tls.Dial", "connections"},
		{"the dialer of the guard", "src/jobservice/delivery/a.go", "import \"net\"\nvar c net.Dialer", ""},
		{"http.Get", "src/core/a.go", "import \"net/http\"\nvar c = http.Get", "without the guard"},
		{"the environment", "src/config/a.go", "import \"os\"\nvar c = os.Getenv(\"X\")", "environment"},
		{"the environment in a command", "src/cmd/x/a.go", "import \"os\"\nvar c = os.Environ()", ""},
		{"a test", "src/core/a_test.go", `import "` + module + `src/store"`, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found, err := Check(fstest.MapFS{c.file: {Data: []byte("package p\n" + c.source + "\n")}})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(found, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
			if c.want != "" && !strings.HasPrefix(got, c.file+":") {
				t.Errorf("%q does not begin with the place", got)
			}
		})
	}
}

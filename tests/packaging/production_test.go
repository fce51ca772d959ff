package packaging

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// TestProductionByHand runs the commands of docs/production.md, with the package
// that make dist builds, a PostgreSQL, a Redis and a registry of the test's own, and
// then pushes an image. What belongs to the machine is replaced: folders and ports,
// and the commands that install packages, change users and start services.
func TestProductionByHand(t *testing.T) {
	t.Parallel()
	harness.Require(t, "initdb", "postgres", "psql", "createdb", "redis-server", "redis-cli", "docker-registry", "openssl", "curl", "bash")
	built := install(t)
	m := newMachine(t)

	var script strings.Builder
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text(t, "docs/production.md"), -1)
	if len(blocks) < 8 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	for _, b := range blocks {
		script.WriteString(b[1])
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", m.here.Replace(script.String()))
	cmd.Dir = built.folder
	cmd.Env = append(os.Environ(), "PATH="+m.stubs+":"+filepath.Join(m.root, "usr/bin")+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for file, want := range map[string]os.FileMode{"core.env": 0o600, "jobservice.env": 0o600} {
		info, err := os.Stat(filepath.Join(m.root, "etc/harborhook", file))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	(&harness.System{Registry: m.registry}).Push(t, "library/app:v1", harness.Image(t, harness.Formats()[0], "amd64"))
	got := m.receiver.Wait(t, 1, 30*time.Second)
	if body := string(got[0].Body); !strings.Contains(body, `"full_name":"library/app"`) {
		t.Errorf("the webhook is %s", body)
	}
}

// machine stands for the empty Debian machine of the page.
type machine struct {
	t        *testing.T
	root     string
	stubs    string
	registry string
	ports    map[string]string // of the page: address here
	receiver *harness.Receiver
	// here replaces what is the machine's own.
	here *strings.Replacer
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	postgres, redis := harness.NewPostgres(t), harness.NewRedis(t)
	m := &machine{t: t, root: t.TempDir(), stubs: t.TempDir(), registry: harness.FreeAddr(t), receiver: harness.NewReceiver(t)}
	m.ports = map[string]string{"harborhook-core": harness.FreeAddr(t), "harborhook-jobservice": harness.FreeAddr(t), "docker-registry": m.registry}
	m.here = strings.NewReplacer(
		" /etc/", " "+m.root+"/etc/", "=/etc/", "="+m.root+"/etc/", "/usr/share/doc/", m.root+"/usr/share/doc/",
		"/var/lib/docker-registry", m.root+"/images",
		"127.0.0.1:5432", postgres.Addr(), "127.0.0.1:6379", redis.Addr, "127.0.0.1:5000", m.registry,
		"127.0.0.1:8080", m.ports["harborhook-core"], "127.0.0.1:8888", m.ports["harborhook-jobservice"],
		"http://192.168.0.10:9000", m.receiver.URL, "NETWORKS=private", "NETWORKS=loopback",
	)
	if err := os.MkdirAll(filepath.Join(m.root, "etc/docker/registry"), 0o755); err != nil {
		t.Fatal(err)
	}
	systemd := httptest.NewServer(http.HandlerFunc(m.systemctl))
	t.Cleanup(systemd.Close)
	host, port, err := net.SplitHostPort(postgres.Addr())
	if err != nil {
		t.Fatal(err)
	}
	m.stub("apt-get", `exit 0`)
	m.stub("chown", `exit 0`)
	m.stub("dpkg", fmt.Sprintf(`[ "$1" = -i ] && exec dpkg-deb -x "$2" %q`, m.root))
	m.stub("runuser", fmt.Sprintf(`[ "$1 $2 $3" = "-u postgres --" ] && shift 3 && PGHOST=%s PGPORT=%s PGUSER=postgres exec "$@"`, host, port))
	redisCLI, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Fatal(err)
	}
	_, redisPort, _ := net.SplitHostPort(redis.Addr)
	m.stub("redis-cli", fmt.Sprintf(`exec %s -p %s "$@"`, redisCLI, redisPort))
	m.stub("systemctl", fmt.Sprintf(`exec curl -fsS --data-raw "$*" %s`, systemd.URL))
	m.stub("systemd-run", `for a; do shift; case $a in EnvironmentFile=*) set -a; . "${a#*=}"; set +a ;; -*) ;; *) exec "$a" "$@" ;; esac; done`)
	return m
}

// stub puts a command before those of this machine.
func (m *machine) stub(name, script string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.stubs, name), []byte("#!/bin/bash\n"+script+"\n"), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// systemctl starts services as their units say.
func (m *machine) systemctl(w http.ResponseWriter, r *http.Request) {
	line, err := io.ReadAll(r.Body)
	if err != nil {
		return // curl has gone
	}
	words := strings.Fields(string(line))
	switch {
	case string(line) == "restart docker-registry":
		m.startRegistry()
	case len(words) > 2 && words[0] == "enable" && words[1] == "--now":
		for _, unit := range words[2:] {
			m.start(unit)
		}
	default:
		http.Error(w, "there is no systemctl "+string(line), http.StatusBadRequest)
	}
}

func (m *machine) startRegistry() {
	config := filepath.Join(m.root, "etc/docker/registry/config.yml")
	given, err := os.ReadFile(config)
	if err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(m.here.Replace(string(given))), 0o600); err != nil {
		m.t.Fatal(err)
	}
	harness.Run(m.t, harness.Program{
		Name: "docker-registry", Path: "docker-registry", Args: []string{"serve", config},
		ReadyURL: "http://" + m.registry + "/v2/", Careless: true,
	})
}

func (m *machine) start(unit string) {
	file, err := os.ReadFile(filepath.Join(m.root, "usr/lib/systemd/system", unit+".service"))
	if err != nil {
		m.t.Fatal(err)
	}
	p := harness.Program{Name: unit, ReadyURL: "http://" + m.ports[unit] + "/readyz"}
	for _, line := range strings.Split(string(file), "\n") {
		key, value, _ := strings.Cut(line, "=")
		switch key {
		case "ExecStart":
			words := strings.Fields(value)
			p.Path, p.Args = filepath.Join(m.root, words[0]), words[1:]
		case "Environment":
			p.Env = append(p.Env, value)
		case "EnvironmentFile":
			settings, err := os.ReadFile(filepath.Join(m.root, strings.TrimPrefix(value, "-")))
			if err != nil {
				m.t.Fatal(err)
			}
			p.Env = append(p.Env, strings.Fields(string(settings))...)
		}
	}
	harness.Run(m.t, p)
}

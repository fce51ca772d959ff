package docs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// around begins every script: what a person leaves running in a terminal of its own
// runs in the background, and what a person waits for is waited for.
const around = `set -euo pipefail
trap "trap '' TERM; kill 0; wait" EXIT
answers() { command curl -s -o /dev/null --retry 600 --retry-delay 1 --retry-connrefused "$1"; }
make() {
	case $1 in
	run) command make "$@" DATA_DIR="$DATA" > "$LOGS/run" 2>&1 & answers "http://$HARBORHOOK_CORE_ADDR/readyz" ;;
	*) command make "$@" DATA_DIR="$DATA" ;;
	esac
}
go() { command go "$@" > "$LOGS/receiver" & answers "http://$ADDR/"; }
curl() {
	case $* in
	*status=finished*) until out=$(command curl "$@") && [ "$out" != '[]' ]; do sleep 0.2; done; echo "$out" ;;
	*) command curl "$@" ;;
	esac
}
`

// TestTheCommandsOfThePagesWork types the commands of each page in the order in
// which they stand, with ports and a data folder of its own.
func TestTheCommandsOfThePagesWork(t *testing.T) {
	t.Parallel()
	harness.Require(t, "bash", "curl", "make", "sha256sum")
	for _, page := range []struct {
		file   string
		blocks int
		prints []string
		// after is typed at the end.
		after string
	}{
		{"README.md", 1, []string{"pushImage"}, ""},
		{"docs/getting-started.md", 6, []string{"pushed library/hello:v1.0\npushed library/hello:v1.0\n", "X-Hub-Signature-256"}, `
until [ "$(grep -c pushed "$LOGS/receiver")" = 2 ]; do sleep 0.2; done
cat "$LOGS/receiver"`},
	} {
		t.Run(page.file, func(t *testing.T) {
			t.Parallel()
			script := commands(t, read(t, filepath.Join("../..", page.file)), page.blocks)
			if !strings.Contains(script, "make demo") { // who comes from the README has seen it
				script = strings.Replace(script, "make run\n", "make run\nmake demo\n", 1)
			}
			out := typed(t, script+page.after)
			for _, want := range page.prints {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
		})
	}
}

// commands returns the commands of a page, which has so many blocks of them.
func commands(t *testing.T, page string, blocks int) string {
	t.Helper()
	var script strings.Builder
	found := regexp.MustCompile("(?s)```(?:sh|console)\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(found) != blocks {
		t.Fatalf("the page has %d blocks of commands, want %d", len(found), blocks)
	}
	for _, b := range found {
		script.WriteString(b[1])
	}
	return script.String()
}

// typed runs a script in the folder of the sources and returns what it prints.
func typed(t *testing.T, script string) string {
	t.Helper()
	core, jobService, registry, receiver := harness.FreeAddr(t), harness.FreeAddr(t), harness.FreeAddr(t), harness.FreeAddr(t)
	data, logs := t.TempDir(), t.TempDir()
	here := strings.NewReplacer(
		"127.0.0.1:8080", core, "127.0.0.1:5000", registry, "127.0.0.1:9000", receiver,
		"cat data/", "cat "+data+"/", "ADDR="+"127.0.0.1:9000 SECRET=", "export ADDR="+receiver+" SECRET=", " go run", "; go run",
	)
	cmd := exec.CommandContext(t.Context(), "bash", "-c", around+here.Replace(script))
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "DATA="+data, "LOGS="+logs,
		"HARBORHOOK_CORE_ADDR="+core, "HARBORHOOK_JOBSERVICE_ADDR="+jobService, "HARBORHOOK_REGISTRY_ADDR="+registry)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(logs, "run")) // it says more, if it is there
		t.Fatalf("%v\n%s\n%s", err, out.String(), log)
	}
	return out.String()
}

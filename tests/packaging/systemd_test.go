package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// mostExposed is the exposure that a unit may have by systemd's own count, which goes
// from 0, confined, to 10: up to 2.5 a service can do next to nothing but its work.
const mostExposed = 2.5

// TestSystemdReadsTheUnits and finds no fault, with the program where it was unpacked.
func TestSystemdReadsTheUnits(t *testing.T) {
	t.Parallel()
	harness.Require(t, "systemd-analyze")
	dir := t.TempDir()
	args := []string{"verify", "--man=no"}
	for _, unit := range units(t) {
		file, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		here := filepath.Join(dir, filepath.Base(unit))
		moved := strings.ReplaceAll(string(file), "=/usr/bin/harborhook", "="+install(t).binary())
		if err := os.WriteFile(here, []byte(moved), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, here)
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
	for line := range strings.Lines(string(out)) { // it also tells of units of others
		if strings.Contains(line, "harborhook") {
			t.Errorf("systemd-analyze: %v: %s", err, line)
		}
	}
}

func TestTheUnitsAreConfined(t *testing.T) {
	t.Parallel()
	harness.Require(t, "systemd-analyze")
	exposure := regexp.MustCompile(`Overall exposure level for \S+: ([\d.]+) `)
	for _, unit := range units(t) {
		out := do(t, "systemd-analyze", "security", "--offline=true", "--no-pager", unit)
		found := exposure.FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("%s: systemd-analyze says\n%s", unit, out)
		}
		level, err := strconv.ParseFloat(found[1], 64)
		if err != nil || level > mostExposed {
			t.Errorf("%s is exposed by %s, at most %.1f is wanted: %v\n%s", unit, found[1], mostExposed, err, out)
		}
	}
}

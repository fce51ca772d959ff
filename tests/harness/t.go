package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// T is what servers need of a test. A *Suite is one, too, for servers that
// outlive a single test.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Cleanup(f func())
}

// The limits of every wait. They are generous: they are reached only when
// something is wrong.
const (
	startLimit = 60 * time.Second
	stopLimit  = 20 * time.Second
	// pollEvery is how often a state is looked at that nobody reports.
	pollEvery = 20 * time.Millisecond
)

// Eventually waits until done returns true, and fails the test if that takes
// longer than limit. What is waited for is named in the failure.
func Eventually(t T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			t.Fatalf("after %s, still waiting for %s", limit, what)
		}
	}
}

// Require skips the test if one of the programs is missing, or fails it where
// nothing may be skipped: if CI or HARBORHOOK_REQUIRE_SERVICES is set.
func Require(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if findProgram(program) != "" {
			continue
		}
		const message = "%s is not installed; make test installs it"
		if os.Getenv("CI") != "" || os.Getenv("HARBORHOOK_REQUIRE_SERVICES") != "" {
			t.Fatalf(message, program)
		}
		t.Skipf(message, program)
	}
}

// findProgram returns the path of a program, or nothing. Debian keeps those of
// PostgreSQL out of PATH.
func findProgram(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	paths, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(paths) == 0 {
		return ""
	}
	return paths[len(paths)-1]
}

// folder makes a temporary folder that other users may pass through, since
// PostgreSQL does not run as root.
func folder(t T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "harborhook-test-")
	if err != nil {
		t.Fatalf("make a folder: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove a folder: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatalf("open a folder: %v", err)
	}
	return dir
}

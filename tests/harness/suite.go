package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// Suite holds what the tests of one package share: the program, built once, a
// PostgreSQL, a Redis, and one running system of each shape. Each is made when
// it is first asked for. The zero Suite is ready; its Run belongs in TestMain.
type Suite struct {
	mu       sync.Mutex
	cleanups []func()
	failed   bool

	binary, shipped        shared[string]
	postgres               shared[*Postgres]
	redis                  shared[*Redis]
	standalone, production shared[*System]
}

// shared is made once. If that fails, whoever asks later fails as well.
type shared[V any] struct {
	once  sync.Once
	value V
	made  bool
}

func (s *shared[V]) get(t testing.TB, what string, create func() V) V {
	t.Helper()
	s.once.Do(func() {
		s.value = create()
		s.made = true
	})
	if !s.made {
		t.Fatalf("the shared %s did not start", what)
	}
	return s.value
}

// Run runs the tests and stops what they shared. It returns the exit code.
func (s *Suite) Run(m *testing.M) int {
	code := m.Run()
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
	if s.Failed() && code == 0 {
		return 1
	}
	return code
}

// Binary returns the program's path: the one that TEST_BINARY names, or
// else one that is built with the race detector.
func (s *Suite) Binary(t testing.TB) string {
	t.Helper()
	return s.binary.get(t, "program", func() string { return s.build(t, "harborhook", "1", "-race") })
}

// Shipped returns the path of the program as users have it: the one that TEST_BINARY
// names, or else one that is built as releases are, without the race detector, which
// takes several times the memory.
func (s *Suite) Shipped(t testing.TB) string {
	t.Helper()
	return s.shipped.get(t, "shipped program", func() string { return s.build(t, "harborhook-shipped", "0", "-trimpath") })
}

func (s *Suite) build(t testing.TB, name, cgo, flag string) string {
	t.Helper()
	if given := os.Getenv("TEST_BINARY"); given != "" {
		path, err := filepath.Abs(given)
		if err != nil {
			t.Fatalf("TEST_BINARY: %v", err)
		}
		return path
	}
	path := filepath.Join(folder(s), name)
	build := exec.CommandContext(t.Context(), "go", "build", flag, "-o", path, "./src/cmd/harborhook")
	build.Dir, build.Env = root(), append(os.Environ(), "CGO_ENABLED="+cgo)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return path
}

// root is the folder of the repository.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Postgres returns the shared server: the one that TEST_POSTGRES_URL names, or
// one that is started.
func (s *Suite) Postgres(t testing.TB) *Postgres {
	t.Helper()
	given := os.Getenv("TEST_POSTGRES_URL")
	if given == "" {
		Require(t, "initdb", "postgres")
	}
	return s.postgres.get(t, "PostgreSQL", func() *Postgres {
		if given != "" {
			return &Postgres{t: s, url: given}
		}
		return NewPostgres(s)
	})
}

// Redis returns the shared server: the one that TEST_REDIS_ADDR names, or one
// that is started.
func (s *Suite) Redis(t testing.TB) *Redis {
	t.Helper()
	given := os.Getenv("TEST_REDIS_ADDR")
	if given == "" {
		Require(t, "redis-server")
	}
	return s.redis.get(t, "Redis", func() *Redis {
		if given != "" {
			return &Redis{t: s, Addr: given}
		}
		return NewRedis(s)
	})
}

// Helper implements T.
func (*Suite) Helper() {}

// Cleanup implements T: f is called when all tests are done.
func (s *Suite) Cleanup(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, f)
}

// Failed implements T.
func (s *Suite) Failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Logf implements T.
func (*Suite) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Errorf implements T: the tests as a whole fail.
func (s *Suite) Errorf(format string, args ...any) {
	s.mu.Lock()
	s.failed = true
	s.mu.Unlock()
	s.Logf(format, args...)
}

// Fatalf implements T. It ends the test that asked for what cannot be had.
func (s *Suite) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}

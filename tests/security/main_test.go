package security

import (
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

var suite harness.Suite

func TestMain(m *testing.M) { os.Exit(suite.Run(m)) }

// soon is the longest that something may take which happens at once.
const soon = 30 * time.Second

// The networks of the systems: receivers lie in 127.0.0.1, what must not be
// reached in 127.0.0.9, which the operator has closed.
var networks = harness.Settings{
	"ALLOWED_NETWORKS": "127.0.0.0/8", "DENIED_NETWORKS": "127.0.0.9", "RETRY_BACKOFF": "100ms", "CIRCUIT_PROBE": "500ms",
}

// targets are the two systems that all tests share.
var targets struct {
	standalone, production sync.Once
	systems                sync.Map
}

func shared(t *testing.T, shape string) *harness.System {
	t.Helper()
	once, start := &targets.standalone, func() *harness.System { return suite.StartStandalone(t, networks) }
	if shape == harness.Production {
		once, start = &targets.production, func() *harness.System { return suite.StartProduction(t, networks) }
	}
	once.Do(func() { targets.systems.Store(shape, start()) })
	s, ok := targets.systems.Load(shape)
	if !ok {
		t.Fatalf("the %s system did not start", shape)
	}
	return s.(*harness.System)
}

// eachShape runs a case on the shared system of each shape.
func eachShape(t *testing.T, test func(t *testing.T, s *harness.System)) {
	t.Helper()
	t.Parallel()
	for _, shape := range []string{harness.Standalone, harness.Production} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			test(t, shared(t, shape))
		})
	}
}

// eachOwn runs a case on a system of its own of each shape.
func eachOwn(t *testing.T, settings harness.Settings, test func(t *testing.T, s *harness.System)) {
	t.Helper()
	t.Parallel()
	t.Run(harness.Standalone, func(t *testing.T) {
		t.Parallel()
		test(t, suite.NewStandalone(t, settings))
	})
	t.Run(harness.Production, func(t *testing.T) {
		t.Parallel()
		test(t, suite.NewProduction(t, suite.Postgres(t).NewDatabase(t), suite.Redis(t), settings))
	})
}

var projects atomic.Int64

func newProject(t *testing.T, s *harness.System) string {
	t.Helper()
	name := fmt.Sprintf("sec%d", projects.Add(1))
	s.Admin.CreateProject(t, name, false)
	return name
}

// trap is a listener that nobody may connect to.
func trap(t *testing.T) (port string) {
	t.Helper()
	// On every address of this machine, so that no disguise of one is missed.
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Errorf("the trap was reached at %s", conn.LocalAddr())
			conn.Close()
		}
	}()
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func policy(name, target string) harness.Policy {
	return harness.Policy{Name: name, HookTypes: []string{"pushImage"}, Target: target}
}

package chaos

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// suite holds the program and the table that is printed at the end.
var (
	suite harness.Suite
	table report
)

func TestMain(m *testing.M) {
	code := suite.Run(m)
	table.print(os.Stdout)
	os.Exit(code)
}

// patience is the longest that anything may take: leases of 7 s, intervals, and
// a machine that has other things to do.
const patience = 90 * time.Second

// settings shorten leases to deadline and 5 s.
func settings() harness.Settings {
	return harness.Settings{"RETRY_BACKOFF": "1s,2s,3s", "DELIVERY_TIMEOUT": "2s", "CIRCUIT_PROBE": "1s", "LOG_LEVEL": "warn"}
}

// size is how much is offered and how often something is broken.
type size struct {
	rate, faults int
	between      time.Duration
}

func chosen(t *testing.T) size {
	t.Helper()
	switch os.Getenv("CHAOS") {
	case "":
		t.Skip("`make chaos` runs this")
	case "long":
		return size{rate: 200, faults: 15, between: 3 * time.Second}
	}
	return size{rate: 40, faults: 2, between: time.Second}
}

// scenario is one promise under one kind of fault.
type scenario struct {
	promise int
	name    string
	// shapes are those that the fault can be done to.
	shapes []string
	// onceOnly says that the fault excuses no second delivery.
	onceOnly bool
	// faults breaks things while load is offered, and says what it did.
	faults func(t *testing.T, w *world) string
	// ownPostgres says that the fault is done to PostgreSQL, which others share.
	ownPostgres bool
	// within is how soon everything must be final afterwards; 0: patience.
	within time.Duration
}

var both, production = []string{harness.Standalone, harness.Production}, []string{harness.Production}

func scenarios() []scenario {
	return []scenario{
		{promise: 1, name: "kill -9 of Core", shapes: both, faults: func(_ *testing.T, w *world) string { return "kill -9 × " + w.killing("core", "core-2", "standalone") }},
		{promise: 2, name: "kill -9 of JobService", shapes: production, faults: func(_ *testing.T, w *world) string { return "kill -9 × " + w.killing("jobservice", "jobservice-2") }},
		{promise: 3, name: "Redis forgets everything", shapes: production, onceOnly: true, faults: func(_ *testing.T, w *world) string {
			return "FLUSHALL × " + w.each(func(int) { w.redis.FlushAll() })
		}},
		{promise: 3, name: "Redis is away", shapes: production, onceOnly: true, faults: func(_ *testing.T, w *world) string {
			return "stop × " + w.each(func(int) { w.redis.Stop(); w.pause(); w.redis.Start() })
		}},
		{promise: 4, name: "PostgreSQL stops at once", shapes: production, ownPostgres: true, faults: func(_ *testing.T, w *world) string {
			return "immediate stop × " + w.each(func(int) { w.postgres.StopImmediately(); w.pause(); w.postgres.Start() })
		}},
		{promise: 11, name: "rolling restart", shapes: both, onceOnly: true, faults: func(_ *testing.T, w *world) string {
			for _, name := range w.Processes() {
				w.pause()
				w.Process(name).Stop() // fails unless the exit code is 0
				w.Process(name).Start()
			}
			return fmt.Sprint("SIGTERM × ", len(w.Processes()))
		}},
	}
}

// killing kills those of the processes that there are, in turn.
func (w *world) killing(names ...string) string {
	names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(w.Processes(), name) })
	return w.each(func(n int) {
		p := w.Process(names[n%len(names)])
		p.Kill9()
		p.Start()
	})
}

func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	for _, sc := range scenarios() {
		for _, shape := range sc.shapes {
			t.Run(fmt.Sprintf("G%d %s %s", sc.promise, sc.name, shape), func(t *testing.T) {
				t.Parallel()
				if sc.ownPostgres {
					w := newOwnServers(t, size)
					w.start(t, w.database, nil)
					run(t, sc, w)
					return
				}
				run(t, sc, newWorld(t, shape, size))
			})
		}
	}
}

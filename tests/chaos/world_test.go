package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// world is what a scenario breaks.
type world struct {
	*harness.System
	postgres *harness.Postgres
	redis    *harness.Redis
	// database is the URL of the system's database; empty in the standalone shape.
	database string
	// systems are views of the system, one through each Core.
	systems []*harness.System
	size
}

// pause lets the load go on between two faults.
func (w *world) pause() { <-time.After(w.between) }

// each does something between pauses, as often as there are to be faults.
func (w *world) each(fault func(n int)) string {
	for n := range w.faults {
		w.pause()
		fault(n)
	}
	w.pause()
	return fmt.Sprint(w.faults)
}

// newWorld starts a system of its own: two of each process in production. Settings
// come over the usual ones.
func newWorld(t *testing.T, shape string, size size, more ...harness.Settings) *world {
	t.Helper()
	if shape == harness.Standalone {
		s := suite.NewStandalone(t, with(more))
		return &world{System: s, systems: []*harness.System{s}, size: size}
	}
	w := newServers(t, size)
	w.start(t, w.database, nil, more...)
	return w
}

func with(more []harness.Settings) harness.Settings {
	all := settings()
	for _, m := range more {
		maps.Copy(all, m)
	}
	return all
}

// newServers gets what a production system needs, for start to start the rest: a
// Redis, and a database of a PostgreSQL that others use as well.
func newServers(t *testing.T, size size) *world {
	t.Helper()
	harness.Require(t, "redis-server")
	return onPostgres(t, suite.Postgres(t), size)
}

// newOwnServers is newServers with a PostgreSQL that may be broken.
func newOwnServers(t *testing.T, size size) *world {
	t.Helper()
	harness.Require(t, "initdb", "postgres", "redis-server")
	return onPostgres(t, harness.NewPostgres(t), size)
}

func onPostgres(t *testing.T, p *harness.Postgres, size size) *world {
	t.Helper()
	return &world{postgres: p, redis: harness.NewRedis(t), database: p.NewDatabase(t), size: size}
}

// start starts the program's processes, which reach the database by a URL, and
// have settings of their own kind. A busy machine is given time to connect.
func (w *world) start(t *testing.T, database string, only map[string]harness.Settings, more ...harness.Settings) {
	t.Helper()
	w.System = suite.NewWiredProduction(t, database+"&connect_timeout=20", w.redis, with(more), only)
	w.systems = []*harness.System{w.System, w.Replicate(t)}
}

// policy makes a project with a policy for pushes.
func (w *world) policy(t *testing.T, project, target string) int64 {
	t.Helper()
	w.Admin.CreateProject(t, project, false)
	return w.Admin.CreatePolicy(t, project, harness.Policy{Name: "all", HookTypes: []string{"pushImage"}, Target: target})
}

// run breaks a system under load and counts what became of the events.
func run(t *testing.T, sc scenario, w *world) *ledger {
	t.Helper()
	receiver := harness.NewReceiver(t)
	w.policy(t, "chaos", receiver.URL+"/hook")

	over := make(chan struct{})
	var l *ledger
	var group sync.WaitGroup
	group.Go(func() { l = offer(t, w.systems, "chaos", w.rate, over) })
	faults := func() string {
		defer close(over)

		return sc.faults(t, w)
	}()
	start := time.Now()
	group.Wait()
	if took := time.Since(start); sc.within > 0 && took > sc.within {
		t.Errorf("notifications were not taken for %s after the faults", took)
	}
	w.final(t, len(l.accepted), cmp.Or(sc.within, patience))
	recovery := time.Since(start)

	o := l.compare(t, receiver.Got())
	table.add(row{promise: sc.promise, name: sc.name, shape: w.Shape, faults: faults, outcome: o, recovery: recovery})
	if o.lost > 0 || sc.onceOnly && o.twice > 0 {
		t.Errorf("of %d accepted events %d were lost, and %d deliveries were repeated", o.accepted, o.lost, o.twice)
	}
	if len(l.odd) > 0 {
		t.Errorf("answers that were neither 200 nor 503: %v", l.odd)
	}
	return l
}

// final waits until there are n jobs, or more where an answer was lost, and nothing
// more will happen to them.
func (w *world) final(t *testing.T, n int, limit time.Duration) {
	t.Helper()
	count := func(query string) string {
		reply := w.Admin.Do(t, http.MethodGet, harness.JobsOf("chaos")+"?page_size=1"+query, nil)
		return reply.Header.Get("X-Total-Count")
	}
	harness.Eventually(t, limit, fmt.Sprint(n, " final jobs"), func() bool {
		all := count("")
		total, err := strconv.Atoi(all)
		return err == nil && total >= n && count("&status=finished&status=error&status=stopped") == all
	})
}

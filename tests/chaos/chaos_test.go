package chaos

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
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

// world is what a scenario breaks.
type world struct {
	*harness.System
	postgres *harness.Postgres
	redis    *harness.Redis
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

// scenario is one promise under one kind of fault.
type scenario struct {
	promise, name string
	// shapes are those that the fault can be done to.
	shapes []string
	// onceOnly says that the fault excuses no second delivery.
	onceOnly bool
	// faults breaks things while load is offered, and says what it did.
	faults func(t *testing.T, w *world) string
}

var both, production = []string{harness.Standalone, harness.Production}, []string{harness.Production}

func scenarios() []scenario {
	return []scenario{
		{"G1", "kill -9 of Core", both, false, func(_ *testing.T, w *world) string { return "kill -9 × " + w.killing("core", "core-2", "standalone") }},
		{"G2", "kill -9 of JobService", production, false, func(_ *testing.T, w *world) string { return "kill -9 × " + w.killing("jobservice", "jobservice-2") }},
		{"G3", "Redis forgets everything", production, true, func(_ *testing.T, w *world) string {
			return "FLUSHALL × " + w.each(func(int) { w.redis.FlushAll() })
		}},
		{"G3", "Redis is away", production, true, func(_ *testing.T, w *world) string {
			return "stop × " + w.each(func(int) { w.redis.Stop(); w.pause(); w.redis.Start() })
		}},
		{"G4", "PostgreSQL stops at once", production, false, func(_ *testing.T, w *world) string {
			return "immediate stop × " + w.each(func(int) { w.postgres.StopImmediately(); w.pause(); w.postgres.Start() })
		}},
		{"G11", "rolling restart", both, true, func(_ *testing.T, w *world) string {
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
	size := chosen(t)
	for _, sc := range scenarios() {
		for _, shape := range sc.shapes {
			t.Run(strings.Join([]string{sc.promise, sc.name, shape}, " "), func(t *testing.T) {
				w, systems := newWorld(t, shape, size)
				run(t, sc, w, systems)
			})
		}
	}
}

// newWorld starts a system of its own: two of each process in production.
func newWorld(t *testing.T, shape string, size size) (*world, []*harness.System) {
	t.Helper()
	if shape == harness.Standalone {
		s := suite.NewStandalone(t, settings())
		return &world{System: s, size: size}, []*harness.System{s}
	}
	harness.Require(t, "initdb", "postgres", "redis-server")
	postgres, redis := harness.NewPostgres(t), harness.NewRedis(t)
	s := suite.NewProduction(t, postgres.NewDatabase(t), redis, settings())
	second := s.Replicate(t)
	return &world{System: s, postgres: postgres, redis: redis, size: size}, []*harness.System{s, second}
}

func run(t *testing.T, sc scenario, w *world, systems []*harness.System) {
	t.Helper()
	receiver := harness.NewReceiver(t)
	w.Admin.CreateProject(t, "chaos", false)
	w.Admin.CreatePolicy(t, "chaos", harness.Policy{Name: "all", HookTypes: []string{"pushImage"}, Target: receiver.URL + "/hook"})

	over := make(chan struct{})
	var l *ledger
	var group sync.WaitGroup
	group.Go(func() { l = offer(t, systems, "chaos", w.rate, over) })
	faults := func() string {
		defer close(over)

		return sc.faults(t, w)
	}()
	group.Wait()
	start := time.Now()
	w.final(t, len(l.accepted))
	recovery := time.Since(start)

	o := l.compare(t, receiver.Got())
	table.add(sc, w.Shape, faults, o, recovery)
	if o.lost > 0 || sc.onceOnly && o.twice > 0 {
		t.Errorf("of %d accepted events %d were lost, and %d deliveries were repeated", o.accepted, o.lost, o.twice)
	}
}

// final waits until there are n jobs and nothing more will happen to them.
func (w *world) final(t *testing.T, n int) {
	t.Helper()
	count := func(query string) string {
		reply := w.Admin.Do(t, http.MethodGet, harness.JobsOf("chaos")+"?page_size=1"+query, nil)
		return reply.Header.Get("X-Total-Count")
	}
	harness.Eventually(t, patience, fmt.Sprint(n, " final jobs"), func() bool {
		return count("") == fmt.Sprint(n) && count("&status=finished&status=error") == fmt.Sprint(n)
	})
}

func TestTheSameEnvelopeIsOneDelivery(t *testing.T) {
	size := chosen(t)
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			w, systems := newWorld(t, shape, size)
			receiver := harness.NewReceiver(t)
			w.Admin.CreateProject(t, "chaos", false)
			w.Admin.CreatePolicy(t, "chaos", harness.Policy{Name: "all", HookTypes: []string{"pushImage"}, Target: receiver.URL + "/hook"})
			push := harness.NewPush("chaos/app", "v1")
			l := &ledger{accepted: map[string]bool{}}
			var group sync.WaitGroup
			for n := range 50 {
				group.Go(func() { l.send(t, systems[n%len(systems)], push) })
			}
			group.Wait()
			w.Admin.FinalJobs(t, "chaos", 1, patience)
			o := l.compare(t, receiver.Got())
			table.add(scenario{promise: "G6", name: "the same envelope 50 times at once"}, shape, "none", o, 0)
			if o.lost > 0 || o.twice > 0 {
				t.Errorf("%d lost, %d twice", o.lost, o.twice)
			}
		})
	}
}

func TestASilentEndpointDelaysNobody(t *testing.T) {
	size := chosen(t)
	const silentJobs, goodJobs = 500, 100
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			w, _ := newWorld(t, shape, size)
			silent, good := harness.NewReceiver(t), harness.NewReceiver(t)
			silent.Answer(func(int, harness.Delivery) harness.Answer { return harness.Answer{After: make(chan struct{})} })
			for name, r := range map[string]*harness.Receiver{"silent": silent, "good": good} {
				w.Admin.CreateProject(t, name, false)
				w.Admin.CreatePolicy(t, name, harness.Policy{Name: name, HookTypes: []string{"pushImage"}, Target: r.URL})
			}
			for n := range silentJobs {
				w.MustNotify(t, harness.NewPush("silent/app", fmt.Sprint("v", n)))
			}
			var waits []time.Duration
			ticker := time.NewTicker(50 * time.Millisecond)
			defer ticker.Stop()
			for n := range goodJobs {
				<-ticker.C
				start := time.Now()
				if reply := w.Notify(t, harness.NewPush("good/app", fmt.Sprint("v", n))); reply.Status != http.StatusOK {
					t.Fatalf("notification: %d", reply.Status)
				}
				got := good.Wait(t, n+1, patience)
				waits = append(waits, got[n].At.Sub(start))
			}
			slices.Sort(waits)
			p99 := waits[len(waits)*99/100-1]
			name := fmt.Sprintf("a silent endpoint; start at the good one p50 %s, p99 %s", waits[len(waits)/2].Round(time.Millisecond), p99.Round(time.Millisecond))
			table.add(scenario{promise: "G8", name: name}, shape, fmt.Sprint(silentJobs, " jobs that wait 2 s"), outcome{accepted: goodJobs}, 0)
			if p99 > 5*time.Second { // far more than it takes; held workers would make it a minute
				t.Errorf("p99 of the start is %s", p99)
			}
		})
	}
}

// report is the table.
type report struct {
	mu   sync.Mutex
	rows []string
}

func (r *report) add(sc scenario, shape, faults string, o outcome, recovery time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, fmt.Sprintf("| %s | %s | %s | %s | %d | %d | %d | %d | %s |", sc.promise, sc.name, shape, faults,
		o.accepted, o.refused, o.lost, o.twice, recovery.Round(100*time.Millisecond)))
}

func (r *report) print(out io.Writer) {
	if len(r.rows) == 0 {
		return
	}
	fmt.Fprintf(out, `
| promise | scenario | shape | faults | accepted | refused, then repeated | lost | twice | until all were final |
|---|---|---|---|---:|---:|---:|---:|---:|
%s
`, strings.Join(r.rows, "\n"))
}

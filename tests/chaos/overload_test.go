package chaos

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// Far more than can be delivered is offered for a while. It waits in the database,
// and when too much waits, the registry is asked to come again; neither processes
// nor Redis grow with it.
func TestOverloadMakesDeliveriesWait(t *testing.T) {
	size := chosen(t)
	const workers, limit, grows = 2, 300, 128 << 20
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			w := newWorld(t, shape, size, harness.Settings{"WORKERS": fmt.Sprint(workers), "BACKLOG_LIMIT": fmt.Sprint(limit)})
			receiver := harness.NewReceiver(t)
			receiver.Answer(func(int, harness.Delivery) harness.Answer {
				return harness.Answer{After: closedAfter(100 * time.Millisecond)}
			})
			w.policy(t, "chaos", receiver.URL)
			before := w.memory()

			over, watched := make(chan struct{}), make(chan window)
			go func() { watched <- w.watchWindow(over) }()
			l := flood(w, 4*time.Duration(size.faults)*w.between)
			receiver.Answer(func(int, harness.Delivery) harness.Answer { return harness.Answer{} })
			start := time.Now()
			w.final(t, len(l.accepted), patience)
			drained := time.Since(start)
			close(over)
			window, grown := <-watched, w.memory()-before

			o := l.compare(t, receiver.Got())
			p99 := l.within(0.99)
			table.add(row{
				promise: 9, name: fmt.Sprintf("overload: answers p99 %s, %d MiB more memory, %d hints of %d jobs in Redis", p99.Round(time.Millisecond), grown>>20, window.hints, window.jobs),
				shape: shape, faults: "ten times the capacity", outcome: o, recovery: drained,
			})
			if o.lost+o.twice+len(l.odd) > 0 {
				t.Errorf("odd answers: %v; of %d accepted events %d were lost and %d repeated", l.odd, o.accepted, o.lost, o.twice)
			}
			if o.refused == 0 || o.accepted < limit {
				t.Errorf("%d taken and %d refused: that was no overload", o.accepted, o.refused)
			}
			if p99 > time.Second || grown > grows {
				t.Errorf("answers took %s (p99), and processes grew by %d MiB", p99, grown>>20)
			}
			if most := 10 * workers * len(w.systems); window.hints > most || window.jobs > 16*most {
				t.Errorf("%d hints of %d jobs were in Redis, want %d of %d at most", window.hints, window.jobs, most, 16*most)
			}
			oldestFirst(t, w, receiver.Got())
		})
	}
}

// memory is what the program's processes hold.
func (w *world) memory() (sum int64) {
	for _, name := range w.Processes() {
		sum += w.Process(name).Memory()
	}
	return sum
}

// flood offers as much as is answered, for a while. What is refused is not repeated.
func flood(w *world, d time.Duration) *ledger {
	l := newLedger()
	end := time.Now().Add(d)
	var group sync.WaitGroup
	for sender := range 8 {
		group.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				push := harness.NewPush("chaos/app", fmt.Sprint("v", sender, "-", n))
				reply, err := w.systems[n%len(w.systems)].TryNotify(push)
				if err == nil && reply.Status == http.StatusServiceUnavailable && reply.Header.Get("Retry-After") == "" {
					reply.Status = 0 // odd
				}
				l.note(push, reply, err)
			}
		})
	}
	group.Wait()
	return l
}

// window is what Redis holds of the queue.
type window struct{ hints, jobs int }

// watchWindow returns the most that Redis held at once until over; nothing where
// it is in the process.
func (w *world) watchWindow(over <-chan struct{}) (most window) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return most
		case <-ticker.C:
		}
		if w.redis == nil {
			continue
		}
		for _, key := range w.redis.Texts("KEYS", "*:jobs:WEBHOOK") {
			hints := w.redis.Texts("LRANGE", key, 0, -1)
			most.hints, most.jobs = max(most.hints, len(hints)), max(most.jobs, jobsIn(hints))
		}
	}
}

// jobsIn counts the jobs that hints name.
func jobsIn(hints []string) (n int) {
	for _, hint := range hints {
		var job struct {
			Args struct {
				IDs string `json:"ids"`
			} `json:"args"`
		}
		if json.Unmarshal([]byte(hint), &job) == nil {
			n += 1 + strings.Count(job.Args.IDs, ",")
		}
	}
	return n
}

// oldestFirst checks that the oldest quarter came before the newest, on the whole.
func oldestFirst(t *testing.T, w *world, got []harness.Delivery) {
	t.Helper()
	rank := map[string]int{}
	for i, d := range got {
		rank[eventID(t, d)] = i
	}
	jobs := w.Admin.Jobs(t, "chaos") // the oldest 500
	slices.SortFunc(jobs, func(a, b harness.Job) int { return cmp.Compare(a.ID, b.ID) })
	late := 0
	for _, j := range jobs[:len(jobs)/4] {
		if rank[eventID(t, harness.Delivery{Body: []byte(j.JobDetail)})] > len(got)/2 {
			late++
		}
	}
	if late > len(jobs)/40 {
		t.Errorf("%d of the %d oldest came in the second half", late, len(jobs)/4)
	}
}

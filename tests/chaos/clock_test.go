package chaos

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// The clocks of Core and JobService do not matter: what is due, and whose lease
// is over, is decided by the database's. The test moves that one away from theirs,
// which is as if theirs were wrong. How long something takes is measured by clocks
// that no change of the time moves.
func TestWrongClocksDoNoHarm(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	shifts := []time.Duration{time.Hour, -time.Hour}
	if os.Getenv("CHAOS") == "long" {
		shifts = append(shifts, 10*time.Minute, -10*time.Minute)
	}
	const events, wait = 20, 3 * time.Second
	w := newServers(t, size)
	w.postgres.Exec(w.database, `CREATE TABLE clock (shift interval NOT NULL); INSERT INTO clock VALUES ('0');
		CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + shift FROM public.clock';
		DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$`)
	w.start(t, w.database, nil, harness.Settings{"RETRY_BACKOFF": wait.String()})
	slowest, lost := time.Duration(0), 0
	for n, shift := range shifts {
		w.postgres.Exec(w.database, fmt.Sprintf("UPDATE clock SET shift = '%d seconds'", int(shift.Seconds())))
		took, missing := w.withWrongClock(t, n, events, wait)
		slowest, lost = max(slowest, took), lost+missing
	}
	table.add(row{
		promise: 12, name: fmt.Sprintf("clocks that differ from the database's; slowest start %s", slowest.Round(time.Millisecond)), shape: w.Shape,
		faults: fmt.Sprint(shifts), outcome: outcome{accepted: len(shifts) * (events + 1), lost: lost},
	})
}

// withWrongClock delivers events at once, one after a network error, and one
// after the death of its worker.
func (w *world) withWrongClock(t *testing.T, n, events int, wait time.Duration) (slowest time.Duration, lost int) {
	t.Helper()
	receiver := harness.NewReceiver(t)
	project := fmt.Sprint("clock", n)
	w.policy(t, project, receiver.URL)
	for i := range events {
		start := time.Now()
		w.MustNotify(t, harness.NewPush(project+"/app", fmt.Sprint("v", i)))
		slowest = max(slowest, receiver.Wait(t, i+1, patience)[i].At.Sub(start))
	}
	if slowest > stuckAfter {
		t.Errorf("a delivery started after %s", slowest)
	}

	// Each event from now on is not answered when it comes first.
	come := map[string]int{}
	receiver.Answer(func(_ int, d harness.Delivery) harness.Answer {
		id := d.Header.Get("Webhook-Id")
		if come[id]++; come[id] == 1 {
			return harness.Answer{After: make(chan struct{})}
		}
		return harness.Answer{}
	})
	w.MustNotify(t, harness.NewPush(project+"/app", "killed"))
	receiver.Wait(t, events+1, patience)
	for _, name := range []string{"jobservice", "jobservice-2"} {
		w.Process(name).Kill9()
	}
	for _, name := range []string{"jobservice", "jobservice-2"} {
		w.Process(name).Start()
	}
	// The lease of an attempt is the timeout of 2 s and 5 s.
	if waited := gap(receiver.Wait(t, events+2, patience)[events:]); waited < 6*time.Second || waited > 7*time.Second+stuckAfter {
		t.Errorf("an attempt that was cut off was repeated after %s, want 7 s", waited)
	}
	w.MustNotify(t, harness.NewPush(project+"/app", "timeout"))
	w.Admin.FinalJobs(t, project, events+2, patience)
	const timeout = 2 * time.Second
	if waited := gap(receiver.Wait(t, events+4, patience)[events+2:]) - timeout; waited < wait*8/10-100*time.Millisecond || waited > wait*12/10+stuckAfter {
		t.Errorf("an attempt was repeated after %s, want %s", waited, wait)
	}
	for _, job := range w.Admin.FinalJobs(t, project, events+2, patience) {
		if job.Status != "finished" {
			t.Errorf("%+v", job)
			lost++
		}
	}
	return slowest, lost
}

// gap is the time between the first two deliveries.
func gap(got []harness.Delivery) time.Duration { return got[1].At.Sub(got[0].At) }

package chaos

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// A delivery starts at once. The limits are far above what a quiet machine shows,
// and far below what a queue that is polled would take.
func TestDeliveriesStartAtOnce(t *testing.T) {
	size := chosen(t)
	const events = 100
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			w := newWorld(t, shape, size, harness.Settings{"WORKERS": "8"})
			receiver, busy := harness.NewReceiver(t), harness.NewReceiver(t)
			w.policy(t, "chaos", receiver.URL)
			w.policy(t, "busy", busy.URL)
			measure := func(what string, n int, limit time.Duration) {
				waits := w.starts(t, receiver, n, events)
				p50, p99 := waits[len(waits)/2], waits[len(waits)*99/100-1]
				table.add(row{
					promise: 10, name: fmt.Sprintf("start of a delivery, %s: p50 %s, p99 %s", what, p50.Round(time.Millisecond), p99.Round(time.Millisecond)),
					shape: shape, faults: "none", outcome: outcome{accepted: events},
				})
				if p50 > limit/4 || p99 > limit {
					t.Errorf("%s: p50 %s, p99 %s, limit %s", what, p50, p99, limit)
				}
			}
			measure("idle", 0, 400*time.Millisecond)

			// Each delivery holds a worker for 100 ms, and one origin gets seven workers
			// of each JobService: it can have 70 a second from each.
			busy.Answer(func(int, harness.Delivery) harness.Answer {
				return harness.Answer{After: closedAfter(100 * time.Millisecond)}
			})
			over, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				offer(t, w.systems, "busy", 40*len(w.systems), over)
			}()
			defer func() {
				close(over)
				<-done
			}()
			measure("at half the capacity", events, time.Second)
		})
	}
}

// closedAfter returns a channel that is closed after a time.
func closedAfter(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	time.AfterFunc(d, func() { close(c) })
	return c
}

// starts tells a Core of events one by one, and returns how long after that each
// arrived, sorted. n deliveries have come before.
func (w *world) starts(t *testing.T, receiver *harness.Receiver, n, events int) []time.Duration {
	t.Helper()
	var waits []time.Duration
	ticker := time.NewTicker(30 * time.Millisecond)
	defer ticker.Stop()
	for i := range events {
		<-ticker.C
		start := time.Now()
		w.MustNotify(t, harness.NewPush("chaos/app", fmt.Sprint("v", n+i)))
		waits = append(waits, receiver.Wait(t, n+i+1, patience)[n+i].At.Sub(start))
	}
	slices.Sort(waits)
	return waits
}

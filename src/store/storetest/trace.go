package storetest

import (
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// traceKept makes sure that whoever claims a job, again or delivered again, goes on
// with the trace in which it was accepted, and knows since when it was due.
func traceKept(t *testing.T, f *fixture) {
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	e := f.event("e1")
	traced, plain := f.job(e, f.policy), f.job(f.event("e2"), f.policy)
	traced.Traceparent = traceparent
	ids, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{e, f.event("e2")}}, []hook.Job{traced, plain})
	must(t, err)
	d := f.claimOne(t, ids[0], lease)
	wantEqual(t, "claimed", d.Traceparent, traceparent)
	if apart := d.CreationTime.Sub(d.NextAt).Abs(); apart > time.Second { // two looks at the database's clock
		t.Errorf("due since %v, accepted at %v", d.NextAt, d.CreationTime)
	}
	wantEqual(t, "claimed without a trace", f.claimOne(t, ids[1], lease).Traceparent, "")
	f.finish(t, hook.Outcome{
		JobID: d.ID, Lease: d.Lease, Status: hook.StatusScheduled, RetryIn: time.Microsecond,
		Attempt: hook.Attempt{Number: 1, StartedAt: time.Now(), Result: hook.ResultTimeout},
	})
	again := f.claimOne(t, ids[0], lease)
	wantEqual(t, "claimed again", again.Traceparent, traceparent)
	if !again.NextAt.After(d.NextAt) {
		t.Errorf("the retry is due since %v, the first attempt since %v", again.NextAt, d.NextAt)
	}
	must(t, f.Release(f.ctx, []hook.Delivery{again}))
	done, err := f.Redeliver(f.ctx, f.project.ID, ids[:1], nil)
	must(t, err)
	wantEqual(t, "delivered again", f.claimOne(t, done.IDs[0], lease).Traceparent, traceparent)
}

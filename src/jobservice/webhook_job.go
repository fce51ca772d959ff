package jobservice

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice/job"
)

// kindWebhook is the kind of job that delivers one row.
const kindWebhook = "WEBHOOK"

// webhookJob delivers rows.
type webhookJob struct {
	store    Store
	sender   Sender
	observer Observer
	log      *slog.Logger
	lease    time.Duration
	waits    []time.Duration
	slots    chan struct{} // one for each delivery under way
	random   func() float64
	taken    func(ids []int64)
	later    func(time.Duration)
	// sending ends when work in hand must be cut off.
	sending context.Context
}

// Name is the kind's name in the queue.
func (*webhookJob) Name() string { return kindWebhook }

// Priority is high: a notification is worth most when it comes at once.
func (*webhookJob) Priority() uint { return job.JobPriorityHigh }

// Run claims the rows of a hint and delivers them side by side. Rows that cannot
// be claimed are not due, or somebody else's.
func (w *webhookJob) Run(ctx context.Context, ids []int64) {
	w.taken(ids)
	claimed, err := w.store.Claim(ctx, ids, w.lease)
	if err != nil {
		w.log.Warn("cannot claim jobs; the reconciler will find them", "jobs", len(ids), "error", err)
		return
	}
	if len(claimed) == 0 {
		return
	}
	var group sync.WaitGroup
	for _, d := range claimed[1:] {
		group.Go(func() { w.deliver(ctx, d) })
	}
	w.deliver(ctx, claimed[0])
	group.Wait()
}

// deliver makes one attempt and records it.
func (w *webhookJob) deliver(ctx context.Context, d hook.Delivery) {
	select {
	case w.slots <- struct{}{}:
		defer func() { <-w.slots }()
	case <-w.sending.Done():
		w.release(ctx, d)
		return
	}
	attempt := w.sender.Send(w.sending, d)
	if attempt.Result == hook.ResultInterrupted {
		w.release(ctx, d)
		return
	}
	o := decide(d, attempt, w.waits, w.random())
	if !w.finish(ctx, o) {
		return
	}
	w.observer.Attempted(attempt.Result, attempt.Duration)
	w.log.Info("attempt", "job", d.ID, "event", d.EventID, "policy", d.PolicyID, "number", attempt.Number,
		"result", attempt.Result, "took_ms", attempt.Duration.Milliseconds(), "status", o.Status)
	if o.Status == hook.StatusScheduled {
		w.later(o.RetryIn)
	}
}

// release gives back a job that a stop has cut off.
func (w *webhookJob) release(ctx context.Context, d hook.Delivery) {
	if err := w.store.Release(ctx, []hook.Delivery{d}); err != nil {
		w.log.Warn("cannot give a job back; it comes back when its lease ends", "job", d.ID, "error", err)
	}
}

// finish records the outcome, as long as the lease lasts: a database that is
// away for a moment must not make a delivery happen twice.
func (w *webhookJob) finish(ctx context.Context, o hook.Outcome) bool {
	ctx, cancel := context.WithTimeout(ctx, w.lease)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		ours, err := w.store.Finish(ctx, o)
		if err == nil {
			if !ours {
				w.log.Warn("a job was taken back or stopped before its attempt was recorded", "job", o.JobID, "result", o.Attempt.Result)
			}
			return ours
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			w.log.Error("an attempt could not be recorded; it will be repeated", "job", o.JobID, "result", o.Attempt.Result, "error", err)
			return false
		}
	}
}

// decide says how a job goes on after an attempt: any HTTP answer is final, a
// network error is tried again while waits are left. random is from [0, 1).
func decide(d hook.Delivery, a hook.Attempt, waits []time.Duration, random float64) hook.Outcome {
	o := hook.Outcome{JobID: d.ID, Lease: d.Lease, Attempt: a}
	switch {
	case a.Result == hook.ResultOK:
		o.Status = hook.StatusFinished
	case a.Result == hook.ResultHTTPError:
		o.Status = hook.StatusError
		o.StatusMessage = fmt.Sprintf("HTTP status %d", a.Response.Status)
	case a.Result.Retriable() && d.Attempts < len(waits):
		o.Status = hook.StatusScheduled
		o.StatusMessage = fmt.Sprintf("attempt %d of %d failed: %s", d.Attempts+1, len(waits)+1, a.Result)
		o.RetryIn = jitter(waits[d.Attempts], random)
	case a.Result.Retriable():
		o.Status = hook.StatusError
		o.StatusMessage = fmt.Sprintf("all %d attempts failed, the last: %s", len(waits)+1, a.Result)
	default:
		o.Status = hook.StatusError
		o.StatusMessage = string(a.Result)
	}
	return o
}

// jitter spreads a wait by up to a fifth either way, so that jobs that failed
// together are not repeated together.
func jitter(wait time.Duration, random float64) time.Duration {
	return time.Duration(float64(wait) * (0.8 + 0.4*random))
}

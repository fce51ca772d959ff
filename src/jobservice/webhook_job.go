package jobservice

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice/job"
)

// kindWebhook is the kind of job that delivers one row.
const kindWebhook = hook.KindOfWebhooks

// webhookJob delivers rows.
type webhookJob struct {
	store    Store
	sender   Sender
	observer Observer
	log      *slog.Logger
	lease    time.Duration
	waits    []time.Duration
	lanes    *lanes
	// seats bound the rows that are claimed and not recorded; there are most of them.
	seats  *semaphore.Weighted
	most   int
	random func() float64
	taken  func(ids []int64)
	later  func(time.Duration)
	// hold says that no delivery may start.
	hold func() bool
	// circuits hold back the jobs of origins that do not answer.
	circuits *circuits
	// sending ends when work in hand must be cut off.
	sending context.Context
	inHand  sync.WaitGroup
}

const (
	// seatsAWorker is how many rows a process claims for each of its workers.
	seatsAWorker = 4
	// patience is how long a claimed row waits for a worker; up to mostPatience if
	// its origin is fast. It is part of the lease.
	patience     = 250 * time.Millisecond
	mostPatience = 2 * time.Second
)

// Name is the kind's name in the queue.
func (*webhookJob) Name() string { return kindWebhook }

// Priority is high: a notification is worth most when it comes at once.
func (*webhookJob) Priority() uint { return job.JobPriorityHigh }

// Run claims the rows of a hint and starts to deliver them, each in the lane of
// its origin. It does not wait for the deliveries: a slow one must not keep the
// queue's worker from the next hint. Rows that cannot be claimed are not due, or
// somebody else's, or their origin has no room.
func (w *webhookJob) Run(ctx context.Context, ids []int64) {
	w.taken(ids)
	if w.hold() {
		return // the rows wait in the database
	}
	w.start(ctx, ids, append(w.lanes.full(), w.circuits.open()...), w.circuits.isOpen)
}

// probe tries the oldest due job of an origin whose circuit is open.
func (w *webhookJob) probe(ctx context.Context, origin string, take func() bool) {
	due, err := w.store.Due(ctx, 1, nil, func(other string) int {
		if other == origin {
			return 1
		}
		return 0
	})
	if err != nil {
		w.log.Warn("cannot look for a job of an origin", "origin", origin, "error", err)
		return
	}
	if len(due) > 0 && take() {
		w.start(ctx, due, nil, func(string) bool { return false })
	}
}

// start claims rows, but for those of some origins, and starts to deliver them,
// unless their origin must wait by then. It takes no more at once than there are
// seats: a hint may hold more.
func (w *webhookJob) start(ctx context.Context, ids []int64, except []string, mustWait func(origin string) bool) {
	for some := range slices.Chunk(ids, w.most) {
		w.startSome(ctx, some, except, mustWait)
	}
}

func (w *webhookJob) startSome(ctx context.Context, ids []int64, except []string, mustWait func(origin string) bool) {
	if w.seats.Acquire(w.sending, int64(len(ids))) != nil {
		return // the process ends; the reconciler of another one finds the rows
	}
	claimed, err := w.store.Claim(ctx, ids, w.lease, except...)
	if err != nil {
		w.log.Warn("cannot claim jobs; the reconciler will find them", "jobs", len(ids), "error", err)
	}
	w.seats.Release(int64(len(ids) - len(claimed)))
	var turnedAway []hook.Delivery
	for _, d := range claimed {
		t := w.lanes.ask(d.Origin)
		if t == nil {
			turnedAway = append(turnedAway, d)
			continue
		}
		w.inHand.Go(func() {
			defer w.seats.Release(1)
			w.deliver(ctx, d, t, mustWait)
		})
	}
	if len(turnedAway) > 0 {
		w.release(ctx, turnedAway...)
		w.seats.Release(int64(len(turnedAway)))
	}
}

// wait waits until all deliveries that were started are recorded.
func (w *webhookJob) wait() { w.inHand.Wait() }

// deliver makes one attempt and records it. The worker is free for others as
// soon as the attempt is over.
func (w *webhookJob) deliver(ctx context.Context, d hook.Delivery, t *ticket, mustWait func(origin string) bool) {
	if !w.turn(t) {
		w.release(ctx, d)
		return
	}
	if w.hold() || mustWait(d.Origin) {
		w.lanes.leave(t, 0)
		w.release(ctx, d)
		return
	}
	attempt := w.sender.Send(w.sending, d)
	if attempt.Result == hook.ResultInterrupted {
		w.lanes.leave(t, 0)
		w.release(ctx, d)
		return
	}
	w.lanes.leave(t, attempt.Duration)
	o := decide(d, attempt, w.waits, w.random())
	w.circuits.attempted(ctx, d.Origin, attempt.Result)
	if !w.finish(ctx, o) {
		return
	}
	w.observer.Attempted(d, o)
	w.say(ctx, d, o)
	if o.Status == hook.StatusScheduled {
		w.later(o.RetryIn)
	}
}

// say logs an attempt.
func (w *webhookJob) say(ctx context.Context, d hook.Delivery, o hook.Outcome) {
	a := o.Attempt
	attrs := []slog.Attr{
		slog.Int64("job", d.ID), slog.String("event", d.EventID), slog.Int64("policy", d.PolicyID), slog.Int("number", a.Number),
		slog.String("result", string(a.Result)), slog.Int64("took_ms", a.Duration.Milliseconds()), slog.String("status", string(o.Status)),
	}
	if trace := hook.TraceID(d.Traceparent); trace != "" {
		attrs = append(attrs, slog.String("trace", trace))
	}
	w.log.LogAttrs(ctx, slog.LevelInfo, "attempt", attrs...)
}

// turn waits for the ticket's worker. It returns false if there is none in time.
func (w *webhookJob) turn(t *ticket) bool {
	ticker := time.NewTicker(patience)
	defer ticker.Stop()
	for waited := time.Duration(0); waited < mostPatience; waited += patience {
		select {
		case <-t.ready:
			return true
		case <-w.sending.Done():
			return !w.lanes.withdraw(t)
		case <-ticker.C:
		}
		if !w.lanes.worthWaiting(t) {
			break
		}
	}
	return !w.lanes.withdraw(t)
}

// release gives back jobs that were not tried: a stop has cut them off, or
// their origin has no room.
func (w *webhookJob) release(ctx context.Context, claimed ...hook.Delivery) {
	if err := w.store.Release(ctx, claimed); err != nil {
		w.log.Warn("cannot give jobs back; they come back when their lease ends", "jobs", len(claimed), "error", err)
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

package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// JobService takes hints that rows are due.
type JobService interface {
	Submit(ctx context.Context, ids []int64) error
}

// Queuer submits jobs in the background, those of concurrent notifications
// together. It forgets what it cannot submit: the rows are stored, and
// JobService's reconciler finds them.
type Queuer struct {
	to  JobService
	log *slog.Logger

	mu      sync.Mutex
	waiting []int64
	wake    chan struct{}
	failing bool
}

// maxSubmitting bounds the ids that wait for JobService, and those of one call.
const maxSubmitting = 5_000

// submitTimeout bounds one call.
const submitTimeout = 3 * time.Second

// NewQueuer returns a Queuer. It submits while Run runs.
func NewQueuer(to JobService, log *slog.Logger) *Queuer {
	return &Queuer{to: to, log: log, wake: make(chan struct{}, 1)}
}

// Submit takes ids of stored jobs.
func (q *Queuer) Submit(ids []int64) {
	q.mu.Lock()
	if room := maxSubmitting - len(q.waiting); room > 0 {
		q.waiting = append(q.waiting, ids[:min(room, len(ids))]...)
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Run submits until ctx ends.
func (q *Queuer) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-q.wake:
		}
		q.mu.Lock()
		ids := q.waiting
		q.waiting = nil
		q.mu.Unlock()
		if len(ids) > 0 {
			q.send(ctx, ids)
		}
		if len(ids) > 1 {
			pause(ctx, gather)
		}
	}
}

// gather is how long ids are gathered under load; a lone one is sent at once.
const gather = 5 * time.Millisecond

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// send tells once when JobService stops answering, and once when it answers again.
func (q *Queuer) send(ctx context.Context, ids []int64) {
	ctx, cancel := context.WithTimeout(ctx, submitTimeout)
	defer cancel()
	err := q.to.Submit(ctx, ids)
	switch {
	case err != nil && !q.failing:
		q.log.Warn("jobservice does not take jobs; they wait in the database", "error", err)
	case err == nil && q.failing:
		q.log.Info("jobservice takes jobs again")
	}
	q.failing = err != nil
}

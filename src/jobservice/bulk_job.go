package jobservice

import (
	"context"
	"log/slog"
	"time"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice/job"
)

// kindBulk is the kind of job that delivers many jobs once more.
const kindBulk = "WEBHOOK_BULK"

const (
	// bulkBatch bounds the jobs of one step. Fresh jobs for the same endpoint wait
	// behind at most this and a half of it.
	bulkBatch = 100
	// bulkPatience is how long a step waits for the jobs of the one before.
	bulkPatience = 10 * time.Second
	// bulkTurn is how long a worker stays with a bulk; then others have their turn.
	bulkTurn = time.Second
	// bulksHinted is how many bulks are under way at once.
	bulksHinted = 2
)

// BulkStore keeps the bulks.
type BulkStore interface {
	UnfinishedBulks(ctx context.Context, most int) ([]int64, error)
	// StepBulk delivers up to most jobs once more, in one transaction.
	StepBulk(ctx context.Context, id int64, most int, patience time.Duration) (hook.BulkStep, error)
}

// bulkJob delivers many jobs once more. The row knows how far it has come; a
// worker that dies is followed by another.
type bulkJob struct {
	store BulkStore
	// submit hints new jobs.
	submit func(ctx context.Context, ids []int64) error
	every  time.Duration
	log    *slog.Logger
	// hold says that no delivery may start; then none is added either.
	hold func() bool
	// stopping ends when the process is to end.
	stopping context.Context
}

// Name is the kind's name in the queue.
func (*bulkJob) Name() string { return kindBulk }

// Priority is normal: single deliveries come first.
func (*bulkJob) Priority() uint { return job.JobPriorityNormal }

// Run takes each of the bulks a few steps further.
func (b *bulkJob) Run(_ context.Context, ids []int64) {
	for _, id := range ids {
		if err := b.turn(id); err != nil && b.stopping.Err() == nil {
			b.log.Warn("cannot go on with a bulk; it is tried again", "bulk", id, "error", err)
		}
	}
}

func (b *bulkJob) turn(id int64) error {
	for began := time.Now(); time.Since(began) < bulkTurn && b.stopping.Err() == nil && !b.hold(); {
		step, err := b.store.StepBulk(b.stopping, id, bulkBatch, bulkPatience)
		if err != nil {
			return err
		}
		if len(step.IDs) > 0 {
			if err := b.submit(b.stopping, step.IDs); err != nil {
				b.log.Debug("jobs of a bulk wait in the database", "bulk", id, "error", err)
			}
		}
		if !step.More || step.Wait {
			return nil
		}
	}
	return nil
}

// schedule hints the bulks that are not over, until ctx ends, unless hints wait.
func (b *bulkJob) schedule(ctx context.Context, queue Queue) error {
	ticker := time.NewTicker(b.every)
	defer ticker.Stop()
	for {
		if err := b.hint(ctx, queue); err != nil && ctx.Err() == nil {
			b.log.Warn("cannot go on with bulks; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (b *bulkJob) hint(ctx context.Context, queue Queue) error {
	if b.hold() {
		return nil
	}
	ids, err := b.store.UnfinishedBulks(ctx, bulksHinted)
	if err != nil || len(ids) == 0 {
		return err
	}
	if n, err := queue.Waiting(ctx, kindBulk); err != nil || n > 0 {
		return err
	}
	_, err = queue.Push(ctx, kindBulk, ids)
	return err
}

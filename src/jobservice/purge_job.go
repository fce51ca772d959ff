package jobservice

import (
	"context"
	"log/slog"
	"time"

	"github.com/harborhook/harborhook/src/jobservice/job"
)

// kindPurge is the kind of job that removes old deliveries.
const kindPurge = "PURGE"

const (
	// purgeEvery is how often old deliveries are looked for.
	purgeEvery = time.Hour
	// purgeBatch bounds the rows that one transaction removes, so that none holds
	// up an accepted event for long.
	purgeBatch = 1000
	// minRetention is how long rows are kept at least: for as long, a repeated
	// notification is known for one.
	minRetention = 24 * time.Hour
)

// PurgeStore forgets what is old and final.
type PurgeStore interface {
	// Purge returns the id to go on after, 0 at the end.
	Purge(ctx context.Context, age time.Duration, after int64, most int) (next int64, purged int, err error)
	PurgeEvents(ctx context.Context, age time.Duration, most int) (int, error)
}

// purgeJob removes old deliveries.
type purgeJob struct {
	store PurgeStore
	age   time.Duration
	log   *slog.Logger
	// stopping ends when the process is to end.
	stopping context.Context
}

// Name is the kind's name in the queue.
func (*purgeJob) Name() string { return kindPurge }

// Priority is low: everything else comes before it.
func (*purgeJob) Priority() uint { return job.JobPriorityLow }

// Run removes everything that is old, batch by batch. Its hint carries no row.
func (p *purgeJob) Run(context.Context, []int64) {
	jobs, err := p.jobs()
	events := 0
	if err == nil {
		events, err = p.events()
	}
	if err != nil && p.stopping.Err() == nil {
		p.log.Warn("cannot remove old deliveries; it is tried again", "error", err)
	}
	if jobs+events > 0 {
		p.log.Info("removed old deliveries", "jobs", jobs, "events", events)
	}
}

func (p *purgeJob) jobs() (purged int, err error) {
	for after := int64(0); ; {
		next, n, err := p.store.Purge(p.stopping, p.age, after, purgeBatch)
		purged += n
		if err != nil || next == 0 {
			return purged, err
		}
		after = next
	}
}

func (p *purgeJob) events() (purged int, err error) {
	for {
		n, err := p.store.PurgeEvents(p.stopping, p.age, purgeBatch)
		purged += n
		if err != nil || n < purgeBatch {
			return purged, err
		}
	}
}

// schedule hints the job now and then, until ctx ends, unless a hint waits: of
// several processes one is enough.
func (p *purgeJob) schedule(ctx context.Context, queue Queue) error {
	ticker := time.NewTicker(purgeEvery)
	defer ticker.Stop()
	for {
		if n, err := queue.Waiting(ctx, kindPurge); err == nil && n == 0 {
			_, err = queue.Push(ctx, kindPurge, []int64{0})
			if err != nil && ctx.Err() == nil {
				p.log.Warn("cannot ask for old deliveries to be removed; it is tried again", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

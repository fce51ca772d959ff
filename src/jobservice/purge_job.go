package jobservice

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice/job"
)

// kindPurge is the kind of job that removes old deliveries.
const kindPurge = hook.KindOfPurges

const (
	// purgeEvery is how often old deliveries are looked for.
	purgeEvery = time.Hour
	// purgeAgain is how soon a purge that did not come to its end is tried again.
	purgeAgain = 10 * time.Second
	// lookAtHoldEvery is how often it is looked whether a purge may be asked for.
	lookAtHoldEvery = time.Second
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
	// Surplus returns, for each policy that has more than keep final jobs, the newest
	// job that is beyond them.
	Surplus(ctx context.Context, keep int) (map[int64]int64, error)
	// PurgeSurplus is Purge for a policy's jobs up to the newest.
	PurgeSurplus(ctx context.Context, policyID, newest int64, age time.Duration, after int64, most int) (next int64, purged int, err error)
}

// purgeJob removes old deliveries.
type purgeJob struct {
	store PurgeStore
	age   time.Duration
	// keep is how many final jobs of a policy stay; 0 is all.
	keep int
	log  *slog.Logger
	// hold says that nothing may be removed now.
	hold func() bool
	// stopping ends when the process is to end.
	stopping context.Context
	// unfinished holds a sign while a purge that this process ran is to be tried again.
	unfinished chan struct{}
}

// Name is the kind's name in the queue.
func (*purgeJob) Name() string { return kindPurge }

// Priority is low: everything else comes before it.
func (*purgeJob) Priority() uint { return job.JobPriorityLow }

// errHeld ends a purge that is to be paused.
var errHeld = errors.New("purging is paused")

// Run removes everything that is old, batch by batch. Its hint carries no row.
func (p *purgeJob) Run(context.Context, []int64) {
	jobs, err := p.jobs()
	if err == nil {
		var surplus int
		surplus, err = p.surplus()
		jobs += surplus
	}
	events := 0
	if err == nil {
		events, err = p.events()
	}
	if err != nil && !errors.Is(err, errHeld) && p.stopping.Err() == nil {
		p.log.Warn("cannot remove old deliveries; it is tried again", "error", err)
	}
	if err != nil {
		select {
		case p.unfinished <- struct{}{}:
		default: // the sign is there
		}
	}
	if jobs+events > 0 {
		p.log.Info("removed old deliveries", "jobs", jobs, "events", events)
	}
}

func (p *purgeJob) jobs() (int, error) {
	return p.batches(func(after int64) (int64, int, error) { return p.store.Purge(p.stopping, p.age, after, purgeBatch) })
}

// surplus removes what each policy has beyond its count, except for what is young.
func (p *purgeJob) surplus() (purged int, err error) {
	if p.keep == 0 {
		return 0, nil
	}
	surplus, err := p.store.Surplus(p.stopping, p.keep)
	for policy, newest := range surplus {
		n, err := p.batches(func(after int64) (int64, int, error) {
			return p.store.PurgeSurplus(p.stopping, policy, newest, minRetention, after, purgeBatch)
		})
		if purged += n; err != nil {
			return purged, err
		}
	}
	return purged, err
}

// batches purges batch after batch to the end.
func (p *purgeJob) batches(purge func(after int64) (next int64, purged int, err error)) (purged int, err error) {
	for after := int64(0); ; {
		if p.hold() {
			return purged, errHeld
		}
		next, n, err := purge(after)
		purged += n
		if err != nil || next == 0 {
			return purged, err
		}
		after = next
	}
}

func (p *purgeJob) events() (purged int, err error) {
	for {
		if p.hold() {
			return purged, errHeld
		}
		n, err := p.store.PurgeEvents(p.stopping, p.age, purgeBatch)
		purged += n
		if err != nil || n < purgeBatch {
			return purged, err
		}
	}
}

// schedule hints the job now and then, until ctx ends, and soon after a purge of this
// process that did not come to its end.
func (p *purgeJob) schedule(ctx context.Context, queue Queue) error {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.unfinished:
			next.Reset(purgeAgain)
		case <-next.C:
			next.Reset(p.hint(ctx, queue))
		}
	}
}

// hint asks for a purge, unless a hint waits: of several processes one is enough. It
// returns how long it is until the next.
func (p *purgeJob) hint(ctx context.Context, queue Queue) time.Duration {
	if p.hold() {
		return lookAtHoldEvery
	}
	n, err := queue.Waiting(ctx, kindPurge)
	if err == nil && n == 0 {
		_, err = queue.Push(ctx, kindPurge, []int64{0})
	}
	if err == nil {
		return purgeEvery
	}
	if ctx.Err() == nil {
		p.log.Warn("cannot ask for old deliveries to be removed; it is tried again", "error", err)
	}
	return purgeAgain
}

package jobservice

import (
	"context"
	"log/slog"
	"time"
)

const (
	// indexEvery is how often new deliveries are indexed.
	indexEvery = time.Second
	// indexBatch bounds the deliveries that one transaction indexes.
	indexBatch = 1000
)

// SearchStore indexes deliveries for the search by text.
type SearchStore interface {
	// IndexSearch returns how many deliveries it has dealt with.
	IndexSearch(ctx context.Context, most int) (int, error)
	// IndexLater returns the id to go on after, 0 at the end.
	IndexLater(ctx context.Context, after int64, most int) (next int64, err error)
}

// restBusy and restIdle are how much longer than it works the indexer rests: while
// deliveries are under way it takes a twentieth of a processor, otherwise half.
const (
	restBusy = 19
	restIdle = 1
)

// indexer indexes deliveries behind the back of those that deliver.
type indexer struct {
	store SearchStore
	log   *slog.Logger
	// busy says that deliveries are under way.
	busy func() bool
	// later is the job after which those that were not over are looked at next.
	later   int64
	failing bool
}

func (x *indexer) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		began := time.Now()
		more, err := x.pass(ctx)
		if ctx.Err() == nil {
			x.tell(err)
		}
		timer.Reset(x.rest(time.Since(began), more && err == nil))
	}
}

// rest is how long to rest after some work.
func (x *indexer) rest(worked time.Duration, more bool) time.Duration {
	switch {
	case x.busy():
		return max(indexEvery, restBusy*worked)
	case more:
		return restIdle * worked
	default:
		return indexEvery
	}
}

// pass indexes a batch, and says whether there may be more.
func (x *indexer) pass(ctx context.Context) (more bool, err error) {
	n, err := x.store.IndexSearch(ctx, indexBatch)
	if err != nil {
		return false, err
	}
	x.later, err = x.store.IndexLater(ctx, x.later, indexBatch)
	return n == indexBatch, err
}

// tell tells once when deliveries cannot be indexed, and once when they can again.
func (x *indexer) tell(err error) {
	switch {
	case err != nil && !x.failing:
		x.log.Warn("cannot index deliveries; searching them by text is slow meanwhile", "error", err)
	case err == nil && x.failing:
		x.log.Info("deliveries are indexed again")
	}
	x.failing = err != nil
}

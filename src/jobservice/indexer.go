package jobservice

import (
	"context"
	"log/slog"
	"time"
)

const (
	// indexEvery is how often new deliveries are indexed and counted.
	indexEvery = time.Second
	// indexBatch bounds the deliveries that one transaction indexes.
	indexBatch = 1000
	// tallyBatch bounds the deliveries that one transaction counts.
	tallyBatch = 5000
)

// SearchStore indexes deliveries for the search by text.
type SearchStore interface {
	// IndexSearch returns how many deliveries it has dealt with.
	IndexSearch(ctx context.Context, most int) (int, error)
	// IndexLater returns the id to go on after, 0 at the end.
	IndexLater(ctx context.Context, after int64, most int) (next int64, err error)
}

// TallyStore counts deliveries for summaries.
type TallyStore interface {
	// Tally returns how many deliveries it has dealt with.
	Tally(ctx context.Context, most int) (int, error)
	// TallyLater returns the id to go on after, 0 at the end.
	TallyLater(ctx context.Context, after int64, most int) (next int64, err error)
}

// restBusy and restIdle are how much longer than it works the indexer rests: while
// deliveries are under way it takes a twentieth of a processor, otherwise half.
const (
	restBusy = 19
	restIdle = 1
)

// indexer indexes or counts deliveries behind the back of those that deliver.
type indexer struct {
	// fresh deals with up to batch deliveries that are new, and says how many it found.
	fresh func(ctx context.Context, most int) (int, error)
	// over deals with those that were not over then; it returns the id to go on after.
	over  func(ctx context.Context, after int64, most int) (int64, error)
	batch int
	// failed is what to tell if it fails, and works if it does again.
	failed, works string
	log           *slog.Logger
	// busy says that deliveries are under way.
	busy func() bool
	// later is the job after which those that were not over are looked at next.
	later   int64
	failing bool
}

func newSearchIndexer(s SearchStore, log *slog.Logger, busy func() bool) *indexer {
	return &indexer{
		fresh: s.IndexSearch, over: s.IndexLater, batch: indexBatch, log: log, busy: busy,
		failed: "cannot index deliveries; searching them by text is slow meanwhile", works: "deliveries are indexed again",
	}
}

func newTallier(s TallyStore, log *slog.Logger, busy func() bool) *indexer {
	return &indexer{
		fresh: s.Tally, over: s.TallyLater, batch: tallyBatch, log: log, busy: busy,
		failed: "cannot count deliveries; charts of them are slow or estimated meanwhile", works: "deliveries are counted again",
	}
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
	n, err := x.fresh(ctx, x.batch)
	if err != nil {
		return false, err
	}
	x.later, err = x.over(ctx, x.later, x.batch)
	return n == x.batch, err
}

// tell tells once when it fails, and once when it works again.
func (x *indexer) tell(err error) {
	switch {
	case err != nil && !x.failing:
		x.log.Warn(x.failed, "error", err)
	case err == nil && x.failing:
		x.log.Info(x.works)
	}
	x.failing = err != nil
}

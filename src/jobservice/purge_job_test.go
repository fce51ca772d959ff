package jobservice

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/jobservice/job"
)

// purgeTable is a PurgeStore that holds some batches of old rows.
type purgeTable struct {
	jobs, events []int // the sizes of the batches to come
	asked        []int64
	purgeErr     error
}

func (s *purgeTable) Purge(_ context.Context, _ time.Duration, after int64, _ int) (next int64, purged int, err error) {
	s.asked = append(s.asked, after)
	if s.purgeErr != nil || len(s.jobs) == 0 {
		return 0, 0, s.purgeErr
	}
	purged, s.jobs = s.jobs[0], s.jobs[1:]
	return after + 10, purged, nil
}

func (s *purgeTable) PurgeEvents(context.Context, time.Duration, int) (int, error) {
	if len(s.events) == 0 {
		return 0, nil
	}
	n := s.events[0]
	s.events = s.events[1:]
	return n, nil
}

func TestOldDeliveriesAreRemovedBatchByBatch(t *testing.T) {
	t.Parallel()
	s := &purgeTable{jobs: []int{1000, 0, 3}, events: []int{purgeBatch, 7, 9}}
	p := &purgeJob{store: s, log: slog.New(slog.DiscardHandler), stopping: t.Context()}
	if p.Priority() != job.JobPriorityLow {
		t.Errorf("priority %d", p.Priority())
	}
	p.Run(t.Context(), nil)
	// A batch without final jobs is not the end.
	if want := []int64{0, 10, 20, 30}; !slices.Equal(s.asked, want) {
		t.Errorf("asked for jobs after %v, want %v", s.asked, want)
	}
	if len(s.events) != 1 {
		t.Errorf("%d batches of events are left; a short one is the last", len(s.events))
	}
}

func TestAFailedPurgeEndsUntilTheNextTime(t *testing.T) {
	t.Parallel()
	s := &purgeTable{purgeErr: errors.New("the database is away"), events: []int{1}}
	p := &purgeJob{store: s, log: slog.New(slog.DiscardHandler), stopping: t.Context()}
	p.Run(t.Context(), nil)
	if len(s.asked) != 1 || len(s.events) != 1 {
		t.Errorf("asked %d times, %d batches of events left", len(s.asked), len(s.events))
	}
}

func TestAPurgeIsAskedForOnce(t *testing.T) {
	t.Parallel()
	q := newLine()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := &purgeJob{log: slog.New(slog.DiscardHandler)}
	if err := p.schedule(ctx, q); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(q.others, []string{kindPurge}) {
		t.Errorf("hinted %q", q.others)
	}
}

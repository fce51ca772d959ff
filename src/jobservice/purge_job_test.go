package jobservice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/harborhook/harborhook/src/jobservice/job"
)

// purgeTable is a PurgeStore that holds some batches of old rows.
type purgeTable struct {
	jobs, events []int // the sizes of the batches to come
	asked        []int64
	purgeErr     error
	surplus      map[int64]int64
	ofPolicies   []string // what was asked for
}

func (s *purgeTable) Purge(_ context.Context, _ time.Duration, after int64, _ int) (next int64, purged int, err error) {
	s.asked = append(s.asked, after)
	if s.purgeErr != nil || len(s.jobs) == 0 {
		return 0, 0, s.purgeErr
	}
	purged, s.jobs = s.jobs[0], s.jobs[1:]
	return after + 10, purged, nil
}

func (s *purgeTable) Surplus(_ context.Context, keep int) (map[int64]int64, error) {
	s.ofPolicies = append(s.ofPolicies, fmt.Sprintf("beyond %d", keep))
	return s.surplus, nil
}

func (s *purgeTable) PurgeSurplus(_ context.Context, policyID, newest int64, age time.Duration, after int64, most int) (next int64, purged int, err error) {
	s.ofPolicies = append(s.ofPolicies, fmt.Sprintf("policy %d after %d up to %d, %d older than %s", policyID, after, newest, most, age))
	if after+10 > newest {
		return 0, 0, nil
	}
	return after + 10, 10, nil
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
	p := &purgeJob{store: s, log: slog.New(slog.DiscardHandler), stopping: t.Context(), hold: never}
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
	p := &purgeJob{store: s, log: slog.New(slog.DiscardHandler), stopping: t.Context(), hold: never}
	p.Run(t.Context(), nil)
	if len(s.asked) != 1 || len(s.events) != 1 {
		t.Errorf("asked %d times, %d batches of events left", len(s.asked), len(s.events))
	}
}

func never() bool { return false }

func TestWhatPoliciesHaveBeyondTheirCountIsRemoved(t *testing.T) {
	t.Parallel()
	s := &purgeTable{surplus: map[int64]int64{7: 25}}
	p := &purgeJob{store: s, log: slog.New(slog.DiscardHandler), stopping: t.Context(), hold: never, age: time.Hour}
	p.Run(t.Context(), nil)
	if len(s.ofPolicies) != 0 {
		t.Errorf("without a count: %q", s.ofPolicies)
	}
	p.keep = 100
	p.Run(t.Context(), nil)
	// The last day is kept whatever the count is.
	want := []string{"beyond 100"}
	for _, after := range []int{0, 10, 20} {
		want = append(want, fmt.Sprintf("policy 7 after %d up to 25, 1000 older than 24h0m0s", after))
	}
	if !slices.Equal(s.ofPolicies, want) {
		t.Errorf("asked for %q, want %q", s.ofPolicies, want)
	}
}

func TestAPausedPurgeRemovesNothingMore(t *testing.T) {
	t.Parallel()
	s := &purgeTable{jobs: []int{1000, 1000, 1000}, events: []int{1}, surplus: map[int64]int64{7: 25}}
	var log syncBuffer
	p := &purgeJob{store: s, log: slog.New(slog.NewTextHandler(&log, nil)), stopping: t.Context(), keep: 1, hold: func() bool { return len(s.asked) == 2 }}
	p.Run(t.Context(), nil)
	if len(s.asked) != 2 || len(s.ofPolicies) != 0 || len(s.events) != 1 {
		t.Errorf("asked for jobs after %v, for %q, and %d batches of events are left", s.asked, s.ofPolicies, len(s.events))
	}
	if strings.Contains(log.String(), "level=WARN") {
		t.Errorf("logged %s", log.String())
	}
}

// A purge is asked for at the start and each hour, as soon as the switches let it, and
// again when it failed or was held in the middle.
func TestWhenAPurgeIsAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, held := newLine(), atomic.Bool{}
		held.Store(true)
		s := &purgeTable{jobs: []int{1000}}
		p := &purgeJob{store: s, log: slog.New(slog.DiscardHandler), stopping: t.Context(), hold: held.Load, unfinished: make(chan struct{}, 1)}
		go func() { _ = p.schedule(t.Context(), q) }()
		asked := func(after time.Duration, want int, why string) {
			t.Helper()
			<-time.After(after) // of the clock of the bubble
			synctest.Wait()
			q.mu.Lock()
			defer q.mu.Unlock()
			if len(q.others) != want {
				t.Errorf("%s: asked for %d purges, want %d", why, len(q.others), want)
			}
		}
		asked(time.Minute, 0, "held")
		held.Store(false)
		asked(lookAtHoldEvery, 1, "not held any more")
		p.Run(t.Context(), nil)
		asked(purgeEvery-time.Second, 1, "before the hour is over")
		asked(time.Second, 2, "after an hour")

		held.Store(true)
		p.Run(t.Context(), nil)
		asked(time.Minute, 2, "held when it began")
		held.Store(false)
		asked(lookAtHoldEvery, 3, "may go on")

		s.purgeErr = errors.New("the database is away")
		p.Run(t.Context(), nil)
		asked(purgeAgain, 4, "failed")
	})
}

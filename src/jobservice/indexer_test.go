package jobservice

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// searchTable is a SearchStore with some deliveries that are not indexed.
type searchTable struct {
	left  int
	asked []int64 // after which IndexLater was called
	err   error
	done  func()
}

func (s *searchTable) IndexSearch(_ context.Context, most int) (int, error) {
	n := min(most, s.left)
	s.left -= n
	return n, s.err
}

func (s *searchTable) IndexLater(_ context.Context, after int64, _ int) (int64, error) {
	s.asked = append(s.asked, after)
	if s.left == 0 && s.done != nil {
		s.done()
	}
	return (after + 7) % 14, nil
}

func (s *searchTable) Tally(context.Context, int) (int, error)               { return 0, nil }
func (s *searchTable) TallyLater(context.Context, int64, int) (int64, error) { return 0, nil }

func TestEverythingIsIndexedBatchByBatch(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := &searchTable{left: 2*indexBatch + 1, done: cancel}
	x := newSearchIndexer(s, slog.New(slog.DiscardHandler), func() bool { return false })
	if err := x.run(ctx); err != nil {
		t.Fatal(err)
	}
	if want := []int64{0, 7, 0}; !slices.Equal(s.asked, want) {
		t.Errorf("looked at jobs for later after %v, want %v", s.asked, want)
	}
}

func TestAFailedIndexIsToldOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &searchTable{err: errors.New("the database is away")}
	x := newSearchIndexer(s, slog.New(slog.NewTextHandler(&log, nil)), nil)
	for range 2 {
		_, err := x.pass(t.Context())
		x.tell(err)
	}
	x.tell(nil)
	if got := strings.Count(log.String(), "cannot index"); got != 1 {
		t.Errorf("told %d times: %s", got, log.String())
	}
	if !strings.Contains(log.String(), "indexed again") {
		t.Errorf("did not tell that it works again: %s", log.String())
	}
}

func TestTheIndexerRestsWhileDeliveriesAreUnderWay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		busy, more   bool
		worked, want time.Duration
	}{
		{false, true, time.Second, time.Second},
		{false, false, time.Minute, indexEvery},
		{true, true, time.Second, 19 * time.Second},
		{true, true, time.Millisecond, indexEvery},
	} {
		x := &indexer{busy: func() bool { return tc.busy }}
		if got := x.rest(tc.worked, tc.more); got != tc.want {
			t.Errorf("busy %t, more %t: rests %s after %s, want %s", tc.busy, tc.more, got, tc.worked, tc.want)
		}
	}
}

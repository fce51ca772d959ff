package jobservice

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice/job"
)

// bulkTable is a BulkStore that answers steps one after the other.
type bulkTable struct {
	unfinished []int64
	steps      []hook.BulkStep
	stepped    []int64
	stepErr    error
}

func (s *bulkTable) UnfinishedBulks(_ context.Context, most int) ([]int64, error) {
	return s.unfinished[:min(most, len(s.unfinished))], nil
}

func (s *bulkTable) StepBulk(_ context.Context, id int64, _ int, _ time.Duration) (hook.BulkStep, error) {
	s.stepped = append(s.stepped, id)
	if s.stepErr != nil || len(s.steps) == 0 {
		return hook.BulkStep{}, s.stepErr
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	return step, nil
}

func newBulkJob(t *testing.T, s *bulkTable, submitted *[]int64) *bulkJob {
	t.Helper()
	return &bulkJob{
		hold:  func() bool { return false },
		store: s, every: time.Hour, log: slog.New(slog.DiscardHandler), stopping: t.Context(),
		submit: func(_ context.Context, ids []int64) error {
			*submitted = append(*submitted, ids...)
			return errors.New("the queue is away") // which does not matter
		},
	}
}

func TestABulkGoesOnStepByStep(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		steps              []hook.BulkStep
		err                error
		stepped, submitted []int64
	}{
		"to its end":                    {[]hook.BulkStep{{IDs: []int64{1, 2}, More: true}, {IDs: []int64{3}, More: true}, {}}, nil, []int64{7, 7, 7}, []int64{1, 2, 3}},
		"until its jobs must be waited": {[]hook.BulkStep{{IDs: []int64{1}, More: true}, {More: true, Wait: true}, {More: true}}, nil, []int64{7, 7}, []int64{1}},
		"until it fails":                {nil, errors.New("the database is away"), []int64{7}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var submitted []int64
			s := &bulkTable{steps: tc.steps, stepErr: tc.err}
			b := newBulkJob(t, s, &submitted)
			if b.Priority() != job.JobPriorityNormal {
				t.Errorf("priority %d", b.Priority())
			}
			b.Run(t.Context(), []int64{7})
			if !slices.Equal(s.stepped, tc.stepped) || !slices.Equal(submitted, tc.submitted) {
				t.Errorf("stepped %v, submitted %v", s.stepped, submitted)
			}
		})
	}
}

func TestUnfinishedBulksAreHinted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		unfinished []int64
		want       []string
	}{
		"none": {nil, nil},
		"some": {[]int64{3, 4, 5}, []string{kindBulk}},
	} {
		q := newLine()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b := newBulkJob(t, &bulkTable{unfinished: tc.unfinished}, new([]int64))
		if err := b.schedule(ctx, q); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(q.others, tc.want) {
			t.Errorf("%s: hinted %q", name, q.others)
		}
	}
}

func TestABulkHoldsWhileNothingMayBeSent(t *testing.T) {
	t.Parallel()
	steps := 0
	b := &bulkJob{store: stepCounter{&steps}, hold: func() bool { return true }, stopping: t.Context(), log: slog.New(slog.DiscardHandler)}
	b.Run(t.Context(), []int64{1})
	if err := b.hint(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if steps != 0 {
		t.Errorf("%d steps were made", steps)
	}
}

// stepCounter is a BulkStore that counts what is asked of it.
type stepCounter struct{ asked *int }

func (s stepCounter) UnfinishedBulks(context.Context, int) ([]int64, error) {
	*s.asked++
	return nil, nil
}

func (s stepCounter) StepBulk(context.Context, int64, int, time.Duration) (hook.BulkStep, error) {
	*s.asked++
	return hook.BulkStep{}, nil
}

package webhook

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

// jobStore knows the ids of jobs that match, and answers as it is told.
type jobStore struct {
	matching []int64
	answer   hook.Redelivery
	err      error

	filter      hook.JobFilter
	redelivered []int64
	submitted   []int64
	why         string
	by          *hook.AuditEntry
}

func (s *jobStore) Jobs(_ context.Context, _ int64, f hook.JobFilter, _ hook.JobPage) ([]hook.Job, int, error) {
	s.filter = f
	return nil, len(s.matching), s.err
}

func (s *jobStore) JobIDs(_ context.Context, _ int64, f hook.JobFilter, limit int) ([]int64, error) {
	s.filter = f
	return s.matching[:min(limit, len(s.matching))], s.err
}

func (s *jobStore) Redeliver(_ context.Context, _ int64, ids []int64, by *hook.AuditEntry) (hook.Redelivery, error) {
	s.redelivered, s.by = ids, by
	return s.answer, s.err
}

func (s *jobStore) CreateBulk(_ context.Context, b *hook.Bulk, by *hook.AuditEntry) error {
	b.ID, s.by = 5, by
	return s.err
}

func (s *jobStore) StopJob(_ context.Context, _, _ int64, why string, by *hook.AuditEntry) error {
	s.why, s.by = why, by
	return s.err
}

func (s *jobStore) Submit(ids []int64) { s.submitted = append(s.submitted, ids...) }

func alice() *hook.AuditEntry { return &hook.AuditEntry{Actor: "alice"} }

func TestARedeliveryIsSubmitted(t *testing.T) {
	t.Parallel()
	s := &jobStore{answer: hook.Redelivery{IDs: []int64{7}}}
	id, err := NewDeliveries(s, s).Redeliver(t.Context(), 1, 3, alice())
	if err != nil || id != 7 || !slices.Equal(s.redelivered, []int64{3}) || !slices.Equal(s.submitted, []int64{7}) || s.by == nil {
		t.Errorf("got %d, %v; store %+v", id, err, s)
	}
}

func TestWhatCannotBeRedelivered(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		store jobStore
		want  error
	}{
		"a refused job":  {jobStore{answer: hook.Redelivery{Refused: map[int64]string{3: "it runs"}}}, hook.ErrConflict},
		"an unknown job": {jobStore{}, hook.ErrNotFound},
		"no database":    {jobStore{err: hook.ErrUnavailable}, hook.ErrUnavailable},
	} {
		if _, err := NewDeliveries(&tc.store, &tc.store).Redeliver(t.Context(), 1, 3, alice()); !errors.Is(err, tc.want) || tc.store.submitted != nil {
			t.Errorf("%s: %v, submitted %v", name, err, tc.store.submitted)
		}
	}
}

func TestRedeliveringAllLeavesOutWhatRuns(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		asked, want []hook.Status
	}{
		"any status": {nil, []hook.Status{hook.StatusPending, hook.StatusScheduled, hook.StatusFinished, hook.StatusError, hook.StatusStopped}},
		"some":       {[]hook.Status{hook.StatusRunning, hook.StatusError}, []hook.Status{hook.StatusError}},
		"only those": {[]hook.Status{hook.StatusRunning}, nil},
	} {
		s := &jobStore{matching: []int64{3, 4}, answer: hook.Redelivery{IDs: []int64{7, 8}}}
		d := NewDeliveries(s, s)
		count, err := d.Count(t.Context(), 1, hook.JobFilter{Statuses: tc.asked})
		if err != nil || count != 2 && tc.want != nil || count != 0 && tc.want == nil {
			t.Errorf("%s: counted %d, %v", name, count, err)
		}
		if _, err := d.RedeliverAll(t.Context(), 1, hook.JobFilter{Statuses: tc.asked}, alice()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, s.filter.Statuses); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if tc.want == nil && s.redelivered != nil || tc.want != nil && !slices.Equal(s.submitted, []int64{7, 8}) {
			t.Errorf("%s: redelivered %v, submitted %v", name, s.redelivered, s.submitted)
		}
	}
}

func TestManyJobsBecomeABulk(t *testing.T) {
	t.Parallel()
	s := &jobStore{matching: make([]int64, MaxRedelivered+1)}
	by := alice()
	got, err := NewDeliveries(s, s).RedeliverAll(t.Context(), 1, hook.JobFilter{Repository: "app"}, by)
	if err != nil {
		t.Fatal(err)
	}
	want := &hook.Bulk{ID: 5, ProjectID: 1, Filter: s.filter, Total: MaxRedelivered + 1, StartedBy: "alice"}
	if diff := cmp.Diff(want, got.Bulk); diff != "" || s.redelivered != nil || s.by != by {
		t.Errorf("redelivered %d, bulk (-want +got):\n%s", len(s.redelivered), diff)
	}
	s.matching = s.matching[1:]
	got, err = NewDeliveries(s, s).RedeliverAll(t.Context(), 1, hook.JobFilter{}, alice())
	if err != nil || got.Bulk != nil || len(s.redelivered) != MaxRedelivered {
		t.Errorf("got %+v, %v, redelivered %d", got, err, len(s.redelivered))
	}
}

func TestWhoStoppedAJobIsTold(t *testing.T) {
	t.Parallel()
	s := &jobStore{}
	if err := NewDeliveries(s, s).Stop(t.Context(), 1, 3, alice()); err != nil || s.why != "stopped by alice" || s.by == nil {
		t.Errorf("got %v, %q", err, s.why)
	}
}

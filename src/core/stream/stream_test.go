package stream

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

// table is a Store in memory.
type table struct {
	mu    sync.Mutex
	jobs  map[int64]hook.Job
	err   error
	polls int
}

func (s *table) put(j hook.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs == nil {
		s.jobs = map[int64]hook.Job{}
	}
	j.UpdateTime = time.Now()
	s.jobs[j.ID] = j
}

func (s *table) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *table) polled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polls
}

func (s *table) pick(wanted func(hook.Job) bool) []hook.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []hook.Job
	for _, j := range s.jobs {
		if wanted(j) {
			found = append(found, j)
		}
	}
	slices.SortFunc(found, func(a, b hook.Job) int { return int(a.ID - b.ID) })
	return found
}

func (s *table) NewestJob(context.Context) (int64, error) {
	newest := int64(0)
	for _, j := range s.pick(func(hook.Job) bool { return true }) {
		newest = max(newest, j.ID)
	}
	return newest, s.err
}

func (s *table) JobsAfter(_ context.Context, after int64, others []int64, most int) ([]hook.Job, error) {
	s.mu.Lock()
	s.polls++
	err := s.err
	s.mu.Unlock()
	found := s.pick(func(j hook.Job) bool { return j.ID > after || slices.Contains(others, j.ID) })
	return found[:min(most, len(found))], err
}

func (s *table) JobTimes(_ context.Context, ids []int64) (map[int64]time.Time, error) {
	times := map[int64]time.Time{}
	for _, j := range s.pick(func(j hook.Job) bool { return slices.Contains(ids, j.ID) }) {
		times[j.ID] = j.UpdateTime
	}
	return times, s.err
}

func (s *table) UnfinishedJobs(_ context.Context, projectID int64, _ int) (map[int64]time.Time, error) {
	times := map[int64]time.Time{}
	for _, j := range s.pick(func(j hook.Job) bool { return j.ProjectID == projectID && !j.Status.Final() }) {
		times[j.ID] = j.UpdateTime
	}
	return times, s.err
}

func (s *table) LightJobs(_ context.Context, ids []int64) ([]hook.Job, error) {
	return s.pick(func(j hook.Job) bool { return slices.Contains(ids, j.ID) }), s.err
}

// running runs a hub until the test ends.
func running(t *testing.T, s *table) (h *Hub, stop func()) {
	t.Helper()
	h = New(s, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	return h, func() { cancel(); <-done }
}

func listen(t *testing.T, h *Hub, project int64) *Listener {
	t.Helper()
	l, err := h.Listen(t.Context(), project)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

type state struct {
	ID     int64
	Status hook.Status
}

// next returns the next change, and how long it took to come.
func next(t *testing.T, l *Listener) (state, time.Duration) {
	t.Helper()
	began := time.Now()
	select {
	case j, more := <-l.Changes:
		if !more {
			t.Fatalf("no more changes: %v", l.Err())
		}
		return state{j.ID, j.Status}, time.Since(began)
	case <-time.After(time.Minute):
		t.Fatal("no change")
		return state{}, 0
	}
}

func wantNext(t *testing.T, l *Listener, want state, within time.Duration) {
	t.Helper()
	got, took := next(t, l)
	if diff := cmp.Diff(want, got); diff != "" || took > within {
		t.Errorf("after %v (-want +got):\n%s", took, diff)
	}
}

func TestEveryChangeIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		s.put(hook.Job{ID: 1, ProjectID: 1, Status: hook.StatusFinished})
		s.put(hook.Job{ID: 2, ProjectID: 1, Status: hook.StatusScheduled})
		h, stop := running(t, s)
		defer stop()
		l := listen(t, h, 1)

		s.put(hook.Job{ID: 3, ProjectID: 1, Status: hook.StatusPending})
		wantNext(t, l, state{3, hook.StatusPending}, 50*time.Millisecond)
		s.put(hook.Job{ID: 3, ProjectID: 1, Status: hook.StatusRunning})
		wantNext(t, l, state{3, hook.StatusRunning}, 50*time.Millisecond)
		s.put(hook.Job{ID: 4, ProjectID: 2, Status: hook.StatusPending}) // another project's
		s.put(hook.Job{ID: 6, ProjectID: 1, Status: hook.StatusFinished})
		wantNext(t, l, state{6, hook.StatusFinished}, 50*time.Millisecond)
		s.put(hook.Job{ID: 5, ProjectID: 1, Status: hook.StatusPending}) // its transaction took longer
		wantNext(t, l, state{5, hook.StatusPending}, 50*time.Millisecond)
		s.put(hook.Job{ID: 2, ProjectID: 1, Status: hook.StatusFinished}) // was there before
		wantNext(t, l, state{2, hook.StatusFinished}, time.Second)

		<-time.After(time.Minute) // nothing changes any more; fake time
		s.put(hook.Job{ID: 3, ProjectID: 1, Status: hook.StatusFinished})
		wantNext(t, l, state{3, hook.StatusFinished}, time.Second)
		if len(l.Changes) > 0 {
			t.Errorf("told of %d more", len(l.Changes))
		}
	})
}

func TestWhatThisProcessDoesIsToldAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		h, stop := running(t, s)
		defer stop()
		l := listen(t, h, 1)
		<-time.After(wakeGap)
		for id := range int64(20) {
			s.put(hook.Job{ID: id + 1, ProjectID: 1, Status: hook.StatusPending})
			h.Wake()
			wantNext(t, l, state{id + 1, hook.StatusPending}, wakeGap)
		}
	})
}

func TestTheHubIsWokenInVainWithoutListeners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		h, stop := running(t, s)
		defer stop()
		listen(t, h, 1).Close()
		<-time.After(time.Second)
		before := s.polled()
		for range 100 {
			h.Wake()
			<-time.After(time.Millisecond)
		}
		if n := s.polled() - before; n != 0 || len(h.wake) != 0 {
			t.Errorf("read %d times", n)
		}
	})
}

func TestManyWakesAreFewLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		h, stop := running(t, s)
		defer stop()
		listen(t, h, 1)
		before := s.polled()
		for range 1000 {
			h.Wake()
			<-time.After(time.Millisecond)
		}
		if n := s.polled() - before; n > 201 {
			t.Errorf("read %d times in a second", n)
		}
	})
}

func TestTheDatabaseIsLeftAloneWhileNobodyListens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		h, stop := running(t, s)
		defer stop()
		<-time.After(time.Minute)
		if n := s.polled(); n != 0 {
			t.Errorf("read %d times", n)
		}
		l := listen(t, h, 1)
		l.Close()
		l.Close()
		<-time.After(time.Second)
		before := s.polled()
		<-time.After(time.Minute)
		if n := s.polled(); n != before {
			t.Errorf("read %d times after the last one left", n-before)
		}
		again := listen(t, h, 1)
		s.put(hook.Job{ID: 9, ProjectID: 1, Status: hook.StatusPending})
		wantNext(t, again, state{9, hook.StatusPending}, 50*time.Millisecond)
	})
}

func TestASlowListenerIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		h, stop := running(t, s)
		defer stop()
		slow := listen(t, h, 1)
		for id := range int64(buffered + 1) {
			s.put(hook.Job{ID: id + 1, ProjectID: 1, Status: hook.StatusFinished})
		}
		<-time.After(time.Second)
		n := 0
		for range slow.Changes {
			n++
		}
		if n != buffered || !errors.Is(slow.Err(), ErrSlow) {
			t.Errorf("got %d changes, then %v", n, slow.Err())
		}
	})
}

func TestNothingIsLostWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		h, stop := running(t, s)
		defer stop()
		l := listen(t, h, 1)
		s.fail(errors.New("away"))
		<-time.After(time.Minute)
		s.put(hook.Job{ID: 1, ProjectID: 1, Status: hook.StatusPending})
		s.fail(nil)
		wantNext(t, l, state{1, hook.StatusPending}, errorPause+pollEvery)
	})
}

func TestListenersAreBoundedAndDroppedAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, stop := running(t, &table{})
		var all []*Listener
		for range MaxListeners {
			all = append(all, listen(t, h, 1))
		}
		if _, err := h.Listen(t.Context(), 1); !errors.Is(err, ErrTooMany) {
			t.Errorf("one too many: %v", err)
		}
		all[0].Close()
		all[0] = listen(t, h, 1)
		stop()
		for _, l := range all {
			if _, more := <-l.Changes; more || !errors.Is(l.Err(), ErrStopped) {
				t.Fatalf("at the end: %v", l.Err())
			}
		}
		if _, err := h.Listen(t.Context(), 1); !errors.Is(err, ErrStopped) {
			t.Errorf("after the end: %v", err)
		}
	})
}

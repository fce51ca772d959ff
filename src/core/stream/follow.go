package stream

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

const (
	// pollEvery bounds, with the time a query takes, how late a change of another
	// process is told.
	pollEvery = 25 * time.Millisecond
	// wakeGap is the least time between two looks, however often the hub is woken.
	wakeGap = 5 * time.Millisecond
	// restEvery is how often jobs are looked at that have not changed for hotFor.
	restEvery = 500 * time.Millisecond
	hotFor    = 3 * time.Second
	// gapFor is how long an id that was left out may still appear: its transaction is
	// open.
	gapFor = 10 * time.Second
	// The most new jobs of one poll, ids that were left out, jobs of a project that
	// are followed, and jobs that are looked at together.
	pollBatch  = 1000
	mostGaps   = 2000
	mostOpen   = 20_000
	restBatch  = 5000
	errorPause = time.Second
)

// followed is a job that is not over.
type followed struct {
	project   int64
	changed   time.Time // by the database
	noticedAt time.Time // by this process
}

// follower knows what listeners know already. Only Run uses it.
type follower struct {
	hub  *Hub
	last int64
	// gaps are the ids below last that were not seen, with the time they were missed.
	gaps map[int64]time.Time
	open map[int64]followed
	// projects are those whose open jobs are followed.
	projects map[int64]bool
	restedAt time.Time
	restFrom int64
}

// Run tells listeners what happens until ctx ends; then it drops them.
func (h *Hub) Run(ctx context.Context) error {
	defer h.stop()
	var f *follower
	timer := time.NewTimer(0)
	defer timer.Stop()
	failing := false
	var looked time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.wake:
			if !rest(ctx, wakeGap-time.Since(looked)) {
				return nil
			}
		case <-timer.C:
		}
		looked = time.Now()
		if !h.heard() {
			f = nil
			continue
		}
		if f == nil {
			f = &follower{hub: h, last: -1, gaps: map[int64]time.Time{}, open: map[int64]followed{}, projects: map[int64]bool{}}
		}
		err := f.poll(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			h.log.Warn("listeners are not told of deliveries", "error", err)
		}
		if failing = err != nil; failing {
			timer.Reset(errorPause)
		} else {
			timer.Reset(h.pollEvery)
		}
	}
}

// rest waits, and says whether ctx goes on.
func rest(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// heard says whether anybody listens.
func (h *Hub) heard() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.listeners) > 0
}

// poll looks for changes and tells them.
func (f *follower) poll(ctx context.Context) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	if err := f.fresh(ctx); err != nil {
		return err
	}
	return f.changed(ctx)
}

// begin makes ready those who have come since the last poll.
func (f *follower) begin(ctx context.Context) error {
	if f.last < 0 {
		last, err := f.hub.store.NewestJob(ctx)
		if err != nil {
			return err
		}
		f.last = last
	}
	projects, waiting := f.hub.audience()
	for p := range projects {
		if f.projects[p] {
			continue
		}
		open, err := f.hub.store.UnfinishedJobs(ctx, p, mostOpen)
		if err != nil {
			return err
		}
		for id, at := range open {
			if _, ok := f.open[id]; !ok && id <= f.last {
				f.open[id] = followed{project: p, changed: at}
			}
		}
	}
	maps.DeleteFunc(f.open, func(_ int64, o followed) bool { return !projects[o.project] })
	f.projects = projects
	f.hub.welcome(waiting)
	return nil
}

// audience returns the projects that are listened to, and who is not ready yet.
func (h *Hub) audience() (projects map[int64]bool, waiting []*Listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	projects = map[int64]bool{}
	for l := range h.listeners {
		projects[l.project] = true
		if !l.known {
			waiting = append(waiting, l)
		}
	}
	return projects, waiting
}

func (h *Hub) welcome(waiting []*Listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range waiting {
		l.known = true
		close(l.ready)
	}
}

// fresh looks for new jobs. Ids come in order, but not their transactions: those
// that are left out are asked for again for a while.
func (f *follower) fresh(ctx context.Context) error {
	jobs, err := f.hub.store.JobsAfter(ctx, f.last, slices.Collect(maps.Keys(f.gaps)), pollBatch)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, j := range jobs {
		delete(f.gaps, j.ID)
		for id := f.last + 1; id < j.ID && len(f.gaps) < mostGaps; id++ {
			f.gaps[id] = now
		}
		f.last = max(f.last, j.ID)
		f.tell(j, now)
	}
	maps.DeleteFunc(f.gaps, func(_ int64, missed time.Time) bool { return now.Sub(missed) > gapFor })
	return nil
}

// changed looks at the jobs that were not over.
func (f *follower) changed(ctx context.Context) error {
	now := time.Now()
	ids := f.due(now)
	if len(ids) == 0 {
		return nil
	}
	times, err := f.hub.store.JobTimes(ctx, ids)
	if err != nil {
		return err
	}
	var changed []int64
	for _, id := range ids {
		switch at, ok := times[id]; {
		case !ok:
			delete(f.open, id)
		case !at.Equal(f.open[id].changed):
			changed = append(changed, id)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	jobs, err := f.hub.store.LightJobs(ctx, changed)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		f.tell(j, now)
	}
	return nil
}

// due returns the jobs that changed lately, and now and then some of the others.
func (f *follower) due(now time.Time) []int64 {
	var hot, rest []int64
	for id, o := range f.open {
		switch {
		case now.Sub(o.noticedAt) < hotFor:
			hot = append(hot, id)
		case now.Sub(f.restedAt) >= restEvery && id > f.restFrom:
			rest = append(rest, id)
		}
	}
	if now.Sub(f.restedAt) < restEvery {
		return hot
	}
	f.restedAt = now
	slices.Sort(rest)
	if len(rest) > restBatch {
		rest = rest[:restBatch]
		f.restFrom = rest[restBatch-1]
	} else {
		f.restFrom = 0
	}
	return append(hot, rest...)
}

func (f *follower) tell(j hook.Job, now time.Time) {
	if !f.projects[j.ProjectID] {
		return
	}
	if j.Status.Final() {
		delete(f.open, j.ID)
	} else if _, known := f.open[j.ID]; known || len(f.open) < 2*mostOpen {
		f.open[j.ID] = followed{project: j.ProjectID, changed: j.UpdateTime, noticedAt: now}
	}
	f.hub.tell(j)
}

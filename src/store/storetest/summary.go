package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// total adds up the steps of a summary.
func total(s hook.Summary) (delivered, failed int) {
	for _, step := range s.Steps {
		delivered, failed = delivered+step.Delivered, failed+step.Failed
	}
	return delivered, failed
}

func summary(t *testing.T, f *fixture) {
	other := f.newPolicy("other", "https://other.example.com")
	must(t, f.CreatePolicy(f.ctx, &other, nil))
	for i, end := range []hook.Status{hook.StatusFinished, hook.StatusFinished, hook.StatusError, hook.StatusPending} {
		id := f.accept(t, fmt.Sprintf("e%d", i), f.policy)[0]
		if end == hook.StatusPending {
			continue
		}
		result := hook.ResultOK
		if end == hook.StatusError {
			result = hook.ResultHTTPError
		}
		d := f.claimOne(t, id, lease)
		f.finish(t, hook.Outcome{JobID: id, Lease: d.Lease, Attempt: attempt(d.Number, result), Status: end})
	}
	f.accept(t, "e9", other)
	since := time.Now().Add(-time.Hour)
	for name, test := range map[string]struct {
		project           int64
		filter            hook.JobFilter
		delivered, failed int
	}{
		"all":             {f.project.ID, hook.JobFilter{Since: since}, 2, 1},
		"one policy":      {f.project.ID, hook.JobFilter{Since: since, PolicyID: other.ID}, 0, 0},
		"failed only":     {f.project.ID, hook.JobFilter{Since: since, Statuses: []hook.Status{hook.StatusError}}, 0, 1},
		"before":          {f.project.ID, hook.JobFilter{Since: since, Until: since.Add(time.Minute)}, 0, 0},
		"after":           {f.project.ID, hook.JobFilter{Since: time.Now().Add(time.Hour), Until: time.Now().Add(2 * time.Hour)}, 0, 0},
		"another project": {f.project.ID + 1, hook.JobFilter{Since: since}, 0, 0},
	} {
		got, err := f.Summary(f.ctx, test.project, test.filter, time.Hour)
		must(t, err)
		delivered, failed := total(got)
		if delivered != test.delivered || failed != test.failed || got.Estimated {
			t.Errorf("%s: %d delivered, %d failed, estimated %t", name, delivered, failed, got.Estimated)
		}
		if test.delivered > 0 && (got.P50 != 148*time.Millisecond || got.P95 != got.P50) {
			t.Errorf("%s: latency %s and %s", name, got.P50, got.P95)
		}
	}
	outcomes, err := f.RecentOutcomes(f.ctx, f.project.ID, []int64{f.policy.ID, other.ID, 77}, since)
	must(t, err)
	wantEqual(t, "outcomes", outcomes, map[int64]hook.Outcomes{f.policy.ID: {Delivered: 2, Failed: 1, Other: 1}, other.ID: {Other: 1}})
	outcomes, err = f.RecentOutcomes(f.ctx, f.project.ID+1, []int64{f.policy.ID}, since)
	must(t, err)
	wantEqual(t, "outcomes in another project", len(outcomes), 0)
}

func summaryOfMany(t *testing.T, f *fixture) {
	const many = 5000
	f.acceptMany(t, many, func(i int, j *hook.Job) {
		j.Status, j.StatusMessage = hook.StatusError, "not sendable"
		if i%25 == 0 {
			j.Tag = "rare"
		}
	})
	since := time.Now().Add(-time.Hour)
	got, err := f.Summary(f.ctx, f.project.ID, hook.JobFilter{Since: since}, time.Hour)
	must(t, err)
	if _, failed := total(got); !got.Estimated || failed < many*9/10 || failed > many*11/10 {
		t.Errorf("%d failed of %d, estimated %t", failed, many, got.Estimated)
	}
	for tag, want := range map[string]int{"latest": many * 24 / 25, "rare": many / 25, "none": 0} {
		got, err := f.Summary(f.ctx, f.project.ID, hook.JobFilter{Since: since, Tag: tag}, time.Hour)
		must(t, err)
		_, failed := total(got)
		if estimated := want > 4000; got.Estimated != estimated || failed != want && !estimated || failed < want*9/10 || failed > want*11/10 {
			t.Errorf("tag %s: %d failed of %d, estimated %t", tag, failed, want, got.Estimated)
		}
		_, n, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{Since: since, Tag: tag}, hook.JobPage{Limit: 1})
		must(t, err)
		wantEqual(t, "jobs of tag "+tag, n, want)
	}
	outcomes, err := f.RecentOutcomes(f.ctx, f.project.ID, []int64{f.policy.ID}, since)
	must(t, err)
	if o := outcomes[f.policy.ID]; o.More || o.Failed != many {
		t.Errorf("outcomes %+v", o)
	}
	f.tally(t)
	got, err = f.Summary(f.ctx, f.project.ID, hook.JobFilter{Since: since.Truncate(time.Hour)}, time.Hour)
	must(t, err)
	if _, failed := total(got); got.Estimated || failed != many {
		t.Errorf("counted: %d failed of %d, estimated %t", failed, many, got.Estimated)
	}
}

// acceptMany stores n events with a job each, which change may alter; n is a multiple of 500.
func (f *fixture) acceptMany(t *testing.T, n int, change func(i int, j *hook.Job)) {
	t.Helper()
	for i := 0; i < n; i += 500 {
		var note hook.Notification
		var jobs []hook.Job
		for k := i; k < i+500; k++ {
			e := f.event(fmt.Sprintf("e%d", k))
			j := f.job(e, f.policy)
			change(k, &j)
			note.Events, jobs = append(note.Events, e), append(jobs, j)
		}
		_, err := f.Accept(f.ctx, note, jobs)
		must(t, err)
	}
}

// Of very many jobs that wait some may be over, and nobody looks at all of them: what
// is counted says so, and lists are counted another way.
func summaryOfManyWaiting(t *testing.T, f *fixture) {
	const many = 5500
	f.acceptMany(t, many, func(int, *hook.Job) {})
	f.tally(t)
	over := f.accept(t, "over", f.policy)[0]
	f.end(t, over, hook.StatusFinished)
	since := time.Now().Add(-time.Hour).Truncate(time.Hour)
	got, err := f.Summary(f.ctx, f.project.ID, hook.JobFilter{Since: since}, time.Hour)
	must(t, err)
	if delivered, _ := total(got); delivered != 1 || !got.Estimated {
		t.Errorf("%d delivered, estimated %t", delivered, got.Estimated)
	}
	outcomes, err := f.RecentOutcomes(f.ctx, f.project.ID, []int64{f.policy.ID}, since)
	must(t, err)
	if o := outcomes[f.policy.ID]; !o.More || o.Delivered != 1 {
		t.Errorf("outcomes %+v", o)
	}
	_, n, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{Since: since, PolicyID: f.policy.ID}, hook.JobPage{Limit: 1})
	must(t, err)
	wantEqual(t, "jobs of the policy", n, many+1)
}

// tally counts everything, whatever its age.
func (f *fixture) tally(t *testing.T) {
	t.Helper()
	f.SetIndexAfter(0)
	for {
		n, err := f.Tally(f.ctx, 700)
		must(t, err)
		if n == 0 {
			return
		}
	}
}

// A summary is the same whether its jobs are counted, partly or not at all.
func tallied(t *testing.T, f *fixture) {
	other := f.newPolicy("other", "https://other.example.com")
	must(t, f.CreatePolicy(f.ctx, &other, nil))
	var waiting []int64
	for i, end := range []hook.Status{hook.StatusFinished, hook.StatusFinished, hook.StatusPending, hook.StatusError, hook.StatusFinished, hook.StatusPending, hook.StatusError} {
		ids := f.accept(t, fmt.Sprintf("e%d", i), f.policy, other)
		if end == hook.StatusPending {
			waiting = append(waiting, ids...)
			continue
		}
		for _, id := range ids {
			f.end(t, id, end)
		}
	}
	want := hook.Outcomes{Delivered: 3, Failed: 2, Other: 2}
	check := func(when string) {
		t.Helper()
		hour := time.Now().UTC().Truncate(time.Hour)
		for _, c := range []struct {
			since time.Time
			step  time.Duration
		}{{hour.Add(-time.Hour), time.Hour}, {time.Now().Add(-7 * time.Minute), time.Hour}, {hour.Add(-50 * time.Hour), 24 * time.Hour}, {hour.Add(-time.Hour), 5 * time.Minute}} {
			since, step := c.since, c.step
			for name, c := range map[string]struct {
				filter            hook.JobFilter
				delivered, failed int
			}{
				"all":             {hook.JobFilter{}, 2 * want.Delivered, 2 * want.Failed},
				"one policy":      {hook.JobFilter{PolicyID: other.ID}, want.Delivered, want.Failed},
				"an event type":   {hook.JobFilter{HookTypes: []hook.EventType{hook.PushImage}}, 2 * want.Delivered, 2 * want.Failed},
				"another type":    {hook.JobFilter{HookTypes: []hook.EventType{hook.PullImage}}, 0, 0},
				"failed":          {hook.JobFilter{Statuses: []hook.Status{hook.StatusError}}, 0, 2 * want.Failed},
				"delivered":       {hook.JobFilter{Statuses: []hook.Status{hook.StatusFinished}}, 2 * want.Delivered, 0},
				"waiting":         {hook.JobFilter{Statuses: []hook.Status{hook.StatusPending}}, 0, 0},
				"a repository":    {hook.JobFilter{Repository: "app"}, 2 * want.Delivered, 2 * want.Failed},
				"up to a moment":  {hook.JobFilter{Until: time.Now().Add(time.Second)}, 2 * want.Delivered, 2 * want.Failed},
				"before there is": {hook.JobFilter{Until: since.Add(time.Second)}, 0, 0},
			} {
				c.filter.Since = since
				got, err := f.Summary(f.ctx, f.project.ID, c.filter, step)
				must(t, err)
				if delivered, failed := total(got); delivered != c.delivered || failed != c.failed || got.Estimated {
					t.Errorf("%s, %s since %s: %d delivered, %d failed, estimated %t; want %d, %d", when, name, since, delivered, failed, got.Estimated, c.delivered, c.failed)
				}
				if c.delivered > 0 && (got.P50 < 140*time.Millisecond || got.P50 > 156*time.Millisecond) {
					t.Errorf("%s, %s: latency %s", when, name, got.P50)
				}
			}
			outcomes, err := f.RecentOutcomes(f.ctx, f.project.ID, []int64{f.policy.ID, other.ID}, since)
			must(t, err)
			wantEqual(t, when+": outcomes", outcomes, map[int64]hook.Outcomes{f.policy.ID: want, other.ID: want})
		}
	}
	check("not counted")
	n, err := f.Tally(f.ctx, 100)
	must(t, err)
	wantEqual(t, "young jobs that are counted", n, 0)
	f.SetIndexAfter(0)
	n, err = f.Tally(f.ctx, 5)
	must(t, err)
	wantEqual(t, "jobs of a batch", n, 5)
	check("partly counted")
	f.tally(t)
	check("counted")

	for i, id := range waiting {
		f.end(t, id, []hook.Status{hook.StatusFinished, hook.StatusError}[i%2])
	}
	want = hook.Outcomes{Delivered: 5, Failed: 2}
	other2 := hook.Outcomes{Delivered: 3, Failed: 4}
	wants := func(when string) {
		t.Helper()
		outcomes, err := f.RecentOutcomes(f.ctx, f.project.ID, []int64{f.policy.ID, other.ID}, time.Now().Add(-time.Hour).Truncate(time.Hour))
		must(t, err)
		wantEqual(t, when, outcomes, map[int64]hook.Outcomes{f.policy.ID: want, other.ID: other2})
	}
	wants("over since")
	for after := int64(0); ; {
		after, err = f.TallyLater(f.ctx, after, 3)
		must(t, err)
		if after == 0 {
			break
		}
		wants("counted later, in part")
	}
	wants("counted later")

	next, purged, err := f.Purge(f.ctx, 0, 0, 6)
	must(t, err)
	wantEqual(t, "purged", purged, 6)
	want, other2 = hook.Outcomes{Delivered: 2, Failed: 2}, hook.Outcomes{Delivered: 1, Failed: 3}
	wants("purged in part")
	_, _, err = f.Purge(f.ctx, 0, next, 100)
	must(t, err)
	outcomes, err := f.RecentOutcomes(f.ctx, f.project.ID, []int64{f.policy.ID, other.ID}, time.Now().Add(-time.Hour))
	must(t, err)
	wantEqual(t, "purged", len(outcomes), 0)
}

// end claims a job and ends it.
func (f *fixture) end(t *testing.T, id int64, status hook.Status) {
	t.Helper()
	result := hook.ResultOK
	if status == hook.StatusError {
		result = hook.ResultHTTPError
	}
	d := f.claimOne(t, id, lease)
	f.finish(t, hook.Outcome{JobID: id, Lease: d.Lease, Attempt: attempt(d.Number, result), Status: status})
}

// However many processes count, each job counts once.
func talliedOnce(t *testing.T, f *fixture) {
	var ids []int64
	for i := range 60 {
		id := f.accept(t, fmt.Sprintf("e%d", i), f.policy)[0]
		if ids = append(ids, id); i%3 > 0 {
			f.end(t, id, hook.StatusFinished)
		}
	}
	f.SetIndexAfter(0)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 30 {
				if _, err := f.Tally(f.ctx, 4); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	f.tally(t)
	for i := 0; i < 60; i += 3 {
		f.end(t, ids[i], hook.StatusFinished)
	}
	for range 4 {
		all.Go(func() {
			for after := int64(0); ; {
				var err error
				if after, err = f.TallyLater(f.ctx, after, 7); err != nil {
					t.Error(err)
				}
				if after == 0 {
					return
				}
			}
		})
	}
	all.Wait()
	got, err := f.Summary(f.ctx, f.project.ID, hook.JobFilter{Since: time.Now().Add(-time.Hour).Truncate(time.Hour)}, time.Hour)
	must(t, err)
	if delivered, _ := total(got); delivered != 60 {
		t.Errorf("%d delivered, want 60", delivered)
	}
}

func eventOfJob(t *testing.T, f *fixture) {
	f.accept(t, "e1", f.policy)
	e, err := f.EventOf(f.ctx, f.project.ID, "e1")
	must(t, err)
	wantEqual(t, "event", e.Repository, "app")
	_, err = f.EventOf(f.ctx, f.project.ID+1, "e1")
	wantError(t, err, hook.ErrNotFound)
}

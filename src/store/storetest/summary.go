package storetest

import (
	"fmt"
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
	outcomes, err := f.RecentOutcomes(f.ctx, f.project.ID, []int64{f.policy.ID, other.ID, 77}, since, 100)
	must(t, err)
	wantEqual(t, "outcomes", outcomes, map[int64]hook.Outcomes{f.policy.ID: {Delivered: 2, Failed: 1, Other: 1}, other.ID: {Other: 1}})
	outcomes, err = f.RecentOutcomes(f.ctx, f.project.ID+1, []int64{f.policy.ID}, since, 100)
	must(t, err)
	wantEqual(t, "outcomes in another project", len(outcomes), 0)
}

func summaryOfMany(t *testing.T, f *fixture) {
	const many = 5000
	for i := 0; i < many; i += 500 {
		var n hook.Notification
		var jobs []hook.Job
		for k := range 500 {
			e := f.event(fmt.Sprintf("e%d", i+k))
			j := f.job(e, f.policy)
			j.Status, j.StatusMessage = hook.StatusError, "not sendable"
			n.Events, jobs = append(n.Events, e), append(jobs, j)
		}
		_, err := f.Accept(f.ctx, n, jobs)
		must(t, err)
	}
	since := time.Now().Add(-time.Hour)
	got, err := f.Summary(f.ctx, f.project.ID, hook.JobFilter{Since: since}, time.Hour)
	must(t, err)
	if _, failed := total(got); !got.Estimated || failed < many*9/10 || failed > many*11/10 {
		t.Errorf("%d failed of %d, estimated %t", failed, many, got.Estimated)
	}
	outcomes, err := f.RecentOutcomes(f.ctx, f.project.ID, []int64{f.policy.ID}, since, 100)
	must(t, err)
	if o := outcomes[f.policy.ID]; !o.More || o.Failed != 101 {
		t.Errorf("outcomes %+v", o)
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

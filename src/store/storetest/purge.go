package storetest

import (
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func purged(t *testing.T, f *fixture) {
	done := f.accept(t, "e1", f.policy)[0]
	waiting := f.accept(t, "e2", f.policy)[0]
	d := f.claimOne(t, done, lease)
	f.finish(t, hook.Outcome{JobID: done, Lease: d.Lease, Attempt: attempt(1, hook.ResultOK), Status: hook.StatusFinished})

	next, n, err := f.Purge(f.ctx, time.Hour, 0, 10)
	must(t, err)
	events, err := f.PurgeEvents(f.ctx, time.Hour, 10)
	must(t, err)
	wantEqual(t, "next, jobs and events that are old", []int{int(next), n, events}, []int{0, 0, 0})

	next, n, err = f.Purge(f.ctx, 0, 0, 1)
	must(t, err)
	wantEqual(t, "next and jobs", []int{int(next), n}, []int{int(done), 1})
	next, n, err = f.Purge(f.ctx, 0, next, 10)
	must(t, err)
	wantEqual(t, "next and unfinished jobs", []int{int(next), n}, []int{int(waiting), 0})
	next, _, err = f.Purge(f.ctx, 0, next, 10)
	must(t, err)
	wantEqual(t, "next at the end", next, 0)
	_, err = f.JobByID(f.ctx, done)
	wantError(t, err, hook.ErrNotFound)
	attempts, err := f.Attempts(f.ctx, done)
	must(t, err)
	wantEqual(t, "attempts", len(attempts), 0)
	_, total, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{}, hook.JobPage{Limit: 10})
	must(t, err)
	wantEqual(t, "jobs that are left", total, 1)

	events, err = f.PurgeEvents(f.ctx, 0, 1)
	must(t, err)
	wantEqual(t, "events of one batch", events, 1)
	events, err = f.PurgeEvents(f.ctx, 0, 10)
	must(t, err)
	wantEqual(t, "events of the next", events, 1)
}

func waitingCounted(t *testing.T, f *fixture) {
	for _, id := range []string{"e1", "e2", "e3"} {
		f.accept(t, id, f.policy)
	}
	for most, want := range map[int]int{2: 2, 3: 3, 10: 3} {
		n, err := f.Waiting(f.ctx, most)
		must(t, err)
		wantEqual(t, "waiting", n, want)
	}
}

func surplusPurged(t *testing.T, f *fixture) {
	other := f.newPolicy("other", "https://other.example.com")
	must(t, f.CreatePolicy(f.ctx, &other, nil))
	ids := map[string]int64{}
	for _, event := range []string{"e1", "e2", "waits", "e3", "e4"} {
		ids[event] = f.accept(t, event, f.policy)[0]
		if event != "waits" {
			must(t, f.StopJob(f.ctx, f.project.ID, ids[event], "over", nil))
		}
	}
	must(t, f.StopJob(f.ctx, f.project.ID, f.accept(t, "o1", other)[0], "over", nil))
	must(t, f.DeletePolicy(f.ctx, f.project.ID, f.policy.ID, nil)) // and its waiting job is stopped
	waits := f.accept(t, "waits again", f.policy)[0]

	none, err := f.Surplus(f.ctx, 5)
	must(t, err)
	wantEqual(t, "nothing beyond five", none, map[int64]int64{})
	surplus, err := f.Surplus(f.ctx, 2)
	must(t, err)
	wantEqual(t, "beyond two", surplus, map[int64]int64{f.policy.ID: ids["waits"]})
	next, n, err := f.PurgeSurplus(f.ctx, f.policy.ID, ids["waits"], time.Hour, 0, 10)
	must(t, err)
	wantEqual(t, "next and purged while young", []int{int(next), n}, []int{0, 0})
	next, n, err = f.PurgeSurplus(f.ctx, f.policy.ID, ids["waits"], 0, 0, 2)
	must(t, err)
	wantEqual(t, "next and purged", []int{int(next), n}, []int{int(ids["e2"]), 2})
	next, n, err = f.PurgeSurplus(f.ctx, f.policy.ID, ids["waits"], 0, next, 2)
	must(t, err)
	wantEqual(t, "next and purged of the rest", []int{int(next), n}, []int{int(ids["waits"]), 1})
	next, _, err = f.PurgeSurplus(f.ctx, f.policy.ID, ids["waits"], 0, next, 2)
	must(t, err)
	wantEqual(t, "next at the end", next, 0)

	// What is unfinished stays, also beyond the count.
	_, n, err = f.PurgeSurplus(f.ctx, f.policy.ID, waits, 0, 0, 10)
	must(t, err)
	wantEqual(t, "purged up to a waiting job", n, 2)
	left, _, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{}, hook.JobPage{Limit: 10, Ascending: true})
	must(t, err)
	if len(left) != 2 || left[0].PolicyID != other.ID || left[1].ID != waits {
		t.Errorf("%d jobs are left: %+v", len(left), left)
	}
}

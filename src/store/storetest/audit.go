package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/harborhook/harborhook/src/hook"
)

// recorded returns the project's audit entries, oldest first.
func (f *fixture) recorded(t *testing.T, projectID int64) []hook.AuditEntry {
	t.Helper()
	entries, _, err := f.Audit(f.ctx, projectID, hook.JobPage{Limit: 100})
	must(t, err)
	oldest := make([]hook.AuditEntry, 0, len(entries))
	for i := range entries {
		e := entries[len(entries)-1-i]
		e.ID, e.At = 0, time.Time{}
		oldest = append(oldest, e)
	}
	return oldest
}

func auditedChanges(t *testing.T, f *fixture) {
	by := func(actor string, action hook.AuditAction) *hook.AuditEntry {
		return &hook.AuditEntry{ProjectID: f.project.ID, Actor: actor, Action: action}
	}
	over := f.accept(t, "e1", f.policy)[0]
	must(t, f.StopJob(f.ctx, f.project.ID, over, "over", nil))
	waiting := f.accept(t, "e2", f.policy)[0]
	f.openCircuit(t, deadOrigin, time.Minute)
	many, begun := hook.Bulk{ProjectID: f.project.ID, Total: 2000}, hook.Bulk{ProjectID: f.project.ID}
	must(t, f.CreateBulk(f.ctx, &begun, nil))
	fresh, changed := f.newPolicy("fresh", "https://x.example.com"), f.policy
	changed.Description = "changed"
	changes := []struct {
		action hook.AuditAction
		do     func(by *hook.AuditEntry) error
		undone func() bool // looks for what is left of a change that failed
	}{
		{hook.AuditCreate, func(by *hook.AuditEntry) error { return f.CreatePolicy(f.ctx, &fresh, by) }, func() bool {
			policies, err := f.Policies(f.ctx, f.project.ID)
			must(t, err)
			return len(policies) == 1
		}},
		{hook.AuditUpdate, func(by *hook.AuditEntry) error { return f.UpdatePolicy(f.ctx, &changed, by) }, func() bool {
			p, err := f.Policy(f.ctx, f.project.ID, f.policy.ID)
			must(t, err)
			return p.Description == ""
		}},
		{hook.AuditRedeliver, func(by *hook.AuditEntry) error {
			_, err := f.Redeliver(f.ctx, f.project.ID, []int64{over}, by)
			return err
		}, func() bool {
			_, total, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{}, hook.JobPage{Limit: 1})
			must(t, err)
			return total == 2
		}},
		{hook.AuditStop, func(by *hook.AuditEntry) error { return f.StopJob(f.ctx, f.project.ID, waiting, "by hand", by) }, func() bool {
			return f.read(t, waiting).Status == hook.StatusPending
		}},
		{hook.AuditCloseCircuit, func(by *hook.AuditEntry) error { return f.CloseCircuit(f.ctx, deadOrigin, by) }, func() bool {
			open, err := f.Circuits(f.ctx)
			must(t, err)
			return len(open) == 1
		}},
		{hook.AuditSwitch, func(by *hook.AuditEntry) error { return f.PauseQueue(f.ctx, hook.KindOfPurges, true, by) }, func() bool {
			set, err := f.Switches(f.ctx)
			must(t, err)
			return len(set.Paused) == 0
		}},
		{hook.AuditDelete, func(by *hook.AuditEntry) error { return f.DeletePolicy(f.ctx, f.project.ID, f.policy.ID, by) }, func() bool {
			_, err := f.Policy(f.ctx, f.project.ID, f.policy.ID)
			must(t, err)
			return true
		}},
		{hook.AuditRedeliver, func(by *hook.AuditEntry) error { return f.CreateBulk(f.ctx, &many, by) }, func() bool {
			bulks, err := f.UnfinishedBulks(f.ctx, 10)
			must(t, err)
			return len(bulks) == 1
		}},
		{hook.AuditStop, func(by *hook.AuditEntry) error { return f.StopBulk(f.ctx, f.project.ID, begun.ID, by) }, func() bool {
			b, err := f.Bulk(f.ctx, f.project.ID, begun.ID)
			must(t, err)
			return b.Status == hook.BulkPending
		}},
	}
	for _, c := range changes { // an entry without an actor cannot be stored
		if err := c.do(by("", c.action)); err == nil || !c.undone() {
			t.Errorf("%s without its entry: %v", c.action, err)
		}
	}
	wantEqual(t, "entries of what failed", len(f.recorded(t, f.project.ID)), 0)
	var want []hook.AuditEntry
	for _, c := range changes {
		must(t, c.do(by("alice", c.action)))
		want = append(want, *by("alice", c.action))
	}
	got := f.recorded(t, f.project.ID)
	wantEqual(t, "entries", got, want, cmpopts.IgnoreFields(hook.AuditEntry{}, "PolicyID", "Detail"))
	wantEqual(t, "policies that were acted on", []int64{got[0].PolicyID, got[1].PolicyID, got[6].PolicyID}, []int64{fresh.ID, f.policy.ID, f.policy.ID})
	if got[2].Detail == "" {
		t.Error("the redelivery does not say which job is new")
	}

	wantEqual(t, "what is said of the bulk", got[7].Detail, fmt.Sprintf("2000 jobs, as bulk %d", many.ID))

	again := f.newPolicy("fresh", "https://x.example.com")
	wantError(t, f.CreatePolicy(f.ctx, &again, by("alice", hook.AuditCreate)), hook.ErrConflict)
	wantError(t, f.StopJob(f.ctx, f.project.ID, waiting, "again", by("alice", hook.AuditStop)), hook.ErrConflict)
	wantError(t, f.StopBulk(f.ctx, f.project.ID, begun.ID, by("alice", hook.AuditStop)), hook.ErrConflict)
	wantEqual(t, "entries after what was refused", len(f.recorded(t, f.project.ID)), len(want))
}

func eventNames(t *testing.T, f *fixture) {
	e := f.event("e1")
	j := f.job(e, f.policy)
	j.EventName = "PUSH_ARTIFACT"
	ids, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{e}}, []hook.Job{j})
	must(t, err)
	d := f.claimOne(t, ids[0], lease)
	wantEqual(t, "name of the claimed job", d.EventName, "PUSH_ARTIFACT")
	f.finish(t, hook.Outcome{JobID: ids[0], Lease: d.Lease, Attempt: attempt(1, hook.ResultOK), Status: hook.StatusFinished})
	done, err := f.Redeliver(f.ctx, f.project.ID, ids, nil)
	must(t, err)
	wantEqual(t, "name of the job", f.read(t, ids[0]).EventName, "PUSH_ARTIFACT")
	wantEqual(t, "name of its redelivery", f.read(t, done.IDs[0]).EventName, "PUSH_ARTIFACT")
}

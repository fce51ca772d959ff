package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/harborhook/harborhook/src/hook"
)

func (f *fixture) switches(t *testing.T) hook.Switches {
	t.Helper()
	set, err := f.Switches(f.ctx)
	must(t, err)
	return set
}

// turn switches notifications on or off.
func (f *fixture) turn(t *testing.T, on bool) {
	t.Helper()
	must(t, f.ChangeSwitches(f.ctx, hook.SwitchChange{Notifications: &on}, nil))
}

func (f *fixture) keep(t *testing.T, kept hook.KeptEvents) {
	t.Helper()
	must(t, f.ChangeSwitches(f.ctx, hook.SwitchChange{KeptEvents: &kept}, nil))
}

func switches(t *testing.T, f *fixture) {
	wantEqual(t, "at first", f.switches(t), hook.Switches{Notifications: true, KeptEvents: hook.KeptSend})
	told := int64(0)
	change := func(what string, do func()) {
		before, err := f.SwitchesVersion(f.ctx)
		must(t, err)
		do()
		after, err := f.SwitchesVersion(f.ctx)
		must(t, err)
		if after <= before || before < told {
			t.Errorf("%s: the version went from %d to %d", what, before, after)
		}
		told = after
	}
	change("off", func() { f.turn(t, false) })
	change("drop", func() { f.keep(t, hook.KeptDrop) })
	change("pause", func() { must(t, f.PauseQueue(f.ctx, hook.KindOfWebhooks, true, nil)) })
	change("pause again", func() { must(t, f.PauseQueue(f.ctx, hook.KindOfWebhooks, true, nil)) })
	change("pause another", func() { must(t, f.PauseQueue(f.ctx, hook.KindOfPurges, true, nil)) })
	wantEqual(t, "switches", f.switches(t), hook.Switches{KeptEvents: hook.KeptDrop, Paused: []string{hook.KindOfPurges, hook.KindOfWebhooks}})
	change("resume", func() { must(t, f.PauseQueue(f.ctx, hook.KindOfWebhooks, false, nil)) })
	change("on", func() { f.turn(t, true) })
	wantEqual(t, "switches at the end", f.switches(t), hook.Switches{Notifications: true, KeptEvents: hook.KeptSend, Paused: []string{hook.KindOfPurges}})
	f.openCircuit(t, deadOrigin, time.Minute)
	change("a circuit", func() { must(t, f.CloseCircuit(f.ctx, deadOrigin, nil)) })
}

func keptSent(t *testing.T, f *fixture) {
	f.turn(t, false)
	id := f.accept(t, "e1", f.policy)[0]
	f.turn(t, true)
	f.keep(t, hook.KeptDrop) // for another time: nothing is off
	wantEqual(t, "status", f.read(t, id).Status, hook.StatusPending)
}

func keptDropped(t *testing.T, f *fixture) {
	running, retried := f.accept(t, "e1", f.policy)[0], f.accept(t, "e2", f.policy)[0]
	f.claimOne(t, running, lease)
	d := f.claimOne(t, retried, lease)
	f.finish(t, hook.Outcome{JobID: retried, Lease: d.Lease, Attempt: attempt(1, hook.ResultTimeout), Status: hook.StatusScheduled, RetryIn: time.Hour})
	f.turn(t, false)
	fresh := f.accept(t, "e3", f.policy)[0]
	on, drop := true, hook.KeptDrop
	must(t, f.ChangeSwitches(f.ctx, hook.SwitchChange{Notifications: &on, KeptEvents: &drop}, nil))
	var got []string
	for _, id := range []int64{running, retried, fresh} {
		j := f.read(t, id)
		got = append(got, string(j.Status)+" "+j.StatusMessage)
	}
	const dropped = "stopped dropped: notifications were off"
	wantEqual(t, "jobs", got, []string{"running ", dropped, dropped})
	f.turn(t, false)
	later := f.accept(t, "e4", f.policy)[0]
	f.turn(t, true)
	wantEqual(t, "status after the next time", f.read(t, later).Status, hook.StatusPending)
}

func queues(t *testing.T, f *fixture) {
	q, err := f.Queue(f.ctx)
	must(t, err)
	wantEqual(t, "an empty queue", q, hook.Queue{})
	other := f.newPolicy("other", "http://other.example.com:8080/x")
	must(t, f.CreatePolicy(f.ctx, &other, nil))
	ids := f.accept(t, "e1", f.policy, other)
	running := f.accept(t, "e2", f.policy)[0]
	f.claimOne(t, running, lease)
	q, err = f.Queue(f.ctx)
	must(t, err)
	wantEqual(t, "queue", q, hook.Queue{Waiting: 2}, cmpopts.IgnoreFields(hook.Queue{}, "Latency"))
	if q.Latency < 0 || q.Latency > time.Minute {
		t.Errorf("latency %s", q.Latency)
	}
	n, err := f.EmptyQueue(f.ctx, &hook.AuditEntry{Actor: "root", Action: hook.AuditSwitch})
	must(t, err)
	wantEqual(t, "stopped", n, 2)
	for _, id := range ids {
		wantEqual(t, "message", f.read(t, id).StatusMessage, "the queue was emptied")
	}
	wantEqual(t, "a running job", f.read(t, running).Status, hook.StatusRunning)
	wantEqual(t, "entries of the system", f.recorded(t, 0), []hook.AuditEntry{{Actor: "root", Action: hook.AuditSwitch, Detail: "WEBHOOK: 2 jobs stopped"}})
}

func projectCircuits(t *testing.T, f *fixture) {
	elsewhere := hook.Project{Name: "elsewhere"}
	must(t, f.CreateProject(f.ctx, &elsewhere))
	theirs := f.newPolicy("theirs", "https://theirs.example.com")
	theirs.ProjectID = elsewhere.ID
	must(t, f.CreatePolicy(f.ctx, &theirs, nil))
	alsoTheirs := theirs
	alsoTheirs.Name, alsoTheirs.Targets = "also", f.policy.Targets
	must(t, f.CreatePolicy(f.ctx, &alsoTheirs, nil))
	f.accept(t, "e1", f.policy, theirs, alsoTheirs)
	f.accept(t, "e2", f.policy)
	f.openCircuit(t, deadOrigin, time.Minute)
	_, err := f.CircuitFailed(f.ctx, "https://theirs.example.com:443", 3, time.Minute)
	must(t, err)

	got, err := f.ProjectCircuits(f.ctx, f.project.ID, []string{f.policy.Targets[0].Address + "?token=abc", "http://quiet.example.com"})
	must(t, err)
	wantEqual(t, "circuits", got, []hook.Circuit{
		{Origin: "http://quiet.example.com:80"}, {Origin: deadOrigin, Failures: 1, Waiting: 2},
	}, cmpopts.IgnoreFields(hook.Circuit{}, "OpenSince", "NextProbe"))
	if got[0].Open() || !got[1].Open() || got[1].NextProbe.IsZero() {
		t.Errorf("circuits are %+v", got)
	}
	got, err = f.ProjectCircuits(f.ctx, elsewhere.ID, nil)
	must(t, err)
	wantEqual(t, "another project's", got, []hook.Circuit{
		{Origin: deadOrigin, Failures: 1, Waiting: 1}, {Origin: "https://theirs.example.com:443", Failures: 1, Waiting: 1},
	}, cmpopts.IgnoreFields(hook.Circuit{}, "OpenSince", "NextProbe"))
}

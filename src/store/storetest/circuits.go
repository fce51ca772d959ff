package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/harborhook/harborhook/src/hook"
)

const deadOrigin = "https://ci.example.com:443"

// open opens the circuit of the origin.
func (f *fixture) openCircuit(t *testing.T, origin string, probeIn time.Duration) {
	t.Helper()
	opened, err := f.CircuitFailed(f.ctx, origin, 1, probeIn)
	must(t, err)
	if !opened {
		t.Fatal("the circuit did not open")
	}
}

func circuitOpens(t *testing.T, f *fixture) {
	var opened []bool
	for range 4 {
		now, err := f.CircuitFailed(f.ctx, deadOrigin, 3, time.Minute)
		must(t, err)
		opened = append(opened, now)
	}
	wantEqual(t, "opened", opened, []bool{false, false, true, false})
	failing, err := f.Failing(f.ctx)
	must(t, err)
	wantEqual(t, "failing", failing, []hook.Circuit{{Origin: deadOrigin, Failures: 4}}, cmpopts.IgnoreFields(hook.Circuit{}, "OpenSince", "NextProbe"))
	if wait := failing[0].NextProbe.Sub(failing[0].OpenSince); wait < time.Minute || wait > 2*time.Minute {
		t.Errorf("the first probe is %s after the opening, want a minute", wait)
	}
}

func circuitCloses(t *testing.T, f *fixture) {
	closed, err := f.CircuitAnswered(f.ctx, deadOrigin)
	must(t, err)
	wantEqual(t, "an answer of an origin that never failed closes", closed, false)
	_, err = f.CircuitFailed(f.ctx, deadOrigin, 2, time.Minute)
	must(t, err)
	wantError(t, f.CloseCircuit(f.ctx, deadOrigin, nil), hook.ErrNotFound)
	closed, err = f.CircuitAnswered(f.ctx, deadOrigin)
	must(t, err)
	wantEqual(t, "an answer before it opens closes", closed, false)

	f.openCircuit(t, deadOrigin, time.Minute)
	closed, err = f.CircuitAnswered(f.ctx, deadOrigin)
	must(t, err)
	wantEqual(t, "an answer closes", closed, true)
	f.openCircuit(t, deadOrigin, time.Minute)
	must(t, f.CloseCircuit(f.ctx, deadOrigin, nil))
	failing, err := f.Failing(f.ctx)
	must(t, err)
	wantEqual(t, "failing", len(failing), 0)
}

func circuitProbe(t *testing.T, f *fixture) {
	f.openCircuit(t, deadOrigin, 0)
	var taken []bool
	for range 2 {
		ours, err := f.TakeProbe(f.ctx, deadOrigin, time.Hour)
		must(t, err)
		taken = append(taken, ours)
	}
	wantEqual(t, "taken", taken, []bool{true, false})
	ours, err := f.TakeProbe(f.ctx, "https://other.example.com:443", time.Hour)
	must(t, err)
	wantEqual(t, "taken of a closed one", ours, false)
}

func circuitTells(t *testing.T, f *fixture) {
	other := f.newPolicy("other", "http://other.example.com:8080/x")
	must(t, f.CreatePolicy(f.ctx, &other, nil))
	origin := hook.TargetOrigin(f.policy.Targets[0].Address)
	ids := f.accept(t, "e1", f.policy, other)
	f.openCircuit(t, origin, time.Minute)
	told := []int64{ids[slices.IndexFunc(ids, func(id int64) bool { return f.read(t, id).PolicyID == f.policy.ID })]}
	must(t, f.TellWaiting(f.ctx, origin, "one"))
	told = append(told, f.accept(t, "e2", f.policy)...)
	must(t, f.TellWaiting(f.ctx, origin, "two"))

	var messages []string
	for _, id := range told {
		j := f.read(t, id)
		messages = append(messages, string(j.Status)+" "+j.StatusMessage)
	}
	wantEqual(t, "messages", messages, []string{"scheduled one", "scheduled two"})
	backlog, err := f.Backlog(f.ctx)
	must(t, err)
	wantEqual(t, "backlog", backlog, map[hook.Status]int{hook.StatusPending: 1, hook.StatusScheduled: 2}, ignoreZero())
	open, err := f.Circuits(f.ctx)
	must(t, err)
	wantEqual(t, "circuits", open, []hook.Circuit{{Origin: origin, Failures: 1, Waiting: 2}}, cmpopts.IgnoreFields(hook.Circuit{}, "OpenSince", "NextProbe"))
	f.claimOne(t, told[0], lease) // it may still be tried
}

// ignoreZero takes a count of nothing for none.
func ignoreZero() cmp.Option {
	return cmpopts.IgnoreMapEntries(func(_ hook.Status, n int) bool { return n == 0 })
}

func givenUp(t *testing.T, f *fixture) {
	untried, tried := f.accept(t, "e1", f.policy)[0], f.accept(t, "e2", f.policy)[0]
	d := f.claimOne(t, tried, lease)
	f.finish(t, hook.Outcome{JobID: tried, Lease: d.Lease, Attempt: attempt(1, hook.ResultTimeout), Status: hook.StatusScheduled})
	origin := hook.TargetOrigin(f.policy.Targets[0].Address)
	n, err := f.GiveUp(f.ctx, origin, time.Hour, "too old")
	must(t, err)
	wantEqual(t, "given up young jobs", n, 0)
	n, err = f.GiveUp(f.ctx, origin, 0, "too old")
	must(t, err)
	wantEqual(t, "given up", n, 1)
	j := f.read(t, untried)
	wantEqual(t, "untried", string(j.Status)+" "+j.StatusMessage, "error too old")
	wantEqual(t, "tried", f.read(t, tried).Status, hook.StatusScheduled)
}

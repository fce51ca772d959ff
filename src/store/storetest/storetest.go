// Package storetest is the conformance suite that every database must pass.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/store"
)

// Run runs the suite. open returns an empty store that the test's end closes.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	t.Helper()
	cases := []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"a policy comes back as it was stored", policyRoundTrip},
		{"a policy of another project is not found", policyOfAnotherProject},
		{"a policy's name is unique in its project", policyNameIsUnique},
		{"every change of a policy changes the version", policyVersion},
		{"a policy that was changed since it was seen stays", changedSinceSeen},
		{"a job is stored once per key", jobOncePerKey},
		{"an event that is stored already adds no jobs", repeatedEventAddsNothing},
		{"a job that failed before its first attempt is stored", bornFinal},
		{"concurrent repetitions of an event store one job", concurrentRepetitions},
		{"a job is claimed by one worker only", claimedOnce},
		{"a claim shows the policy's target of now", claimShowsPolicyOfNow},
		{"a trace goes on with whoever claims the job", traceKept},
		{"jobs of deleted and disabled policies are stopped", stoppedWithPolicy},
		{"a success finishes the job", success},
		{"statements that were prepared change nothing", warmed},
		{"a retry waits for its time", retryWaits},
		{"a lost lease records nothing", lostLease},
		{"an expired lease is taken back, three times at most", expiredLease},
		{"a released job is due at once", released},
		{"due jobs come oldest first, origins in turn", dueInTurn},
		{"a claim leaves out the origins that have no room", exceptedOrigin},
		{"the oldest due job of an endpoint that answers is found", oldestDue},
		{"batches are counted, and pools", batchesCounted},
		{"a circuit opens after failures in a row, once", circuitOpens},
		{"an answer or a person closes a circuit", circuitCloses},
		{"one caller at a time may try an open circuit", circuitProbe},
		{"jobs of an open circuit say why they wait", circuitTells},
		{"jobs that were never tried are given up when they are old", givenUp},
		{"only jobs that are final and old are purged", purged},
		{"final jobs beyond a count are purged", surplusPurged},
		{"waiting jobs are counted up to a limit", waitingCounted},
		{"jobs are found by every filter", jobFilters},
		{"pages are the same at any depth", deepPages},
		{"a text is found whether it is indexed or not", searchIndexed},
		{"what is purged is not found", searchPurged},
		{"a bulk goes on step by step", bulkSteps},
		{"a bulk makes one job of each, whoever works at it", bulkOnce},
		{"a stopped bulk does not go on", bulkStopped},
		{"changes are told to listeners", streamed},
		{"hostile answers are stored", hostileAnswers},
		{"the tag memory keeps the last word", memoryKeepsLastWord},
		{"the tag memory recalls many things at once", recallManyAtOnce},
		{"the tag memory does not forget details", memoryKeepsDetails},
		{"HEAD requests are found by client and time", heads},
		{"an incomplete event gets its jobs when it is complete", incompleteEvent},
		{"an incomplete event is claimed by one at a time", incompleteClaims},
		{"what is recovered is stored unless the memory has changed", expectations},
		{"the tags and repositories of the memory are listed", memoryLists},
		{"the lives of registries are remembered", sources},
		{"a project's last events come newest first", recentEvents},
		{"members have roles", members},
		{"users and projects are unique by name", uniqueNames},
		{"projects are listed for who may read them", readableProjects},
		{"a project is changed and deleted with what belongs to it", projectChanges},
		{"the last trigger of each type is found", lastTriggers},
		{"a redelivery is a new job for the same event", redelivered},
		{"what cannot be redelivered is told apart", notRedelivered},
		{"only waiting jobs are stopped", stoppedByHand},
		{"what people did is kept", audit},
		{"jobs are summed up by time and policy", summary},
		{"many jobs are summed up from a sample", summaryOfMany},
		{"a summary of many jobs that wait says that it is an estimate", summaryOfManyWaiting},
		{"a summary is the same whether jobs are counted or not", tallied},
		{"each job counts once", talliedOnce},
		{"a list of event types is the same whether jobs are counted or not", typedLists},
		{"the event of a job is found in its project", eventOfJob},
		{"a robot is its project's", robots},
		{"a robot is changed and deleted through its project", robotChanges},
		{"a user is changed, and deleted with what belongs to him", userChanges},
		{"a session is its user's until it ends", sessions},
		{"sessions are purged when they are old or idle", sessionsPurged},
		{"a change and its audit entry are kept together or not at all", auditedChanges},
		{"a job tells the name of its event type", eventNames},
		{"switches are kept, and every change is told", switches},
		{"what was kept while nothing was sent is sent", keptSent},
		{"what was kept while nothing was sent is dropped", keptDropped},
		{"a queue is paused, resumed and emptied", queues},
		{"the circuits of a project's origins are listed", projectCircuits},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, newFixture(t, open(t)))
		})
	}
}

// fixture is a store with one project and one policy.
type fixture struct {
	*store.Store
	ctx     context.Context
	project hook.Project
	policy  hook.Policy
}

const lease = 15 * time.Second

func newFixture(t *testing.T, s *store.Store) *fixture {
	t.Helper()
	f := &fixture{Store: s, ctx: t.Context()}
	f.project = hook.Project{Name: "library", Public: true}
	must(t, s.CreateProject(f.ctx, &f.project))
	f.policy = f.newPolicy("ci", "https://ci.example.com/hook")
	must(t, s.CreatePolicy(f.ctx, &f.policy, nil))
	return f
}

func (f *fixture) newPolicy(name, address string) hook.Policy {
	return hook.Policy{
		Name: name, ProjectID: f.project.ID, Enabled: true, HookTypes: []hook.EventType{hook.PushImage},
		Targets: []hook.Target{{Type: hook.TargetHTTP, Address: address, PayloadFormat: "Events"}}, Creator: "admin",
	}
}

func (f *fixture) event(id string) hook.Event {
	return hook.Event{
		ID: id, Type: hook.PushImage, ProjectID: f.project.ID, Project: f.project.Name, Repository: "app",
		Resources: []hook.Resource{{Tag: "latest", Digest: "sha256:aa"}}, OccurredAt: time.Now(),
	}
}

func (f *fixture) job(e hook.Event, p hook.Policy) hook.Job {
	return hook.Job{
		UUID: uuid.NewString(), Key: hook.JobKey(e, p.ID, 0), ProjectID: p.ProjectID, PolicyID: p.ID, PolicyName: p.Name,
		EventID: e.ID, HookType: e.Type, NotifyType: hook.TargetHTTP, Target: p.Targets[0].Address, Origin: hook.TargetOrigin(p.Targets[0].Address),
		PayloadFormat: "Events", ContentType: "application/json", Detail: []byte(`{"event_type":"pushImage"}`),
		Repository: e.Repository, Tag: "latest", Digest: "sha256:aa",
	}
}

// accept stores one event with one job for each policy and returns the jobs' ids.
func (f *fixture) accept(t *testing.T, id string, policies ...hook.Policy) []int64 {
	t.Helper()
	e := f.event(id)
	var jobs []hook.Job
	for _, p := range policies {
		jobs = append(jobs, f.job(e, p))
	}
	ids, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{e}}, jobs)
	must(t, err)
	return ids
}

func (f *fixture) claimOne(t *testing.T, id int64, lease time.Duration) hook.Delivery {
	t.Helper()
	claimed, err := f.Claim(f.ctx, []int64{id}, lease)
	must(t, err)
	if len(claimed) != 1 {
		t.Fatalf("claimed %d jobs, want 1", len(claimed))
	}
	return claimed[0]
}

func (f *fixture) read(t *testing.T, id int64) hook.Job {
	t.Helper()
	j, err := f.Job(f.ctx, f.project.ID, id)
	must(t, err)
	return j
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func wantEqual[T any](t *testing.T, what string, got, want T, options ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func policyRoundTrip(t *testing.T, f *fixture) {
	p := f.newPolicy("full", "https://one.example.com/?token=abc")
	p.Naming = hook.NamingHarbor2
	p.Description = "über \"alles\""
	p.Filters = []hook.Filter{{Kind: hook.FilterRepository, Pattern: "(api|web)"}, {Kind: hook.FilterTag, List: []string{"latest", "stable"}}}
	p.Targets[0].AuthHeader, p.Targets[0].SkipCertVerify = "Bearer one", true
	p.Targets = append(p.Targets, hook.Target{Type: hook.TargetHTTP, Address: "https://two.example.com", AuthHeader: "Bearer two", PayloadFormat: "Events"})
	for i := range p.Targets {
		p.Targets[i].PayloadFormat, p.Targets[i].PayloadTemplate = "Custom", fmt.Sprintf("{\"n\": %d}\n", i)
	}
	p.Secret, p.OldSecret, p.OldSecretUntil = "whsec_c2VjcmV0", "old", time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	must(t, f.CreatePolicy(f.ctx, &p, nil))
	if p.ID == 0 || p.CreationTime.IsZero() || p.UpdateTime.IsZero() {
		t.Fatalf("id and times are not set: %+v", p)
	}
	got, err := f.Policy(f.ctx, f.project.ID, p.ID)
	must(t, err)
	wantEqual(t, "policy", got, p)

	p.Name, p.Enabled, p.Secret, p.Targets, p.Filters, p.Creator = "less", false, "", p.Targets[:1], nil, "somebody else"
	p.OldSecret, p.OldSecretUntil = "", time.Time{}
	must(t, f.UpdatePolicy(f.ctx, &p, nil))
	got, err = f.Policy(f.ctx, f.project.ID, p.ID)
	must(t, err)
	wantEqual(t, "updated policy", got, p)
	wantEqual(t, "creator", got.Creator, "admin")
}

func policyOfAnotherProject(t *testing.T, f *fixture) {
	other := hook.Project{Name: "other"}
	must(t, f.CreateProject(f.ctx, &other))
	_, err := f.Policy(f.ctx, other.ID, f.policy.ID)
	wantError(t, err, hook.ErrNotFound)
	wantError(t, f.DeletePolicy(f.ctx, other.ID, f.policy.ID, nil), hook.ErrNotFound)
	stolen := f.policy
	stolen.ProjectID, stolen.Name = other.ID, "stolen"
	wantError(t, f.UpdatePolicy(f.ctx, &stolen, nil), hook.ErrNotFound)
	got, err := f.Policy(f.ctx, f.project.ID, f.policy.ID)
	must(t, err)
	wantEqual(t, "policy", got, f.policy)

	id := f.accept(t, "e1", f.policy)[0]
	_, err = f.Job(f.ctx, other.ID, id)
	wantError(t, err, hook.ErrNotFound)
}

func policyNameIsUnique(t *testing.T, f *fixture) {
	again := f.newPolicy(f.policy.Name, "https://x.example.com")
	wantError(t, f.CreatePolicy(f.ctx, &again, nil), hook.ErrConflict)
	second := f.newPolicy("second", "https://x.example.com")
	must(t, f.CreatePolicy(f.ctx, &second, nil))
	second.Name = f.policy.Name
	wantError(t, f.UpdatePolicy(f.ctx, &second, nil), hook.ErrConflict)
	other := hook.Project{Name: "other"}
	must(t, f.CreateProject(f.ctx, &other))
	elsewhere := f.newPolicy(f.policy.Name, "https://x.example.com")
	elsewhere.ProjectID = other.ID
	must(t, f.CreatePolicy(f.ctx, &elsewhere, nil))
}

func policyVersion(t *testing.T, f *fixture) {
	version := func() int64 {
		v, err := f.PoliciesVersion(f.ctx)
		must(t, err)
		return v
	}
	last := version()
	changed := func(what string, err error) {
		t.Helper()
		must(t, err)
		if now := version(); now == last {
			t.Errorf("%s did not change the version", what)
		} else {
			last = now
		}
	}
	p := f.newPolicy("new", "https://x.example.com")
	changed("create", f.CreatePolicy(f.ctx, &p, nil))
	changed("update", f.UpdatePolicy(f.ctx, &p, nil))
	changed("delete", f.DeletePolicy(f.ctx, f.project.ID, p.ID, nil))
}

func changedSinceSeen(t *testing.T, f *fixture) {
	mine, theirs := f.policy, f.policy
	seen := f.policy.UpdateTime
	theirs.Description = "theirs"
	must(t, f.ReplacePolicy(f.ctx, &theirs, seen, nil))
	if !theirs.UpdateTime.After(seen) {
		t.Errorf("updated at %s, then at %s", seen, theirs.UpdateTime)
	}
	mine.Description = "mine"
	wantError(t, f.ReplacePolicy(f.ctx, &mine, seen, nil), hook.ErrChanged)
	got, err := f.Policy(f.ctx, f.project.ID, f.policy.ID)
	must(t, err)
	wantEqual(t, "policy", got, theirs)
	must(t, f.ReplacePolicy(f.ctx, &mine, theirs.UpdateTime, nil))
	must(t, f.DeletePolicy(f.ctx, f.project.ID, mine.ID, nil))
	wantError(t, f.ReplacePolicy(f.ctx, &mine, mine.UpdateTime, nil), hook.ErrNotFound)
}

func jobOncePerKey(t *testing.T, f *fixture) {
	ids := f.accept(t, "e1", f.policy)
	if len(ids) != 1 {
		t.Fatalf("got %d ids, want 1", len(ids))
	}
	if again := f.accept(t, "e1", f.policy); len(again) != 0 {
		t.Errorf("the repetition stored jobs %v", again)
	}
	_, total, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{}, hook.JobPage{Limit: 10})
	must(t, err)
	wantEqual(t, "jobs", total, 1)
	j := f.read(t, ids[0])
	wantEqual(t, "status", j.Status, hook.StatusPending)
	wantEqual(t, "body", string(j.Detail), `{"event_type":"pushImage"}`)
	if j.CreationTime.IsZero() || time.Since(j.CreationTime).Abs() > time.Minute {
		t.Errorf("creation time is %v", j.CreationTime)
	}
}

func repeatedEventAddsNothing(t *testing.T, f *fixture) {
	f.accept(t, "e1", f.policy)
	later := f.newPolicy("later", "https://later.example.com")
	must(t, f.CreatePolicy(f.ctx, &later, nil))
	if ids := f.accept(t, "e1", f.policy, later); len(ids) != 0 {
		t.Errorf("the repetition stored jobs %v", ids)
	}
}

// bornFinal is a job that failed before its first attempt: nobody is to do it.
func bornFinal(t *testing.T, f *fixture) {
	e := f.event("e1")
	failed, good := f.job(e, f.policy), f.job(e, f.newPolicy("another", "https://two.example.com"))
	failed.Status, failed.StatusMessage, failed.Detail = hook.StatusError, "the payload cannot be written", nil
	good.Key, good.UUID = "another", "another"
	ids, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{e}}, []hook.Job{failed, good})
	must(t, err)
	if len(ids) != 1 {
		t.Fatalf("%d jobs are to be done, want 1", len(ids))
	}
	wantEqual(t, "status of the other job", f.read(t, ids[0]).Status, hook.StatusPending)
	all, _, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{Statuses: []hook.Status{hook.StatusError}}, hook.JobPage{Limit: 10})
	must(t, err)
	if len(all) != 1 || all[0].StatusMessage != failed.StatusMessage || len(all[0].Detail) != 0 {
		t.Fatalf("failed jobs: %+v", all)
	}
	claimed, err := f.Claim(f.ctx, []int64{all[0].ID}, time.Minute)
	must(t, err)
	if len(claimed) != 0 {
		t.Error("a failed job was claimed")
	}
}

func concurrentRepetitions(t *testing.T, f *fixture) {
	const repetitions, events = 50, 3
	var group sync.WaitGroup
	errs := make(chan error, repetitions)
	for range repetitions {
		group.Go(func() {
			for i := range events {
				e := f.event(fmt.Sprintf("e%d", i)) // whose time is each time another
				if _, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{e}}, []hook.Job{f.job(e, f.policy)}); err != nil {
					errs <- err
				}
			}
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	_, total, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{}, hook.JobPage{Limit: 10})
	must(t, err)
	wantEqual(t, "jobs", total, events)
}

func claimedOnce(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	var group sync.WaitGroup
	got := make(chan hook.Delivery, 20)
	for range 20 {
		group.Go(func() {
			claimed, err := f.Claim(f.ctx, []int64{id, id + 1000}, lease)
			if err != nil {
				t.Error(err)
			}
			for _, d := range claimed {
				got <- d
			}
		})
	}
	group.Wait()
	close(got)
	if len(got) != 1 {
		t.Fatalf("claimed %d times, want once", len(got))
	}
	wantEqual(t, "status", f.read(t, id).Status, hook.StatusRunning)
	d := <-got
	wantEqual(t, "attempt", d.Number, 1)
	wantEqual(t, "body", string(d.Detail), `{"event_type":"pushImage"}`)
	wantEqual(t, "address", d.SendTo.Address, f.policy.Targets[0].Address)
}

func claimShowsPolicyOfNow(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	f.policy.Targets[0].Address, f.policy.Targets[0].AuthHeader, f.policy.Secret = "https://new.example.com/", "Bearer new", "new secret"
	f.policy.OldSecret, f.policy.OldSecretUntil = "old secret", time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	must(t, f.UpdatePolicy(f.ctx, &f.policy, nil))
	d := f.claimOne(t, id, lease)
	wantEqual(t, "target", d.SendTo, f.policy.Targets[0])
	wantEqual(t, "secret", d.Secret, "new secret")
	wantEqual(t, "old secret", d.OldSecret, "old secret")
	wantEqual(t, "end of the old secret", d.OldSecretUntil, f.policy.OldSecretUntil)
}

func stoppedWithPolicy(t *testing.T, f *fixture) {
	gone := f.newPolicy("gone", "https://gone.example.com")
	must(t, f.CreatePolicy(f.ctx, &gone, nil))
	ids := f.accept(t, "e1", f.policy, gone)
	must(t, f.DeletePolicy(f.ctx, f.project.ID, gone.ID, nil))
	wantEqual(t, "status after delete", f.read(t, ids[1]).Status, hook.StatusStopped)

	f.policy.Enabled = false
	must(t, f.UpdatePolicy(f.ctx, &f.policy, nil))
	claimed, err := f.Claim(f.ctx, ids, lease)
	must(t, err)
	wantEqual(t, "claimed", len(claimed), 0)
	j := f.read(t, ids[0])
	wantEqual(t, "status after disable", j.Status, hook.StatusStopped)
	wantEqual(t, "reason", j.StatusMessage, "policy is disabled")
}

func attempt(number int, result hook.Result) hook.Attempt {
	a := hook.Attempt{
		Number: number, StartedAt: time.Date(2026, 11, 23, 12, 0, 0, 123000, time.UTC), Duration: 148 * time.Millisecond, Result: result,
		RemoteAddr: "192.0.2.1:443", Request: hook.Request{Method: "POST", URL: "https://ci.example.com/hook", Headers: map[string][]string{"Content-Type": {"application/json"}}},
	}
	if result == hook.ResultOK || result == hook.ResultHTTPError {
		a.Response = &hook.Response{Status: 200, Headers: map[string][]string{"X": {"y"}}, Body: "fine", Truncated: true}
	} else {
		a.Error = "it did not work"
	}
	return a
}

func (f *fixture) finish(t *testing.T, o hook.Outcome) bool {
	t.Helper()
	ours, err := f.Finish(f.ctx, o)
	must(t, err)
	return ours
}

func warmed(t *testing.T, f *fixture) {
	waiting := f.accept(t, "e0", f.policy)[0]
	must(t, f.WarmIntake(f.ctx))
	must(t, f.WarmDelivery(f.ctx))
	wantEqual(t, "status of a job that waits", f.read(t, waiting).Status, hook.StatusPending)
	backlog, err := f.Backlog(f.ctx)
	must(t, err)
	wantEqual(t, "backlog", backlog[hook.StatusPending], 1)
	success(t, f)
}

func success(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	d := f.claimOne(t, id, lease)
	a := attempt(d.Number, hook.ResultOK)
	if !f.finish(t, hook.Outcome{JobID: id, Lease: d.Lease, Attempt: a, Status: hook.StatusFinished}) {
		t.Fatal("finish was refused")
	}
	j := f.read(t, id)
	wantEqual(t, "status", j.Status, hook.StatusFinished)
	wantEqual(t, "attempts", j.Attempts, 1)
	wantEqual(t, "http status", j.HTTPStatus, 200)
	attempts, err := f.Attempts(f.ctx, id)
	must(t, err)
	wantEqual(t, "attempts", attempts, []hook.Attempt{a})
	claimed, err := f.Claim(f.ctx, []int64{id}, lease)
	must(t, err)
	wantEqual(t, "claimed after the end", len(claimed), 0)
}

func retryWaits(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	d := f.claimOne(t, id, lease)
	f.finish(t, hook.Outcome{JobID: id, Lease: d.Lease, Attempt: attempt(1, hook.ResultTimeout), Status: hook.StatusScheduled, RetryIn: time.Hour})
	j := f.read(t, id)
	wantEqual(t, "status", j.Status, hook.StatusScheduled)
	if wait := time.Until(j.NextAt); wait < 59*time.Minute || wait > 61*time.Minute {
		t.Errorf("next attempt in %v, want 1h", wait)
	}
	claimed, err := f.Claim(f.ctx, []int64{id}, lease)
	must(t, err)
	wantEqual(t, "claimed before its time", len(claimed), 0)
	due, err := f.Due(f.ctx, 10, nil, room(10))
	must(t, err)
	wantEqual(t, "due", len(due), 0)

	soon := f.accept(t, "e2", f.policy)[0]
	d = f.claimOne(t, soon, lease)
	f.finish(t, hook.Outcome{JobID: soon, Lease: d.Lease, Attempt: attempt(1, hook.ResultTimeout), Status: hook.StatusScheduled})
	again := f.claimOne(t, soon, lease)
	wantEqual(t, "attempt", again.Number, 2)
	wantEqual(t, "attempts so far", again.Attempts, 1)
}

func lostLease(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	late := f.claimOne(t, id, 0)
	f.recoverOne(t)
	now := f.claimOne(t, id, lease)
	if f.finish(t, hook.Outcome{JobID: id, Lease: late.Lease, Attempt: attempt(late.Number, hook.ResultOK), Status: hook.StatusFinished}) {
		t.Error("a worker without the lease could finish the job")
	}
	wantEqual(t, "status", f.read(t, id).Status, hook.StatusRunning)
	if !f.finish(t, hook.Outcome{JobID: id, Lease: now.Lease, Attempt: attempt(now.Number, hook.ResultOK), Status: hook.StatusFinished}) {
		t.Error("the worker with the lease could not finish the job")
	}
	attempts, err := f.Attempts(f.ctx, id)
	must(t, err)
	results := make([]hook.Result, len(attempts))
	for i, a := range attempts {
		results[i] = a.Result
	}
	wantEqual(t, "results", results, []hook.Result{hook.ResultInterrupted, hook.ResultOK})
}

// recoverOne takes back the one job whose lease of length 0 has run out. The
// database's clock may need a moment to move past it.
func (f *fixture) recoverOne(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		n, err := f.Recover(f.ctx, 0)
		must(t, err)
		if n == 1 {
			return
		}
	}
	t.Fatal("the job was not taken back")
}

func expiredLease(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	f.claimOne(t, f.accept(t, "e2", f.policy)[0], lease) // still held: not to be touched
	for i := 1; i <= 3; i++ {
		d := f.claimOne(t, id, 0)
		wantEqual(t, "attempt", d.Number, i)
		f.recoverOne(t)
		wantEqual(t, "status", f.read(t, id).Status, hook.StatusPending)
	}
	f.claimOne(t, id, 0)
	f.recoverOne(t)
	j := f.read(t, id)
	wantEqual(t, "status", j.Status, hook.StatusError)
	wantEqual(t, "counted attempts", j.Attempts, 0)
	attempts, err := f.Attempts(f.ctx, id)
	must(t, err)
	wantEqual(t, "recorded attempts", len(attempts), 4)
}

func released(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	d := f.claimOne(t, id, lease)
	stranger := d
	stranger.Lease = "other"
	must(t, f.Release(f.ctx, []hook.Delivery{stranger}))
	wantEqual(t, "status after a stranger's release", f.read(t, id).Status, hook.StatusRunning)
	must(t, f.Release(f.ctx, []hook.Delivery{d}))
	wantEqual(t, "attempt", f.claimOne(t, id, lease).Number, 1)
}

func dueInTurn(t *testing.T, f *fixture) {
	other := f.newPolicy("other", "http://other.example.com:8080/x")
	must(t, f.CreatePolicy(f.ctx, &other, nil))
	var first, second []int64
	for i := range 5 {
		first = append(first, f.accept(t, fmt.Sprintf("a%d", i), f.policy)...)
	}
	for i := range 2 {
		second = append(second, f.accept(t, fmt.Sprintf("b%d", i), other)...)
	}
	due, err := f.Due(f.ctx, 5, nil, room(3))
	must(t, err)
	wantEqual(t, "due", due, []int64{second[0], first[0], second[1], first[1], first[2]})
	due, err = f.Due(f.ctx, 100, nil, room(100))
	must(t, err)
	wantEqual(t, "all due", len(due), 7)
	due, err = f.Due(f.ctx, 100, []int64{first[0], second[1]}, func(origin string) int {
		if origin == hook.TargetOrigin(other.Targets[0].Address) {
			return 10
		}
		return 2
	})
	must(t, err)
	wantEqual(t, "due that are not hinted", due, []int64{second[0], first[1], first[2]})
	backlog, err := f.Backlog(f.ctx)
	must(t, err)
	wantEqual(t, "backlog", backlog[hook.StatusPending], 7)
}

// room gives every origin the same room.
func room(n int) func(string) int { return func(string) int { return n } }

func exceptedOrigin(t *testing.T, f *fixture) {
	other := f.newPolicy("other", "http://other.example.com:8080/x")
	must(t, f.CreatePolicy(f.ctx, &other, nil))
	ids := f.accept(t, "e1", f.policy, other)
	origin := hook.TargetOrigin(other.Targets[0].Address)
	claimed, err := f.Claim(f.ctx, ids, lease, hook.TargetOrigin(f.policy.Targets[0].Address))
	must(t, err)
	if len(claimed) != 1 || claimed[0].Origin != origin {
		t.Fatalf("claimed %+v, want the job for %s", claimed, origin)
	}
	claimed, err = f.Claim(f.ctx, ids, lease, origin)
	must(t, err)
	wantEqual(t, "claimed afterwards", len(claimed), 1)
	if age := time.Since(claimed[0].CreationTime); age < -time.Minute || age > time.Minute {
		t.Errorf("a claimed job is %s old", age)
	}
}

func oldestDue(t *testing.T, f *fixture) {
	due := func() time.Duration {
		t.Helper()
		d, err := f.OldestDue(f.ctx)
		must(t, err)
		return d
	}
	wantEqual(t, "due without jobs", due(), 0)
	other := f.newPolicy("other", "http://other.example.com:8080/x")
	must(t, f.CreatePolicy(f.ctx, &other, nil))
	f.accept(t, "e1", f.policy)
	f.accept(t, "e2", other)
	first := due()
	if first <= 0 || first > time.Minute {
		t.Errorf("the oldest job has been due for %s", first)
	}
	f.openCircuit(t, hook.TargetOrigin(f.policy.Targets[0].Address), time.Minute)
	if second := due(); second <= 0 || second > time.Minute {
		t.Errorf("the oldest job elsewhere has been due for %s", second)
	}
	f.openCircuit(t, hook.TargetOrigin(other.Targets[0].Address), time.Minute)
	wantEqual(t, "due while no endpoint answers", due(), 0)
}

func batchesCounted(t *testing.T, f *fixture) {
	var mu sync.Mutex
	calls := map[string]int{}
	f.OnBatch(func(kind string, n int) {
		mu.Lock()
		defer mu.Unlock()
		calls[kind] += n
	})
	f.claimOne(t, f.accept(t, "e1", f.policy)[0], lease)
	mu.Lock()
	defer mu.Unlock()
	wantEqual(t, "calls", calls, map[string]int{"accept": 1, "claim": 1})
	if pools := f.Pools(); pools["write"].OpenConnections+pools["read"].OpenConnections == 0 {
		t.Errorf("no connection is open: %+v", pools)
	}
}

func jobFilters(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	d := f.claimOne(t, id, lease)
	a := attempt(1, hook.ResultHTTPError)
	a.Response.Status, a.Response.Body = 502, "Bad 100% Gateway"
	f.finish(t, hook.Outcome{JobID: id, Lease: d.Lease, Attempt: a, Status: hook.StatusError})
	for i := range 3 {
		f.accept(t, fmt.Sprintf("more%d", i), f.policy)
	}
	cases := []struct {
		name   string
		filter hook.JobFilter
		want   int
	}{
		{"nothing", hook.JobFilter{}, 4},
		{"policy", hook.JobFilter{PolicyID: f.policy.ID}, 4},
		{"another policy", hook.JobFilter{PolicyID: f.policy.ID + 1}, 0},
		{"status", hook.JobFilter{Statuses: []hook.Status{hook.StatusError}}, 1},
		{"statuses", hook.JobFilter{Statuses: []hook.Status{hook.StatusError, hook.StatusPending}}, 4},
		{"hook type", hook.JobFilter{HookTypes: []hook.EventType{hook.PullImage}}, 0},
		{"one of several hook types", hook.JobFilter{HookTypes: []hook.EventType{hook.PullImage, hook.PushImage}}, 4},
		{"id", hook.JobFilter{ID: id}, 1},
		{"repository", hook.JobFilter{Repository: "app"}, 4},
		{"tag", hook.JobFilter{Tag: "v1"}, 0},
		{"digest", hook.JobFilter{Digest: "sha256:aa"}, 4},
		{"http status", hook.JobFilter{HTTPStatus: 502}, 1},
		{"since", hook.JobFilter{Since: time.Now().Add(time.Hour)}, 0},
		{"until", hook.JobFilter{Until: time.Now().Add(time.Hour)}, 4},
		{"text in the body", hook.JobFilter{Text: "PUSHimage"}, 4},
		{"text in the answer", hook.JobFilter{Text: "bad 100% gate"}, 1},
		{"text with a wild card", hook.JobFilter{Text: "bad_100"}, 0},
		{"text in the URL", hook.JobFilter{Text: "ci.example.com"}, 4},
		{"several at once", hook.JobFilter{HTTPStatus: 502, Repository: "app", Text: "gateway"}, 1},
	}
	for _, c := range cases {
		jobs, total, err := f.Jobs(f.ctx, f.project.ID, c.filter, hook.JobPage{Limit: 10})
		must(t, err)
		if total != c.want || len(jobs) != c.want {
			t.Errorf("%s: got %d of %d, want %d", c.name, len(jobs), total, c.want)
		}
	}
	page, total, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{}, hook.JobPage{Offset: 1, Limit: 2})
	must(t, err)
	if total != 4 || len(page) != 2 || page[0].ID < page[1].ID {
		t.Errorf("page of 2: got %d of %d, newest first", len(page), total)
	}
}

func hostileAnswers(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	d := f.claimOne(t, id, lease)
	a := attempt(1, hook.ResultOK)
	a.Response.Body = "nul \x00 and bad \xff\xfe bytes"
	a.Response.Headers = map[string][]string{"X": {"\x00\xff"}}
	if !f.finish(t, hook.Outcome{JobID: id, Lease: d.Lease, Attempt: a, Status: hook.StatusFinished}) {
		t.Fatal("finish was refused")
	}
	attempts, err := f.Attempts(f.ctx, id)
	must(t, err)
	if got := attempts[0].Response.Body; !strings.HasPrefix(got, "nul \uFFFD and bad \uFFFD") {
		t.Errorf("body is %q", got)
	}
}

func manifestFact(digest string, kind hook.Kind) hook.Fact {
	return hook.Fact{Manifest: &hook.Manifest{Repository: "library/app", Digest: digest, Kind: kind}}
}

func tagFact(name, digest, deletedBy string) hook.Fact {
	return hook.Fact{Tag: &hook.Tag{Repository: "library/app", Name: name, Digest: digest, DeletedBy: deletedBy}}
}

func (f *fixture) learn(t *testing.T, facts ...hook.Fact) {
	t.Helper()
	_, err := f.Accept(f.ctx, hook.Notification{Facts: facts}, nil)
	must(t, err)
}

// recall asks for manifests and tags of library/app.
func (f *fixture) recall(t *testing.T, digests []string, tags ...string) ([]hook.Manifest, []hook.Tag) {
	t.Helper()
	var manifests []hook.ManifestRef
	for _, d := range digests {
		manifests = append(manifests, hook.ManifestRef{Repository: "library/app", Digest: d})
	}
	var names []hook.TagRef
	for _, name := range tags {
		names = append(names, hook.TagRef{Repository: "library/app", Name: name})
	}
	known, knownTags, err := f.Recall(f.ctx, manifests, names)
	must(t, err)
	return known, knownTags
}

func recallManyAtOnce(t *testing.T, f *fixture) {
	var facts []hook.Fact
	var digests, tags []string
	for i := range 1200 {
		digest, tag := fmt.Sprintf("sha256:%d", i), fmt.Sprintf("v%d", i)
		digests, tags = append(digests, digest), append(tags, tag)
		if i%2 == 0 {
			facts = append(facts, manifestFact(digest, hook.KindImage), tagFact(tag, digest, ""))
		}
	}
	f.learn(t, facts...)
	known, knownTags := f.recall(t, digests, tags[:700]...)
	wantEqual(t, "manifests", len(known), 600)
	wantEqual(t, "tags", len(knownTags), 350)
}

func memoryKeepsLastWord(t *testing.T, f *fixture) {
	f.learn(t, manifestFact("sha256:a", hook.KindImage), tagFact("v1", "sha256:a", ""), tagFact("v2", "sha256:a", ""), tagFact("v1", "sha256:b", ""))
	names, err := f.TagsOf(f.ctx, "library/app", "sha256:a")
	must(t, err)
	wantEqual(t, "tags", names, []string{"v2"})
	f.learn(t, tagFact("v2", "sha256:a", "request-1"), hook.Fact{Gone: &hook.ManifestRef{Repository: "library/app", Digest: "sha256:a"}})
	names, err = f.TagsOf(f.ctx, "library/app", "sha256:a")
	must(t, err)
	wantEqual(t, "tags after delete", len(names), 0)
	known, tags := f.recall(t, []string{"sha256:a"}, "v2", "v3")
	wantEqual(t, "manifests", len(known), 0)
	if len(tags) != 1 || tags[0].Name != "v2" || tags[0].DeletedBy != "request-1" {
		t.Errorf("tags after delete: %+v", tags)
	}
	f.learn(t, manifestFact("sha256:a", hook.KindImage), hook.Fact{Gone: &hook.ManifestRef{Repository: "library/app", Digest: "sha256:a"}}, manifestFact("sha256:a", hook.KindChart))
	known, _ = f.recall(t, []string{"sha256:a", "sha256:none"})
	if len(known) != 1 || known[0].Kind != hook.KindChart {
		t.Errorf("manifests pushed again: %+v", known)
	}
}

func memoryKeepsDetails(t *testing.T, f *fixture) {
	full := hook.Manifest{
		Repository: "library/app", Digest: "sha256:a", MediaType: "application/x", Kind: hook.KindImage, ConfigDigest: "sha256:c",
		Platforms: []hook.Platform{{OS: "linux", Architecture: "arm64", Digest: "sha256:d", ImageID: "e"}},
	}
	f.learn(t, hook.Fact{Manifest: &full})
	f.learn(t, manifestFact("sha256:a", hook.KindUnknown))
	known, _ := f.recall(t, []string{"sha256:a"})
	wantEqual(t, "manifest", known, []hook.Manifest{full})
}

func heads(t *testing.T, f *fixture) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	head := func(tag, client string, at time.Time) hook.Fact {
		return hook.Fact{Head: &hook.Head{Repository: "library/app", Digest: "sha256:a", UserAgent: "docker", Client: client, Tag: tag, At: at}}
	}
	f.learn(t, head("v1", "10.0.0.1", at), head("v2", "10.0.0.1", at.Add(time.Second)), head("v1", "10.0.0.2", at), head("v1", "10.0.0.1", at.Add(-time.Minute)))
	got, err := f.Heads(f.ctx, "library/app", "sha256:a", "docker", "10.0.0.1", at.Add(-10*time.Second), at.Add(2*time.Second))
	must(t, err)
	tags := make([]string, len(got))
	for i, h := range got {
		tags[i] = h.Tag
	}
	wantEqual(t, "tags", tags, []string{"v2", "v1"})
	must(t, f.ForgetHeads(f.ctx, at.Add(time.Hour)))
	got, err = f.Heads(f.ctx, "library/app", "sha256:a", "docker", "10.0.0.1", at.Add(-10*time.Second), at.Add(2*time.Second))
	must(t, err)
	wantEqual(t, "heads after forgetting", len(got), 0)
}

func members(t *testing.T, f *fixture) {
	u := hook.User{Username: "alice", PasswordHash: "x"}
	must(t, f.CreateUser(f.ctx, &u))
	role, err := f.Role(f.ctx, f.project.ID, u.ID)
	must(t, err)
	wantEqual(t, "role of a stranger", role, hook.RoleNone)
	m := hook.Member{ProjectID: f.project.ID, UserID: u.ID, Role: hook.RoleMaster}
	must(t, f.AddMember(f.ctx, &m))
	wantError(t, f.AddMember(f.ctx, &hook.Member{ProjectID: f.project.ID, UserID: u.ID, Role: hook.RoleGuest}), hook.ErrConflict)
	role, err = f.Role(f.ctx, f.project.ID, u.ID)
	must(t, err)
	wantEqual(t, "role", role, hook.RoleMaster)
	list, err := f.Members(f.ctx, f.project.ID)
	must(t, err)
	m.Username = "alice"
	wantEqual(t, "members", list, []hook.Member{m})
	wantError(t, f.UpdateMember(f.ctx, f.project.ID+1, m.ID, hook.RoleGuest), hook.ErrNotFound)
	must(t, f.UpdateMember(f.ctx, f.project.ID, m.ID, hook.RoleGuest))
	role, err = f.Role(f.ctx, f.project.ID, u.ID)
	must(t, err)
	wantEqual(t, "changed role", role, hook.RoleGuest)
	wantError(t, f.RemoveMember(f.ctx, f.project.ID+1, m.ID), hook.ErrNotFound)
	must(t, f.RemoveMember(f.ctx, f.project.ID, m.ID))

	own := hook.Project{Name: "own", OwnerID: u.ID, OwnerName: "alice"}
	must(t, f.CreateProject(f.ctx, &own))
	role, err = f.Role(f.ctx, own.ID, u.ID)
	must(t, err)
	wantEqual(t, "role of the owner", role, hook.RoleProjectAdmin)
}

func uniqueNames(t *testing.T, f *fixture) {
	u := hook.User{Username: "alice", Email: "alice@example.com", Realname: "Alice", PasswordHash: "x", SysAdmin: true}
	must(t, f.CreateUser(f.ctx, &u))
	got, err := f.UserByName(f.ctx, "alice")
	must(t, err)
	wantEqual(t, "user", got, u)
	got, err = f.User(f.ctx, u.ID)
	must(t, err)
	wantEqual(t, "user by id", got, u)
	_, err = f.User(f.ctx, u.ID+1)
	wantError(t, err, hook.ErrNotFound)
	wantError(t, f.CreateUser(f.ctx, &hook.User{Username: "alice"}), hook.ErrConflict)
	wantError(t, f.CreateProject(f.ctx, &hook.Project{Name: "library"}), hook.ErrConflict)
	_, err = f.UserByName(f.ctx, "nobody")
	wantError(t, err, hook.ErrNotFound)
	must(t, f.SetPassword(f.ctx, u.ID, "y"))
	wantError(t, f.SetPassword(f.ctx, u.ID+1, "y"), hook.ErrNotFound)
	users, total, err := f.Users(f.ctx, hook.JobPage{Limit: 10})
	must(t, err)
	u.PasswordHash = "y"
	if total != 1 {
		t.Errorf("%d users, want 1", total)
	}
	wantEqual(t, "users", users, []hook.User{u}, cmpopts.IgnoreFields(hook.User{}, "UpdateTime"))
	projects, total, err := f.Projects(f.ctx, hook.ProjectFilter{All: true}, hook.JobPage{Limit: 10})
	must(t, err)
	if total != 1 || len(projects) != 1 || projects[0].Name != "library" {
		t.Errorf("projects: %d of %d: %+v", len(projects), total, projects)
	}
}

func readableProjects(t *testing.T, f *fixture) {
	u := hook.User{Username: "alice", PasswordHash: "x"}
	must(t, f.CreateUser(f.ctx, &u))
	var hidden int64
	for _, p := range []hook.Project{{Name: "own", OwnerID: u.ID, OwnerName: "alice"}, {Name: "hidden_one"}, {Name: "open", Public: true}} {
		must(t, f.CreateProject(f.ctx, &p))
		if p.Name == "hidden_one" {
			hidden = p.ID
		}
	}
	public, private := true, false
	for _, c := range []struct {
		name   string
		filter hook.ProjectFilter
		want   []string
	}{
		{"everything", hook.ProjectFilter{All: true}, []string{"library", "own", "hidden_one", "open"}},
		{"a stranger", hook.ProjectFilter{}, []string{"library", "open"}},
		{"a robot", hook.ProjectFilter{RobotOf: hidden}, []string{"library", "hidden_one", "open"}},
		{"a member", hook.ProjectFilter{ReaderID: u.ID}, []string{"library", "own", "open"}},
		{"by name", hook.ProjectFilter{All: true, Name: "own"}, []string{"own"}},
		{"by a name that may not be read", hook.ProjectFilter{ReaderID: u.ID, Name: "hidden_one"}, nil},
		{"by a part", hook.ProjectFilter{All: true, NameContains: "N_O"}, []string{"hidden_one"}},
		{"public", hook.ProjectFilter{ReaderID: u.ID, Public: &public}, []string{"library", "open"}},
		{"private", hook.ProjectFilter{ReaderID: u.ID, Public: &private}, []string{"own"}},
		{"by owner", hook.ProjectFilter{All: true, OwnerName: "alice"}, []string{"own"}},
	} {
		projects, total, err := f.Projects(f.ctx, c.filter, hook.JobPage{Limit: 10})
		must(t, err)
		var names []string
		for _, p := range projects {
			names = append(names, p.Name)
		}
		wantEqual(t, c.name, names, c.want)
		wantEqual(t, c.name+": total", total, len(c.want))
	}
	page, total, err := f.Projects(f.ctx, hook.ProjectFilter{All: true}, hook.JobPage{Offset: 1, Limit: 1})
	must(t, err)
	if total != 4 || len(page) != 1 || page[0].Name != "own" {
		t.Errorf("page is %+v of %d", page, total)
	}
}

func projectChanges(t *testing.T, f *fixture) {
	f.project.Public = false
	must(t, f.UpdateProject(f.ctx, &f.project))
	got, err := f.Project(f.ctx, f.project.ID)
	must(t, err)
	wantEqual(t, "project", got, f.project)

	id := f.accept(t, "e1", f.policy)[0]
	before, err := f.PoliciesVersion(f.ctx)
	must(t, err)
	must(t, f.DeleteProject(f.ctx, f.project.ID))
	if after, err := f.PoliciesVersion(f.ctx); err != nil || after == before {
		t.Errorf("version stays %d, %v", after, err)
	}
	_, err = f.Policy(f.ctx, f.project.ID, f.policy.ID)
	wantError(t, err, hook.ErrNotFound)
	wantEqual(t, "status of a waiting job", f.read(t, id).Status, hook.StatusStopped)
	wantError(t, f.DeleteProject(f.ctx, f.project.ID), hook.ErrNotFound)
	wantError(t, f.UpdateProject(f.ctx, &f.project), hook.ErrNotFound)
}

func lastTriggers(t *testing.T, f *fixture) {
	f.accept(t, "e1", f.policy)
	newest := f.read(t, f.accept(t, "e2", f.policy)[0])
	push, pull := hook.Trigger{PolicyID: f.policy.ID, HookType: hook.PushImage}, hook.Trigger{PolicyID: f.policy.ID, HookType: hook.PullImage}
	other := hook.Trigger{PolicyID: f.policy.ID + 1, HookType: hook.PushImage}
	last, err := f.LastTriggers(f.ctx, []hook.Trigger{push, pull, other})
	must(t, err)
	wantEqual(t, "last triggers", last, map[hook.Trigger]time.Time{push: newest.CreationTime})
	last, err = f.LastTriggers(f.ctx, nil)
	must(t, err)
	wantEqual(t, "none", len(last), 0)
}

func redelivered(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	d := f.claimOne(t, id, lease)
	f.finish(t, hook.Outcome{JobID: id, Lease: d.Lease, Attempt: attempt(1, hook.ResultHTTPError), Status: hook.StatusError})
	f.policy.Name, f.policy.Targets[0].Address = "renamed", "https://new.example.com/hook?token=x"
	must(t, f.UpdatePolicy(f.ctx, &f.policy, nil))

	for i := range 2 { // as often as somebody asks
		done, err := f.Redeliver(f.ctx, f.project.ID, []int64{id}, nil)
		must(t, err)
		if len(done.IDs) != 1 || len(done.Refused) != 0 {
			t.Fatalf("redelivery %d: %+v", i, done)
		}
		old, again := f.read(t, id), f.read(t, done.IDs[0])
		wantEqual(t, "redelivery of", again.RedeliveryOf, id)
		wantEqual(t, "status", again.Status, hook.StatusPending)
		wantEqual(t, "body", string(again.Detail), string(old.Detail))
		wantEqual(t, "webhook-id", again.MessageID(), old.MessageID())
		wantEqual(t, "target", again.Target, "https://new.example.com/hook?token=********")
		wantEqual(t, "origin", again.Origin, "https://new.example.com:443")
		wantEqual(t, "policy", again.PolicyName, "renamed")
		if again.UUID == old.UUID || again.Key == old.Key {
			t.Errorf("the new job has the old one's uuid %s or key %s", again.UUID, again.Key)
		}
		next := f.claimOne(t, again.ID, lease)
		wantEqual(t, "first attempt", next.Number, 1)
		wantEqual(t, "address", next.SendTo.Address, f.policy.Targets[0].Address)
	}
	wantEqual(t, "old status", f.read(t, id).Status, hook.StatusError)
	ids, err := f.JobIDs(f.ctx, f.project.ID, hook.JobFilter{Statuses: []hook.Status{hook.StatusRunning, hook.StatusError}}, 2)
	must(t, err)
	if len(ids) != 2 || ids[0] != id {
		t.Errorf("ids are %v", ids)
	}
}

func notRedelivered(t *testing.T, f *fixture) {
	disabled, gone := f.newPolicy("disabled", "https://x.example.com"), f.newPolicy("gone", "https://x.example.com")
	shorter := f.newPolicy("shorter", "https://x.example.com")
	for _, p := range []*hook.Policy{&disabled, &gone, &shorter} {
		must(t, f.CreatePolicy(f.ctx, p, nil))
	}
	e := f.event("e1")
	second := f.job(e, shorter)
	second.TargetPosition, second.Key = 1, hook.JobKey(e, shorter.ID, 1)
	unwritten := f.event("e2")
	failed := f.job(unwritten, f.policy)
	failed.Detail, failed.Status = nil, hook.StatusError
	_, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{unwritten}}, []hook.Job{failed})
	must(t, err)
	bodyless, err := f.JobIDs(f.ctx, f.project.ID, hook.JobFilter{Statuses: []hook.Status{hook.StatusError}}, 1)
	must(t, err)
	ids, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{e}}, []hook.Job{f.job(e, f.policy), f.job(e, disabled), f.job(e, gone), second})
	must(t, err)
	f.claimOne(t, ids[0], lease)
	disabled.Enabled = false
	must(t, f.UpdatePolicy(f.ctx, &disabled, nil))
	must(t, f.DeletePolicy(f.ctx, f.project.ID, gone.ID, nil))

	done, err := f.Redeliver(f.ctx, f.project.ID, append(ids, bodyless[0], ids[3]+1000), nil)
	must(t, err)
	wantEqual(t, "redelivery", done, hook.Redelivery{Refused: map[int64]string{
		ids[0]: "the job is running", ids[1]: "the job's policy is disabled", ids[2]: "the job's policy was deleted",
		ids[3]: "the job's target was removed from the policy", bodyless[0]: "the job has no body, since its template failed",
	}})
	foreign, err := f.Redeliver(f.ctx, f.project.ID+1, ids, nil)
	must(t, err)
	if len(foreign.IDs)+len(foreign.Refused) != 0 {
		t.Errorf("another project's jobs: %+v", foreign)
	}
}

func stoppedByHand(t *testing.T, f *fixture) {
	id := f.accept(t, "e1", f.policy)[0]
	wantError(t, f.StopJob(f.ctx, f.project.ID+1, id, "stopped by alice", nil), hook.ErrNotFound)
	must(t, f.StopJob(f.ctx, f.project.ID, id, "stopped by alice", nil))
	j := f.read(t, id)
	wantEqual(t, "status", j.Status, hook.StatusStopped)
	wantEqual(t, "message", j.StatusMessage, "stopped by alice")
	wantError(t, f.StopJob(f.ctx, f.project.ID, id, "again", nil), hook.ErrConflict)
	running := f.accept(t, "e2", f.policy)[0]
	d := f.claimOne(t, running, lease)
	wantError(t, f.StopJob(f.ctx, f.project.ID, running, "too late", nil), hook.ErrConflict)
	f.finish(t, hook.Outcome{JobID: running, Lease: d.Lease, Attempt: attempt(1, hook.ResultTimeout), Status: hook.StatusScheduled, RetryIn: time.Hour})
	must(t, f.StopJob(f.ctx, f.project.ID, running, "while it waits", nil))
}

func audit(t *testing.T, f *fixture) {
	for i, e := range []hook.AuditEntry{
		{ProjectID: f.project.ID, Actor: "alice", Action: hook.AuditCreate, PolicyID: 3, Detail: "ci \x00"},
		{ProjectID: f.project.ID + 1, Actor: "bob", Action: hook.AuditDelete, PolicyID: 4},
		{ProjectID: f.project.ID, Actor: "bob", Action: hook.AuditStop, JobID: 11},
	} {
		if err := f.AddAudit(f.ctx, e); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	entries, total, err := f.Audit(f.ctx, f.project.ID, hook.JobPage{Limit: 10})
	must(t, err)
	wantEqual(t, "total", total, 2)
	wantEqual(t, "entries", entries, []hook.AuditEntry{
		{ProjectID: f.project.ID, Actor: "bob", Action: hook.AuditStop, JobID: 11},
		{ProjectID: f.project.ID, Actor: "alice", Action: hook.AuditCreate, PolicyID: 3, Detail: "ci \uFFFD"},
	}, cmpopts.IgnoreFields(hook.AuditEntry{}, "ID", "At"))
	if time.Since(entries[0].At).Abs() > time.Minute {
		t.Errorf("recorded at %s", entries[0].At)
	}
	second, total, err := f.Audit(f.ctx, f.project.ID, hook.JobPage{Offset: 1, Limit: 1})
	must(t, err)
	if total != 2 || len(second) != 1 || second[0].Actor != "alice" {
		t.Errorf("second page is %+v of %d", second, total)
	}
}

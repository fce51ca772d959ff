package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func incompleteEvent(t *testing.T, f *fixture) {
	e := f.event("e1")
	e.Incomplete = true
	accept := func(e hook.Event, jobs ...hook.Job) []int64 {
		t.Helper()
		ids, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{e}}, jobs)
		must(t, err)
		return ids
	}
	accept(e)
	if again := accept(e); len(again) != 0 {
		t.Errorf("the repetition stored jobs %v", again)
	}
	claimed, err := f.ClaimIncomplete(f.ctx, 10, lease)
	must(t, err)
	if len(claimed) != 1 || claimed[0].ID != "e1" || !claimed[0].Incomplete {
		t.Fatalf("claimed %+v", claimed)
	}
	e.Incomplete, e.Type = false, hook.UploadChart
	if ids := accept(e, f.job(e, f.policy)); len(ids) != 1 {
		t.Errorf("completing it stored jobs %v, want one", ids)
	}
	later := f.newPolicy("later", "https://later.example.com")
	must(t, f.CreatePolicy(f.ctx, &later, nil))
	if ids := accept(e, f.job(e, f.policy), f.job(e, later)); len(ids) != 0 {
		t.Errorf("completing it again stored jobs %v", ids)
	}
	e.Incomplete = true
	accept(e)
	claimed, err = f.ClaimIncomplete(f.ctx, 10, lease)
	must(t, err)
	if len(claimed) != 0 {
		t.Errorf("a complete event is claimed: %+v", claimed)
	}
	events, err := f.RecentEvents(f.ctx, f.project.ID, 10)
	must(t, err)
	if len(events) != 1 || events[0].Type != hook.UploadChart || events[0].Incomplete {
		t.Errorf("events are %+v", events)
	}
}

func incompleteClaims(t *testing.T, f *fixture) {
	n := hook.Notification{}
	for _, id := range []string{"e1", "e2", "e3", "e4"} {
		e := f.event(id)
		e.Incomplete = true
		n.Events = append(n.Events, e)
	}
	_, err := f.Accept(f.ctx, n, nil)
	must(t, err)
	var mu sync.Mutex
	times := map[string]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			claimed, err := f.ClaimIncomplete(f.ctx, 2, lease)
			if err != nil || len(claimed) > 2 {
				t.Errorf("claimed %d events: %v", len(claimed), err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, e := range claimed {
				times[e.ID]++
			}
		})
	}
	all.Wait()
	left, err := f.ClaimIncomplete(f.ctx, 10, 0)
	must(t, err)
	for _, e := range left {
		times[e.ID]++
	}
	wantEqual(t, "claims", times, map[string]int{"e1": 1, "e2": 1, "e3": 1, "e4": 1})
	again, err := f.ClaimIncomplete(f.ctx, 10, lease)
	must(t, err)
	wantEqual(t, "events whose lease has ended", len(again), len(left))
}

func expectations(t *testing.T, f *fixture) {
	tag := func(digest string) hook.Fact {
		return hook.Fact{Tag: &hook.Tag{Repository: "library/app", Name: "v1", Digest: digest}}
	}
	recovered := func(id, digest string, was hook.Tag) error {
		e := f.event(id)
		_, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{e}, Facts: []hook.Fact{tag(digest)}, Expect: []hook.Tag{was}}, []hook.Job{f.job(e, f.policy)})
		return err
	}
	never := hook.Tag{Repository: "library/app", Name: "v1"}
	must(t, recovered("e1", "sha256:aa", never))
	wantError(t, recovered("e2", "sha256:bb", never), hook.ErrConflict)
	_, tags := f.recall(t, nil, "v1")
	now := tags[0]
	if now.Digest != "sha256:aa" || now.UpdateTime.IsZero() {
		t.Errorf("the tag is %+v", now)
	}
	must(t, recovered("e3", "sha256:bb", now))
	wantError(t, recovered("e4", "sha256:cc", now), hook.ErrConflict)
	events, err := f.RecentEvents(f.ctx, f.project.ID, 10)
	must(t, err)
	_, jobs, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{}, hook.JobPage{Limit: 10})
	must(t, err)
	if len(events) != 2 || jobs != 2 {
		t.Errorf("%d events and %d jobs are stored, want 2", len(events), jobs)
	}
}

func memoryLists(t *testing.T, f *fixture) {
	at := time.Date(2026, time.March, 3, 7, 58, 52, 123_000, time.UTC)
	fact := func(repository, name, deletedBy string) hook.Fact {
		return hook.Fact{Tag: &hook.Tag{Repository: repository, Name: name, Digest: "sha256:aa", DeletedBy: deletedBy, RecoveredAt: at}}
	}
	_, err := f.Accept(f.ctx, hook.Notification{Facts: []hook.Fact{
		fact("library/b", "v2", ""), fact("library/b", "v1", "request"), fact("library/a", "v1", ""), fact("library/c", "v1", "request"), fact("library/d", "v1", ""),
	}}, nil)
	must(t, err)
	names, err := f.TaggedRepositories(f.ctx, "", 2)
	must(t, err)
	wantEqual(t, "first page", names, []string{"library/a", "library/b"})
	names, err = f.TaggedRepositories(f.ctx, "library/b", 2)
	must(t, err)
	wantEqual(t, "second page", names, []string{"library/d"})
	tags, err := f.TagsIn(f.ctx, "library/b")
	must(t, err)
	for i := range tags {
		if tags[i].UpdateTime.IsZero() {
			t.Errorf("%s has no time", tags[i].Name)
		}
		tags[i].UpdateTime = time.Time{}
	}
	wantEqual(t, "tags", tags, []hook.Tag{*fact("library/b", "v1", "request").Tag, *fact("library/b", "v2", "").Tag})
}

func sources(t *testing.T, f *fixture) {
	one, two := hook.RegistrySource{Addr: "registry:5000", InstanceID: "1"}, hook.RegistrySource{Addr: "registry:5000", InstanceID: "2"}
	known, ever, err := f.SourcesKnown(f.ctx, []hook.RegistrySource{one})
	must(t, err)
	if ever || known[one] {
		t.Error("a registry is known from the beginning")
	}
	for range 2 {
		must(t, f.LearnSources(f.ctx, []hook.RegistrySource{one}))
	}
	known, ever, err = f.SourcesKnown(f.ctx, []hook.RegistrySource{one, two})
	must(t, err)
	if !ever || !known[one] || known[two] {
		t.Errorf("known: %v, %v", known, ever)
	}
}

func recentEvents(t *testing.T, f *fixture) {
	for _, id := range []string{"e1", "e2", "e3"} {
		f.accept(t, id, f.policy)
	}
	nothing := f.event("e4")
	nothing.Type = ""
	_, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{nothing}}, nil)
	must(t, err)
	events, err := f.RecentEvents(f.ctx, f.project.ID, 2)
	must(t, err)
	if len(events) != 2 || events[0].ID != "e3" || events[1].ID != "e2" || len(events[0].Resources) != 1 {
		t.Errorf("events are %+v", events)
	}
	other, err := f.RecentEvents(f.ctx, f.project.ID+1, 10)
	must(t, err)
	if len(other) != 0 {
		t.Errorf("another project has %+v", other)
	}
}

package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/store"
)

// Rotation checks that the secrets of a database can be encrypted anew. open
// opens the same database each time, with a key and old ones; the caller of open
// closes it.
func Rotation(t *testing.T, open func(t *testing.T, key []byte, old ...[]byte) *store.Store) {
	t.Helper()
	first, second, lost := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32), bytes.Repeat([]byte{3}, 32)
	project := hook.Project{Name: "library"}
	s := open(t, first)
	must(t, s.CreateProject(t.Context(), &project))
	const policies = 150
	want := map[int64]hook.Policy{}
	for i := range policies {
		p := secretPolicy(project.ID, i)
		must(t, s.CreatePolicy(t.Context(), &p, nil))
		want[p.ID] = p
	}
	must(t, s.Close())

	s = open(t, second, first)
	ctx, interrupt := context.WithCancel(t.Context())
	partly, err := s.RotateKey(ctx, func(store.Rotation) { interrupt() })
	if !errors.Is(err, context.Canceled) || partly.Changed != 100 {
		t.Fatalf("interrupted after %+v: %v", partly, err)
	}
	samePolicies(t, s, project.ID, want) // some have one key, some the other
	rest, err := s.RotateKey(t.Context(), nil)
	must(t, err)
	wantEqual(t, "second run", rest, store.Rotation{Policies: policies, Changed: policies - 101})
	again, err := s.RotateKey(t.Context(), nil)
	must(t, err)
	wantEqual(t, "third run", again, store.Rotation{Policies: policies})
	must(t, s.Close())

	s = open(t, second)
	samePolicies(t, s, project.ID, want)
	must(t, s.Close())

	// What no key opens is told and left alone.
	s = open(t, lost)
	unreadable, err := s.RotateKey(t.Context(), nil)
	must(t, err)
	if unreadable.Changed != 0 || len(unreadable.Unreadable) != policies-1 { // one has no secrets
		t.Errorf("with a wrong key: %d changed, %d unreadable", unreadable.Changed, len(unreadable.Unreadable))
	}
	must(t, s.Close())
	s = open(t, second)
	samePolicies(t, s, project.ID, want)
	must(t, s.Close())
}

// secretPolicy returns a policy with every kind of secret; the one numbered 140 has none.
func secretPolicy(project int64, i int) hook.Policy {
	p := hook.Policy{
		ProjectID: project, Name: fmt.Sprintf("p%d", i), HookTypes: []hook.EventType{hook.PushImage}, Filters: []hook.Filter{},
		Targets: []hook.Target{
			{Type: "http", Address: "https://one.example/", PayloadFormat: "Events", AuthHeader: fmt.Sprintf("Bearer one-%d", i)},
			{Type: "http", Address: "https://two.example/", PayloadFormat: "Events", AuthHeader: fmt.Sprintf("Bearer two-%d", i)},
		},
		Secret: fmt.Sprintf("secret-%d", i), OldSecret: fmt.Sprintf("old-%d", i), OldSecretUntil: time.UnixMicro(1e15).UTC(),
	}
	if i == 140 {
		p.Secret, p.OldSecret, p.OldSecretUntil = "", "", time.Time{}
		p.Targets[0].AuthHeader, p.Targets[1].AuthHeader = "", ""
	}
	return p
}

func samePolicies(t *testing.T, s *store.Store, project int64, want map[int64]hook.Policy) {
	t.Helper()
	list, err := s.Policies(t.Context(), project)
	must(t, err)
	got := map[int64]hook.Policy{}
	for _, p := range list {
		got[p.ID] = p
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("policies (-want +got):\n%s", d)
	}
}

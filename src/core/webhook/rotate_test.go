package webhook

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// onePolicy is a store of one policy that others may have changed.
type onePolicy struct {
	PolicyStore
	policy  hook.Policy
	changed bool
	by      *hook.AuditEntry
}

func (s *onePolicy) Policy(_ context.Context, projectID, id int64) (hook.Policy, error) {
	if s.policy.ProjectID != projectID || s.policy.ID != id {
		return hook.Policy{}, hook.ErrNotFound
	}
	return s.policy, nil
}

func (s *onePolicy) ReplacePolicy(_ context.Context, p *hook.Policy, seen time.Time, by *hook.AuditEntry) error {
	if s.changed || !seen.Equal(s.policy.UpdateTime) {
		return hook.ErrChanged
	}
	s.policy, s.by = *p, by
	return nil
}

func TestRotatingASecretKeepsTheOldOneForAWhile(t *testing.T) {
	t.Parallel()
	at := time.Date(2020, time.March, 4, 0, 0, 0, 0, time.UTC)
	rules := Rules{
		KnownType:   func(hook.EventType) bool { return true },
		TargetTypes: []string{"http"}, FormatsFor: func(string) []string { return []string{"Events"} },
		CheckPayload: func(hook.Target, []hook.EventType) error { return nil },
	}
	s := &onePolicy{policy: newPolicy(3, "https://a.example.com")}
	s.policy.Secret, s.policy.UpdateTime = "before", at.Add(-time.Hour)
	policies := NewPolicies(s, NewCache(&memory{}, quiet()), rules)

	by := &hook.AuditEntry{Actor: "alice", Action: hook.AuditRotate}
	fresh, err := policies.RotateSecret(t.Context(), 1, 3, at, by)
	if err != nil || !strings.HasPrefix(fresh, "whsec_") || len(fresh) < len("whsec_")+44 {
		t.Fatalf("got %q, %v", fresh, err)
	}
	if p := s.policy; p.Secret != fresh || p.OldSecret != "before" || !p.OldSecretUntil.Equal(at) {
		t.Errorf("stored %q, %q until %s", p.Secret, p.OldSecret, p.OldSecretUntil)
	}
	if s.by != by {
		t.Errorf("recorded %+v with it", s.by)
	}
	if again, err := policies.RotateSecret(t.Context(), 1, 3, at, by); err != nil || again == fresh {
		t.Errorf("the second secret is %q, %v", again, err)
	}
	if _, err := policies.RotateSecret(t.Context(), 2, 3, at, by); !errors.Is(err, hook.ErrNotFound) {
		t.Errorf("another project's policy: %v", err)
	}
	s.changed = true
	if _, err := policies.RotateSecret(t.Context(), 1, 3, at, by); !errors.Is(err, hook.ErrConflict) {
		t.Errorf("a policy that changes meanwhile: %v", err)
	}
}

package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/hook"
)

// PolicyStore keeps policies. What changes one takes who does it, and records that
// with the change.
type PolicyStore interface {
	Policies(ctx context.Context, projectID int64) ([]hook.Policy, error)
	Policy(ctx context.Context, projectID, id int64) (hook.Policy, error)
	CreatePolicy(ctx context.Context, p *hook.Policy, by *hook.AuditEntry) error
	// ReplacePolicy is a hook.ErrChanged if the policy was updated after seen,
	// unless that is zero.
	ReplacePolicy(ctx context.Context, p *hook.Policy, seen time.Time, by *hook.AuditEntry) error
	DeletePolicy(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error
}

// Rules say what a policy may name. The catalogs of event types and payload
// formats answer them.
type Rules struct {
	KnownType func(hook.EventType) bool
	// TargetTypes are the types of target; the first is the default.
	TargetTypes []string
	// FormatsFor lists the payload formats that a type of target reads; the first is
	// its default.
	FormatsFor func(targetType string) []string
	// CheckPayload says whether the target's format and template write a body for
	// every one of the types. What is wrong is a hook.InvalidError.
	CheckPayload func(t hook.Target, types []hook.EventType) error
	// CheckAddress, if set, fails for the address of a target that plainly may not be
	// called. A delivery is checked again when it is made.
	CheckAddress func(address string) error
}

// Policies is the one way to change policies: it checks them and tells the cache.
// Who changes one is recorded with the change.
type Policies struct {
	store PolicyStore
	cache *Cache
	rules Rules
}

// NewPolicies returns the service.
func NewPolicies(store PolicyStore, cache *Cache, rules Rules) *Policies {
	return &Policies{store: store, cache: cache, rules: rules}
}

// Limits of a policy, in characters and entries.
const (
	maxNameLength        = 64
	maxDescriptionLength = 1024
	maxPolicies          = 50
	maxTargets           = 10
	maxSecretLength      = 256
)

// Policies returns the policies of a project, oldest first.
func (s *Policies) Policies(ctx context.Context, projectID int64) ([]hook.Policy, error) {
	return s.store.Policies(ctx, projectID)
}

// Policy returns a policy of a project, or hook.ErrNotFound.
func (s *Policies) Policy(ctx context.Context, projectID, id int64) (hook.Policy, error) {
	return s.store.Policy(ctx, projectID, id)
}

// CreatePolicy checks and stores a policy and sets its id and times. A
// hook.InvalidError says what is wrong with it; a name that the project has
// already is a hook.ErrConflict.
func (s *Policies) CreatePolicy(ctx context.Context, p *hook.Policy, by *hook.AuditEntry) error {
	if err := s.Check(p); err != nil {
		return err
	}
	existing, err := s.store.Policies(ctx, p.ProjectID)
	if err != nil {
		return err
	}
	if err := s.checkAddresses(p.Targets, nil); err != nil {
		return err
	}
	if len(existing) >= maxPolicies {
		return hook.Invalidf("", "the project has %d policies, which is the most it can have", len(existing))
	}
	defer s.cache.Invalidate()
	return s.nameTaken(p, s.store.CreatePolicy(ctx, p, by))
}

// UpdatePolicy checks and replaces a policy; errors are those of CreatePolicy,
// hook.ErrNotFound, and hook.ErrChanged if somebody updated the policy after seen,
// unless that is zero.
func (s *Policies) UpdatePolicy(ctx context.Context, p *hook.Policy, seen time.Time, by *hook.AuditEntry) error {
	if err := s.Check(p); err != nil {
		return err
	}
	if err := s.checkNewAddresses(ctx, p); err != nil {
		return err
	}
	defer s.cache.Invalidate()
	return s.nameTaken(p, s.store.ReplacePolicy(ctx, p, seen, by))
}

// The bytes of a new secret: within what Standard Webhooks asks for (24 to 64).
const secretLength = 32

// RotateSecret gives a policy a new signing secret and returns it. The one before
// signs too until oldUntil. A policy that somebody changes meanwhile is a
// hook.ConflictError.
func (s *Policies) RotateSecret(ctx context.Context, projectID, id int64, oldUntil time.Time, by *hook.AuditEntry) (string, error) {
	p, err := s.store.Policy(ctx, projectID, id)
	if err != nil {
		return "", err
	}
	key := make([]byte, secretLength)
	rand.Read(key) // never fails: the runtime stops the process instead
	p.OldSecret, p.OldSecretUntil = p.Secret, oldUntil
	p.Secret = "whsec_" + base64.StdEncoding.EncodeToString(key)
	err = s.UpdatePolicy(ctx, &p, p.UpdateTime, by)
	if errors.Is(err, hook.ErrChanged) {
		return "", hook.Conflict("the policy was changed meanwhile")
	}
	return p.Secret, err
}

func (s *Policies) nameTaken(p *hook.Policy, err error) error {
	if errors.Is(err, hook.ErrConflict) {
		return fmt.Errorf("a policy named %q exists in this project: %w", p.Name, hook.ErrConflict)
	}
	return err
}

// DeletePolicy removes a policy. Its waiting jobs are stopped, its history stays.
func (s *Policies) DeletePolicy(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error {
	defer s.cache.Invalidate()
	return s.store.DeletePolicy(ctx, projectID, id, by)
}

// Check normalises a policy and says what is wrong with it.
func (s *Policies) Check(p *hook.Policy) error {
	if err := checkText("name", p.Name, 1, maxNameLength); err != nil {
		return err
	}
	if err := checkText("description", p.Description, 0, maxDescriptionLength); err != nil {
		return err
	}
	if err := s.checkTypes(p); err != nil {
		return err
	}
	if _, err := compile(p.Filters); err != nil {
		return err
	}
	if err := checkText("secret", p.Secret, 0, maxSecretLength); err != nil {
		return err
	}
	return s.checkTargets(p)
}

func (s *Policies) checkTypes(p *hook.Policy) error {
	if len(p.HookTypes) == 0 {
		return hook.Invalid("hook_types", "is empty; name at least one event type")
	}
	var types []hook.EventType
	for _, t := range p.HookTypes {
		if !s.rules.KnownType(t) {
			return hook.Invalidf("hook_types", "%q is no event type", t)
		}
		if !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	p.HookTypes = types
	return nil
}

func (s *Policies) checkTargets(p *hook.Policy) error {
	if len(p.Targets) == 0 || len(p.Targets) > maxTargets {
		return hook.Invalidf("targets", "has %d entries, 1 to %d are possible", len(p.Targets), maxTargets)
	}
	for i := range p.Targets {
		if err := s.checkTarget(&p.Targets[i], p.HookTypes); err != nil {
			var invalid *hook.InvalidError
			if i > 0 && errors.As(err, &invalid) {
				return invalid.In(fmt.Sprintf("targets[%d].%s", i, invalid.Field))
			}
			return err
		}
	}
	return nil
}

func (s *Policies) checkTarget(t *hook.Target, types []hook.EventType) error {
	if err := s.completeTarget(t); err != nil {
		return err
	}
	if err := hook.ValidateTarget(t.Address); err != nil {
		return err
	}
	if err := hook.ValidateAuthHeader(t.AuthHeader); err != nil {
		return err
	}
	return s.rules.CheckPayload(*t, types)
}

// checkNewAddresses leaves alone what the policy has already, so that it can be
// changed or disabled after the operator has closed a network.
func (s *Policies) checkNewAddresses(ctx context.Context, p *hook.Policy) error {
	if s.checkAddresses(p.Targets, nil) == nil {
		return nil
	}
	stored, err := s.store.Policy(ctx, p.ProjectID, p.ID)
	if err != nil {
		return err
	}
	return s.checkAddresses(p.Targets, stored.Targets)
}

// checkAddresses refuses addresses that may not be called and are not known.
func (s *Policies) checkAddresses(targets, known []hook.Target) error {
	if s.rules.CheckAddress == nil {
		return nil
	}
	for i, t := range targets {
		same := func(k hook.Target) bool { return k.Address == t.Address }
		if slices.ContainsFunc(known, same) || s.rules.CheckAddress(t.Address) == nil {
			continue
		}
		field := "target"
		if i > 0 {
			field = fmt.Sprintf("targets[%d].target", i)
		}
		return hook.Invalid(field, hook.NotOpened)
	}
	return nil
}

// completeTarget fills in the type or format that is left out: the format tells
// the type, and each type has a default format. A format that another type reads
// makes an http target, which is what clients send that know no other, one of
// that type.
func (s *Policies) completeTarget(t *hook.Target) error {
	reads := func(targetType string) bool {
		return slices.Contains(s.rules.FormatsFor(targetType), t.PayloadFormat)
	}
	standard := s.rules.TargetTypes[0]
	if t.Type == "" {
		t.Type = standard
	}
	if !slices.Contains(s.rules.TargetTypes, t.Type) {
		return hook.Invalidf("type", "%q is no type of target; possible are %s", t.Type, strings.Join(s.rules.TargetTypes, ", "))
	}
	if t.PayloadFormat == "" {
		t.PayloadFormat = s.rules.FormatsFor(t.Type)[0]
	}
	if i := slices.IndexFunc(s.rules.TargetTypes, reads); t.Type == standard && i >= 0 {
		t.Type = s.rules.TargetTypes[i]
	}
	if !reads(t.Type) {
		return hook.Invalidf("payload_format", "%q is no payload format of a target of type %s; possible are %s",
			t.PayloadFormat, t.Type, strings.Join(s.rules.FormatsFor(t.Type), ", "))
	}
	return nil
}

// checkText wants valid text without control characters, which would confuse
// logs and pages; a description may have several lines.
func checkText(field, text string, least, most int) error {
	if !utf8.ValidString(text) {
		return hook.Invalid(field, "is not valid UTF-8")
	}
	if n := utf8.RuneCountInString(text); n < least || n > most {
		return hook.Invalidf(field, "has %d characters, %d to %d are possible", n, least, most)
	}
	allowed := ""
	if field == "description" {
		allowed = "\n\r\t"
	}
	for _, r := range text {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return hook.Invalidf(field, "has the control character %U", r)
		}
	}
	return nil
}

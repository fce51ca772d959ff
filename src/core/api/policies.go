package api

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// Policies keeps the policies of projects and knows which are valid. An invalid
// one is a *hook.InvalidError, a name that the project has already a
// hook.ErrConflict, and a policy that is not the project's hook.ErrNotFound. Who
// makes a change is recorded with it, in one transaction.
type Policies interface {
	Policies(ctx context.Context, projectID int64) ([]hook.Policy, error)
	Policy(ctx context.Context, projectID, id int64) (hook.Policy, error)
	// CreatePolicy sets the policy's id and times.
	CreatePolicy(ctx context.Context, p *hook.Policy, by *hook.AuditEntry) error
	// UpdatePolicy is a hook.ErrChanged if somebody updated the policy after seen,
	// unless that is zero.
	UpdatePolicy(ctx context.Context, p *hook.Policy, seen time.Time, by *hook.AuditEntry) error
	// RotateSecret returns the policy's new secret; the old one signs until oldUntil.
	RotateSecret(ctx context.Context, projectID, id int64, oldUntil time.Time, by *hook.AuditEntry) (string, error)
	DeletePolicy(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error
	// Check says what is wrong with a policy that is not to be stored.
	Check(p *hook.Policy) error
}

const policyName = "webhook policy"

func (a *API) listPolicies(c *call) error {
	mayUpdate, err := c.can(auth.ActionPolicyUpdate)
	if err != nil {
		return err
	}
	policies, err := a.Policies.Policies(c.r.Context(), c.project.ID)
	if err != nil {
		return fmt.Errorf("list policies: %w", err)
	}
	if c.family.harbor2 {
		if policies, err = c.pagePolicies(policies); err != nil {
			return err
		}
	}
	shown := make([]any, len(policies))
	for i, p := range policies {
		shown[i] = a.showPolicy(c.family, p, mayUpdate)
	}
	return c.json(shown)
}

// pagePolicies narrows, orders and cuts the list as the query asks. A project has
// few policies, so there is no need to ask the database.
func (c *call) pagePolicies(policies []hook.Policy) ([]hook.Policy, error) {
	q := c.query()
	page, criteria := q.page(), q.criteria()
	order := q.optional("sort")
	if q.err != nil {
		return nil, q.err
	}
	if order == "" {
		order = "-creation_time"
	}
	columns := policyColumns()
	policies = columns.order(columns.narrow(policies, criteria), order)
	c.announce(page, len(policies))
	return window(policies, page), nil
}

// policyColumns are what may be asked for: nothing that could spell out a secret.
func policyColumns() columns[hook.Policy] {
	return columns[hook.Policy]{
		"id":            func(p hook.Policy) string { return strconv.FormatInt(p.ID, 10) },
		"name":          func(p hook.Policy) string { return p.Name },
		"enabled":       func(p hook.Policy) string { return strconv.FormatBool(p.Enabled) },
		"creator":       func(p hook.Policy) string { return p.Creator },
		"creation_time": func(p hook.Policy) string { return comparableTime(p.CreationTime) },
		"update_time":   func(p hook.Policy) string { return comparableTime(p.UpdateTime) },
	}
}

// showPolicy returns the policy as the family shows it.
func (a *API) showPolicy(f *Family, p hook.Policy, mayUpdate bool) any {
	if f.harbor2 {
		return a.showSecondPolicy(p, mayUpdate)
	}
	return showPolicy(p, mayUpdate)
}

// applyPolicy reads the body of a write in the family's shape.
func (a *API) applyPolicy(c *call, stored hook.Policy) (hook.Policy, error) {
	body, err := c.body()
	if err != nil {
		return hook.Policy{}, err
	}
	apply := applyPolicy
	if c.family.harbor2 {
		apply = a.applySecondPolicy
	}
	p, err := apply(stored, body)
	p.Naming = c.family.renamed(stored, p)
	return p, err
}

func (a *API) readPolicy(c *call) error {
	p, err := a.policy(c)
	if err != nil {
		return err
	}
	mayUpdate, err := c.can(auth.ActionPolicyUpdate)
	if err != nil {
		return err
	}
	c.w.Header().Set("ETag", policyTag(p))
	return c.json(a.showPolicy(c.family, p, mayUpdate))
}

func (a *API) createPolicy(c *call) error {
	p, err := a.applyPolicy(c, hook.Policy{ProjectID: c.project.ID, Enabled: true, Creator: c.who.Name(), Naming: c.family.naming})
	if err != nil {
		return err
	}
	by := c.by(hook.AuditCreate).With(p.Name)
	if err := a.Policies.CreatePolicy(c.r.Context(), &p, by); err != nil {
		return nameTaken(fmt.Errorf("create policy: %w", err))
	}
	c.did(by)
	return c.created(p.ID)
}

func (a *API) updatePolicy(c *call) error {
	stored, err := a.policy(c)
	if err != nil {
		return err
	}
	seen, err := seenBy(c.r.Header.Values("If-Match"), stored)
	if err != nil {
		return err
	}
	p, err := a.applyPolicy(c, stored)
	if err != nil {
		return err
	}
	by := c.by(hook.AuditUpdate).With(p.Name)
	if err := a.Policies.UpdatePolicy(c.r.Context(), &p, seen, by); err != nil {
		return nameTaken(orNotFound(fmt.Errorf("update policy: %w", err), policyName))
	}
	c.did(by)
	return c.done()
}

func (a *API) deletePolicy(c *call) error {
	id, err := c.id(":id", policyName)
	if err != nil {
		return err
	}
	by := c.by(hook.AuditDelete)
	if err := a.Policies.DeletePolicy(c.r.Context(), c.project.ID, id, by); err != nil {
		return orNotFound(fmt.Errorf("delete policy: %w", err), policyName)
	}
	c.did(by)
	return c.done()
}

// policy looks up the policy in the path, in the project in the path.
func (a *API) policy(c *call) (hook.Policy, error) {
	id, err := c.id(":id", policyName)
	if err != nil {
		return hook.Policy{}, err
	}
	p, err := a.Policies.Policy(c.r.Context(), c.project.ID, id)
	if err != nil {
		return hook.Policy{}, orNotFound(fmt.Errorf("read policy: %w", err), policyName)
	}
	return p, nil
}

func nameTaken(err error) error {
	return orConflict(err, "the project has a webhook policy of this name already")
}

// policyTag changes with every update of the policy.
func policyTag(p hook.Policy) string {
	return `"` + strconv.FormatInt(p.ID, 10) + "-" + strconv.FormatInt(p.UpdateTime.UnixNano(), 36) + `"`
}

// seenBy returns the update time that the stored policy must still have when it is
// written: the one of its tag if the write asks for that, none if it does not ask.
// A write that asks for other tags only is refused.
func seenBy(ifMatch []string, stored hook.Policy) (time.Time, error) {
	if len(ifMatch) == 0 {
		return time.Time{}, nil
	}
	for wanted := range strings.SplitSeq(strings.Join(ifMatch, ","), ",") {
		switch strings.TrimSpace(wanted) {
		case "*":
			return time.Time{}, nil
		case policyTag(stored):
			return stored.UpdateTime, nil
		}
	}
	return time.Time{}, hook.ErrChanged
}

package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// Policies keeps the policies of projects and knows which are valid. An invalid
// one is a *hook.InvalidError, a name that the project has already a
// hook.ErrConflict, and a policy that is not the project's hook.ErrNotFound.
type Policies interface {
	Policies(ctx context.Context, projectID int64) ([]hook.Policy, error)
	Policy(ctx context.Context, projectID, id int64) (hook.Policy, error)
	// CreatePolicy sets the policy's id and times.
	CreatePolicy(ctx context.Context, p *hook.Policy) error
	UpdatePolicy(ctx context.Context, p *hook.Policy) error
	DeletePolicy(ctx context.Context, projectID, id int64) error
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
	shown := make([]policyJSON, len(policies))
	for i, p := range policies {
		shown[i] = showPolicy(p, mayUpdate)
	}
	return c.json(shown)
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
	return c.json(showPolicy(p, mayUpdate))
}

func (a *API) createPolicy(c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	p, err := applyPolicy(hook.Policy{ProjectID: c.project.ID, Enabled: true, Creator: c.who.Name()}, body)
	if err != nil {
		return err
	}
	if err := a.Policies.CreatePolicy(c.r.Context(), &p); err != nil {
		return nameTaken(fmt.Errorf("create policy: %w", err))
	}
	return c.created(p.ID)
}

func (a *API) updatePolicy(c *call) error {
	stored, err := a.policy(c)
	if err != nil {
		return err
	}
	if !fresh(c.r.Header.Values("If-Match"), policyTag(stored)) {
		return refuse(http.StatusPreconditionFailed, "the policy was changed since it was read")
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	p, err := applyPolicy(stored, body)
	if err != nil {
		return err
	}
	if err := a.Policies.UpdatePolicy(c.r.Context(), &p); err != nil {
		return nameTaken(orNotFound(fmt.Errorf("update policy: %w", err), policyName))
	}
	return c.done()
}

func (a *API) deletePolicy(c *call) error {
	id, err := c.id(":id", policyName)
	if err != nil {
		return err
	}
	if err := a.Policies.DeletePolicy(c.r.Context(), c.project.ID, id); err != nil {
		return orNotFound(fmt.Errorf("delete policy: %w", err), policyName)
	}
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

// fresh says whether a write that asks for one of these tags may go on.
func fresh(ifMatch []string, tag string) bool {
	if len(ifMatch) == 0 {
		return true
	}
	for _, wanted := range strings.Split(strings.Join(ifMatch, ","), ",") {
		if wanted = strings.TrimSpace(wanted); wanted == "*" || wanted == tag {
			return true
		}
	}
	return false
}

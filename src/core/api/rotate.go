package api

import (
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// How long an old secret may sign beside a new one, and does unless the caller says.
const (
	maxKeepOld     = 7 * 24 * time.Hour
	defaultKeepOld = 24 * time.Hour
)

// rotateSecret answers the new secret, this once.
func (a *API) rotateSecret(c *call) error {
	id, err := c.id(":id", policyName)
	if err != nil {
		return err
	}
	keepOld, err := readKeepOld(c)
	if err != nil {
		return err
	}
	by := c.by(hook.AuditRotate)
	secret, err := a.Policies.RotateSecret(c.r.Context(), c.project.ID, id, a.Now().Add(keepOld), by)
	if err != nil {
		return orNotFound(fmt.Errorf("rotate the secret of a policy: %w", err), policyName)
	}
	c.did(by)
	c.w.Header().Set("Cache-Control", "no-store")
	return c.json(struct {
		Secret string `json:"secret"`
	}{secret})
}

// readKeepOld reads the body, which may be left out.
func readKeepOld(c *call) (time.Duration, error) {
	body, err := c.body()
	if err != nil || len(body) == 0 {
		return defaultKeepOld, err
	}
	o := c.family.parse(body, "keep_old_for")
	text := defaultKeepOld.String()
	o.str("keep_old_for", &text)
	keepOld, err := time.ParseDuration(text)
	if err != nil || keepOld < 0 || keepOld > maxKeepOld {
		o.fail("keep_old_for", `must be a duration from "0s" to "168h", for example "24h"`)
	}
	return keepOld, o.err
}

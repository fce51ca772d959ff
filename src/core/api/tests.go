package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/core/webhook"
	"github.com/harborhook/harborhook/src/hook"
)

// Tester tries a policy out: it sends a sample event to the first target, once,
// through the client that delivers. By is who asks.
type Tester interface {
	Test(ctx context.Context, project hook.Project, p hook.Policy, by string) (hook.Attempt, error)
}

// TestLimit bounds the tests of each project, by its id, and of all of them.
type TestLimit interface {
	// Take lets one test of a project through and returns 0, or returns how long to wait.
	Take(projectID int64) time.Duration
}

// maxTestBody is how much of the target's answer is shown, in bytes.
const maxTestBody = 1 << 10

type testJSON struct {
	Result hook.Result `json:"result"`
	// Status is the target's, 0 if it did not answer.
	Status     int    `json:"status"`
	DurationMS int64  `json:"duration_ms"`
	Body       string `json:"body"`
}

// testDraft tries out a policy that is not stored. What it does not name is as in
// a new policy; a name and event types are not needed.
func (a *API) testDraft(c *call) error {
	p, err := a.applyPolicy(c, hook.Policy{ProjectID: c.project.ID, Name: "test", HookTypes: a.firstType(), Naming: c.family.naming, Enabled: true})
	if err != nil {
		return err
	}
	if p.Name == "" {
		p.Name = "test"
	}
	if len(p.HookTypes) == 0 {
		p.HookTypes = a.firstType()
	}
	if err := a.Policies.Check(&p); err != nil {
		return fmt.Errorf("test policy: %w", err)
	}
	return a.test(c, p)
}

func (a *API) firstType() []hook.EventType { return []hook.EventType{a.Catalog.Types()[0].Name} }

// testPolicy tries out a stored policy, with its stored secrets.
func (a *API) testPolicy(c *call) error {
	p, err := a.policy(c)
	if err != nil {
		return err
	}
	return a.test(c, p)
}

// test answers 200 however the attempt ended.
func (a *API) test(c *call, p hook.Policy) error {
	if wait := a.TestLimit.Take(c.project.ID); wait > 0 {
		message := fmt.Sprintf("more than %d tests of a project, or %d of all of them, in a minute", webhook.MaxTests, webhook.MaxAllTests)
		return &problem{Status: http.StatusTooManyRequests, Message: message, RetryAfter: wait}
	}
	attempt, err := a.Tester.Test(c.r.Context(), c.project, p, c.who.Name())
	if err != nil {
		return fmt.Errorf("test policy: %w", err)
	}
	c.tried(c.by(hook.AuditTest).Of(p.ID).With(hook.MaskTarget(p.Targets[0].Address) + ": " + string(attempt.Result)))
	shown := testJSON{Result: attempt.Result, DurationMS: attempt.Duration.Milliseconds()}
	if r := attempt.Response; r != nil {
		shown.Status = r.Status
		shown.Body = strings.ToValidUTF8(r.Body[:min(len(r.Body), maxTestBody)], "")
	}
	return c.json(shown)
}

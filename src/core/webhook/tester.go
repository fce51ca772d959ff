package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/harborhook/harborhook/src/hook"
)

// Sender makes one attempt to deliver and says how it ended.
type Sender interface {
	Send(ctx context.Context, d hook.Delivery) hook.Attempt
}

// Samples returns a typical event of a type, and false if there is no such type.
type Samples func(hook.EventType) (hook.Event, bool)

// Tester tries policies out. Nothing of a test is stored.
type Tester struct {
	samples Samples
	render  Renderer
	send    Sender
	now     func() time.Time
}

// NewTester returns a Tester. Its Sender must be as careful about addresses as
// the one that delivers.
func NewTester(samples Samples, render Renderer, send Sender, now func() time.Time) *Tester {
	return &Tester{samples: samples, render: render, send: send, now: now}
}

// Test sends a sample event of the policy's first type, as if it had happened in
// the project just now and been caused by this user, to the policy's first
// target. The policy must be valid; it need not be stored.
func (t *Tester) Test(ctx context.Context, project hook.Project, p hook.Policy, by string) (hook.Attempt, error) {
	e, ok := t.samples(p.HookTypes[0])
	if !ok {
		return hook.Attempt{}, fmt.Errorf("there is no sample of %q", p.HookTypes[0])
	}
	e.ID, e.OccurredAt, e.Operator = uuid.NewString(), t.now(), by
	e.ProjectID, e.Project, e.Public = project.ID, project.Name, project.Public
	target := p.Targets[0]
	body, contentType, err := t.render.Render(e, p, target)
	if err != nil {
		return hook.Attempt{}, fmt.Errorf("render the sample of %q: %w", e.Type, err)
	}
	j := newJob(e, p, 0)
	j.Detail, j.ContentType, j.EventName = body, contentType, t.render.EventName(e, p)
	return t.send.Send(ctx, hook.Delivery{
		Job: j, Number: 1, SendTo: target,
		Secret: p.Secret, OldSecret: p.OldSecret, OldSecretUntil: p.OldSecretUntil,
	}), nil
}

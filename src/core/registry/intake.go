package registry

import (
	"context"
	"fmt"

	"github.com/docker/distribution/notifications"

	"github.com/harborhook/harborhook/src/hook"
)

// Handler takes notifications: core/event's Handler does.
type Handler interface {
	Handle(ctx context.Context, n hook.Notification) error
}

// Intake is the way in for what registries tell, whether it comes over HTTP or
// from a registry in this process.
type Intake struct {
	interpreter *Interpreter
	handler     Handler
	count       func(accepted int, skipped Skipped)
	seen        func(hook.RegistrySource)
	received    func(events int)
}

// IntakeOption changes an Intake.
type IntakeOption func(*Intake)

// WithSources has every notification that was taken tell which registry it came
// from. seen must return at once.
func WithSources(seen func(hook.RegistrySource)) IntakeOption {
	return func(i *Intake) { i.seen = seen }
}

// WithReceived has every notification that could be read tell how many events it
// has, whatever becomes of them.
func WithReceived(received func(events int)) IntakeOption {
	return func(i *Intake) { i.received = received }
}

// NewIntake returns an Intake. count, which may be nil, is told what became of
// the events of each notification that was taken.
func NewIntake(interpreter *Interpreter, handler Handler, count func(accepted int, skipped Skipped), options ...IntakeOption) *Intake {
	if count == nil {
		count = func(int, Skipped) {}
	}
	i := &Intake{
		interpreter: interpreter, handler: handler, count: count,
		seen: func(hook.RegistrySource) {}, received: func(int) {},
	}
	for _, option := range options {
		option(i)
	}
	return i
}

// Envelope takes the body of a notification. A body that is no JSON is a
// hook.InvalidError; any other error means that nothing is known to be stored
// and the registry must repeat.
func (i *Intake) Envelope(ctx context.Context, body []byte) (accepted, skipped int, err error) {
	envelope, err := Decode(body)
	if err != nil {
		return 0, 0, hook.Invalid("", err.Error())
	}
	return i.take(ctx, envelope)
}

// Events takes events of a registry in this process.
func (i *Intake) Events(ctx context.Context, events []notifications.Event) error {
	envelope := Envelope{Skipped: Skipped{}}
	for _, e := range events {
		action, reason := FromEvent(e)
		if reason != "" {
			envelope.Skipped[reason]++
			continue
		}
		envelope.Actions = append(envelope.Actions, action)
	}
	_, _, err := i.take(ctx, envelope)
	return err
}

func (i *Intake) take(ctx context.Context, envelope Envelope) (accepted, skipped int, err error) {
	i.received(len(envelope.Actions) + envelope.Skipped.Total())
	n, unused, err := i.interpreter.Interpret(ctx, envelope.Actions)
	if err != nil {
		return 0, 0, fmt.Errorf("interpret a notification: %w", err)
	}
	if err := i.handler.Handle(ctx, n); err != nil {
		return 0, 0, fmt.Errorf("handle a notification: %w", err)
	}
	unused.Add(envelope.Skipped)
	skipped = unused.Total()
	accepted = len(envelope.Actions) + envelope.Skipped.Total() - skipped
	i.count(accepted, unused)
	for _, a := range envelope.Actions {
		i.seen(a.Source)
	}
	return accepted, skipped, nil
}

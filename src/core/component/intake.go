package component

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// Projects finds projects by name.
type Projects interface {
	// ProjectByName returns hook.ErrNotFound if there is no such project.
	ProjectByName(ctx context.Context, name string) (hook.Project, error)
}

// Memory knows artifacts: core/registry's Interpreter does.
type Memory interface {
	// Resource returns what is known of what the tag, the digest, or both name in a
	// repository, whose name includes the project. It repeats what it was asked for,
	// and adds what it knows.
	Resource(ctx context.Context, repository, tag, digest string) (hook.Resource, error)
}

// Handler takes notifications: core/event's Handler does.
type Handler interface {
	Handle(ctx context.Context, n hook.Notification) error
}

// Config is what an Intake needs. Fields without another word are required.
type Config struct {
	Projects Projects
	Memory   Memory
	Handler  Handler
	Catalog  *event.Catalog
	// Count, if set, is told of every event that was taken.
	Count func(hook.EventType)
	// Now tells the time of receipt; nil means time.Now.
	Now func() time.Time
}

// Intake is the way in for what components tell. It may be used by several
// goroutines at once.
type Intake struct{ Config }

// NewIntake returns an Intake.
func NewIntake(c Config) *Intake {
	if c.Count == nil {
		c.Count = func(hook.EventType) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Intake{c}
}

// Events takes the body of a message and returns the number of its events. When
// there is no error all of them are stored. An event whose id was taken before, in
// this message or an earlier one, is a repetition and changes nothing. A message
// that is not right is a *hook.InvalidError whose Field is a JSON pointer into the
// body, and nothing is stored. After any other error nothing is known to be stored
// and the component must repeat.
func (i *Intake) Events(ctx context.Context, body []byte) (int, error) {
	told, err := Decode(body, i.Catalog, i.Now().UTC())
	if err != nil {
		return 0, err
	}
	var n hook.Notification
	seen := make(map[string]bool, len(told))
	for _, t := range told {
		e, err := i.complete(ctx, t)
		if err != nil {
			return 0, err
		}
		if !seen[e.ID] {
			seen[e.ID] = true
			n.Events = append(n.Events, e)
		}
	}
	if err := i.Handler.Handle(ctx, n); err != nil {
		return 0, fmt.Errorf("handle %d events of a component: %w", len(n.Events), err)
	}
	for _, e := range n.Events {
		i.Count(e.Type)
	}
	return len(told), nil
}

// complete adds what the message could not tell. A project that does not exist is
// a mistake of the component's: unlike a registry it does not hold up anything
// else by repeating, and would never learn of it otherwise.
func (i *Intake) complete(ctx context.Context, t Told) (hook.Event, error) {
	e := t.Event
	project, err := i.Projects.ProjectByName(ctx, e.Project)
	if errors.Is(err, hook.ErrNotFound) {
		return e, hook.Invalid(t.Pointer+"/project", "there is no project of this name")
	}
	if err != nil {
		return e, fmt.Errorf("look up project %q: %w", e.Project, err)
	}
	e.ProjectID, e.Public = project.ID, project.Public
	for k, r := range e.Resources {
		known, err := i.Memory.Resource(ctx, e.Project+"/"+e.Repository, r.Tag, r.Digest)
		if err != nil {
			return e, fmt.Errorf("look up %s/%s: %w", e.Project, e.Repository, err)
		}
		e.Resources[k] = known
	}
	return e, nil
}

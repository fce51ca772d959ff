package webhook

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/harborhook/harborhook/src/hook"
)

// Store keeps notifications.
type Store interface {
	// Accept stores events, jobs and facts in one transaction and returns the ids
	// of the jobs that are new.
	Accept(ctx context.Context, n hook.Notification, jobs []hook.Job) ([]int64, error)
}

// Renderer writes what a target of a policy receives. An error says, in words
// for the policy's owner, why it cannot be written; that it is told again would
// change nothing.
type Renderer interface {
	Render(e hook.Event, p hook.Policy, t hook.Target) (body []byte, contentType string, err error)
	// EventName is the name under which the policy subscribed to the event's type.
	EventName(e hook.Event, p hook.Policy) string
}

// Submitter hands stored jobs to JobService. It does not block and cannot fail:
// a hint that is lost is found by JobService's reconciler.
type Submitter interface {
	Submit(ids []int64)
}

// Handler is the webhook notification handler.
type Handler struct {
	cache  *Cache
	store  Store
	render Renderer
	submit Submitter
}

// NewHandler returns a Handler.
func NewHandler(cache *Cache, store Store, render Renderer, submit Submitter) *Handler {
	return &Handler{cache: cache, store: store, render: render, submit: submit}
}

// Handle stores the notification and one job for each target of each policy that
// an event matches, and submits the jobs. When it returns nil, all of it is
// committed. Repeating a notification changes nothing. A job whose body cannot be
// written is stored as failed, with the reason. An incomplete event has no jobs
// before it comes again, complete.
func (h *Handler) Handle(ctx context.Context, n hook.Notification) error {
	var jobs []hook.Job
	for _, e := range n.Events {
		if e.Incomplete {
			continue
		}
		ofEvent, err := h.jobs(ctx, e)
		if err != nil {
			return err
		}
		jobs = append(jobs, ofEvent...)
	}
	stored, err := h.store.Accept(ctx, n, jobs)
	if err != nil {
		return err
	}
	if len(stored) > 0 {
		h.submit.Submit(stored)
	}
	return nil
}

// jobs returns the jobs of one event.
func (h *Handler) jobs(ctx context.Context, e hook.Event) ([]hook.Job, error) {
	policies, err := h.cache.enabledPolicies(ctx, e.ProjectID)
	if err != nil {
		return nil, fmt.Errorf("policies of project %d: %w", e.ProjectID, err)
	}
	var jobs []hook.Job
	for _, p := range policies {
		narrowed, ok := p.matches(e)
		if !ok {
			continue
		}
		for position, target := range p.policy.Targets {
			j := newJob(narrowed, p.policy, position)
			j.EventName = h.render.EventName(narrowed, p.policy)
			if j.Detail, j.ContentType, err = h.render.Render(narrowed, p.policy, target); err != nil {
				j.Detail, j.Status, j.StatusMessage = nil, hook.StatusError, storable(err.Error())
			}
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

// storable replaces what a database does not take as text: an error may repeat
// what a stranger sent, and must not hold up the notification.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// matches narrows the event to what the policy asks for.
func (c *compiled) matches(e hook.Event) (hook.Event, bool) {
	for _, t := range c.types {
		if t == e.Type {
			return c.matcher.match(e)
		}
	}
	return e, false
}

func newJob(e hook.Event, p hook.Policy, position int) hook.Job {
	target := p.Targets[position]
	j := hook.Job{
		UUID: uuid.NewString(), Key: hook.JobKey(e, p.ID, position), ProjectID: p.ProjectID, PolicyID: p.ID, PolicyName: p.Name,
		TargetPosition: position, EventID: e.ID, HookType: e.Type, NotifyType: target.Type,
		Target: hook.MaskTarget(target.Address), Origin: hook.TargetOrigin(target.Address),
		PayloadFormat: target.PayloadFormat, Repository: e.Repository, Status: hook.StatusPending,
	}
	if len(e.Resources) > 0 {
		j.Tag, j.Digest = e.Resources[0].Tag, e.Resources[0].Digest
	}
	return j
}

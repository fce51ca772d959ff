package embedded

import (
	"context"
	"errors"
	"time"

	"github.com/docker/distribution"
	"github.com/docker/distribution/notifications"
	"github.com/docker/distribution/registry/api/errcode"
	"github.com/opencontainers/go-digest"
)

// commitWithin bounds how long a client waits for the sink.
const commitWithin = 5 * time.Second

var errNotRecorded = errors.New("the event could not be stored")

// repository is docker/distribution's middleware for one repository and one
// request. Blobs are left alone: nobody listens to their events.
type repository struct {
	distribution.Repository
	registry *Registry
	// pushed is a manifest that was stored and waits for its tag.
	pushed distribution.Manifest
}

// Manifests decorates the manifests with their events.
func (r *repository) Manifests(ctx context.Context, options ...distribution.ManifestServiceOption) (distribution.ManifestService, error) {
	inner, err := r.Repository.Manifests(ctx, options...)
	if err != nil {
		return nil, err
	}
	return &manifests{ManifestService: inner, repository: r}, nil
}

// Tags decorates the tags with their events.
func (r *repository) Tags(ctx context.Context) distribution.TagService {
	return &tags{TagService: r.Repository.Tags(ctx), repository: r}
}

// lock keeps other pushes and deletes of the repository out, so that events are
// stored in the order in which they took effect.
func (r *repository) lock() (unlock func()) {
	return r.registry.locks.lock(r.Named().Name())
}

// record stores the events of a push or delete. If it cannot, the client's answer
// is 503 and the caller is to undo what happened.
func (r *repository) record(ctx context.Context, events ...notifications.Event) error {
	err := r.store(ctx, events)
	if err == nil {
		return nil
	}
	r.registry.config.Logger.ErrorContext(ctx, "registry change refused: its event could not be stored",
		"action", events[0].Action, "repository", events[0].Target.Repository,
		"digest", events[0].Target.Digest, "request", events[0].Request.ID, "error", err)
	exchangeOf(ctx).refuse(refusal{
		code:       errcode.ErrorCodeUnavailable,
		message:    "the change could not be recorded; repeat it",
		retryAfter: time.Second,
	})
	return errNotRecorded
}

// recordPull stores the event of a pull. If it cannot, the pull is served anyway.
func (r *repository) recordPull(ctx context.Context, e notifications.Event) {
	err := r.store(ctx, []notifications.Event{e})
	if err == nil {
		return
	}
	lost := r.registry.lost.Add(1)
	r.registry.config.Logger.WarnContext(ctx, "pull served, but its event is lost",
		"repository", e.Target.Repository, "tag", e.Target.Tag, "digest", e.Target.Digest,
		"request", e.Request.ID, "lost", lost, "error", err)
}

func (r *repository) store(ctx context.Context, events []notifications.Event) error {
	ctx, cancel := detached(ctx)
	defer cancel()
	return r.registry.config.Sink(ctx, events)
}

// detached returns a context for what has to be finished although the client may
// have gone.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), commitWithin)
}

// tagOf returns the tag by which the client named a manifest, if it did.
func tagOf(options []distribution.ManifestServiceOption) string {
	for _, o := range options {
		if named, ok := o.(distribution.WithTagOption); ok {
			return named.Tag
		}
	}
	return ""
}

func descriptor(dgst digest.Digest) distribution.Descriptor {
	return distribution.Descriptor{Digest: dgst}
}

package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/distribution"
	"github.com/docker/distribution/notifications"
	"github.com/opencontainers/go-digest"
)

type tags struct {
	distribution.TagService
	repository *repository
}

// Tag points the tag at the manifest pushed in the same request and hands over the
// event. If that fails, the tag is put back: clients that find it pointing where
// they want it would not repeat the push.
func (t *tags) Tag(ctx context.Context, tag string, desc distribution.Descriptor) error {
	if t.repository.pushed == nil {
		return t.TagService.Tag(ctx, tag, desc)
	}
	defer t.repository.lock()()
	before, err := t.target(ctx, tag)
	if err != nil {
		return err
	}
	e, err := t.repository.manifestEvent(ctx, notifications.EventActionPush, t.repository.pushed, desc.Digest, tag)
	if err != nil {
		return err
	}
	if err := t.TagService.Tag(ctx, tag, desc); err != nil {
		return fmt.Errorf("set tag %s: %w", tag, err)
	}
	if err := t.repository.record(ctx, e); err != nil {
		t.restore(ctx, tag, before)
		return err
	}
	return nil
}

// Untag removes a tag that appeared while its manifest was being deleted.
func (t *tags) Untag(ctx context.Context, tag string) error {
	defer t.repository.lock()()
	e := t.repository.event(ctx, notifications.EventActionDelete)
	e.Target.Tag = tag
	if err := t.repository.record(ctx, e); err != nil {
		return err
	}
	return t.TagService.Untag(ctx, tag)
}

// target returns where the tag points, empty if it does not exist.
func (t *tags) target(ctx context.Context, tag string) (digest.Digest, error) {
	desc, err := t.TagService.Get(ctx, tag)
	var unknown distribution.ErrTagUnknown
	if errors.As(err, &unknown) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look up tag %s: %w", tag, err)
	}
	return desc.Digest, nil
}

func (t *tags) restore(ctx context.Context, tag string, before digest.Digest) {
	ctx, cancel := detached(ctx)
	defer cancel()
	var err error
	if before == "" {
		err = t.TagService.Untag(ctx, tag)
	} else {
		err = t.TagService.Tag(ctx, tag, descriptor(before))
	}
	if err != nil {
		t.repository.registry.config.Logger.ErrorContext(ctx, "tag of a refused push stays",
			"repository", t.repository.Named().Name(), "tag", tag, "error", err)
	}
}

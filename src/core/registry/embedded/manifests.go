package embedded

import (
	"context"
	"fmt"

	"github.com/docker/distribution"
	"github.com/docker/distribution/notifications"
	"github.com/opencontainers/go-digest"
)

type manifests struct {
	distribution.ManifestService
	repository *repository
}

// Get notes a pull. Its event is handed over only if the answer turns out to be
// 200, and for the manifest that the client named: for old clients the handler
// fetches another one to convert.
func (m *manifests) Get(ctx context.Context, dgst digest.Digest, options ...distribution.ManifestServiceOption) (distribution.Manifest, error) {
	manifest, err := m.ManifestService.Get(ctx, dgst, options...)
	if err != nil {
		return nil, err
	}
	x := exchangeOf(ctx)
	if x.pulled != nil {
		return manifest, nil
	}
	e, err := m.repository.manifestEvent(ctx, notifications.EventActionPull, manifest, dgst, tagOf(options))
	if err != nil {
		return nil, err
	}
	x.pulled = func() { m.repository.recordPull(ctx, e) }
	return manifest, nil
}

// Put stores a manifest. The event of a tagged push waits until the tag is set.
func (m *manifests) Put(ctx context.Context, manifest distribution.Manifest, options ...distribution.ManifestServiceOption) (digest.Digest, error) {
	if tagOf(options) == "" {
		return m.putUntagged(ctx, manifest, options)
	}
	dgst, err := m.ManifestService.Put(ctx, manifest, options...)
	if err == nil {
		m.repository.pushed = manifest
	}
	return dgst, err
}

// putUntagged removes a new manifest again if its event could not be stored:
// clients that find it would not repeat the push.
func (m *manifests) putUntagged(ctx context.Context, manifest distribution.Manifest, options []distribution.ManifestServiceOption) (digest.Digest, error) {
	defer m.repository.lock()()
	dgst, err := digestOf(manifest)
	if err != nil {
		return "", err
	}
	existed, err := m.ManifestService.Exists(ctx, dgst)
	if err != nil {
		return "", fmt.Errorf("look for manifest %s: %w", dgst, err)
	}
	if dgst, err = m.ManifestService.Put(ctx, manifest, options...); err != nil {
		return "", err
	}
	e, err := m.repository.manifestEvent(ctx, notifications.EventActionPush, manifest, dgst, "")
	if err != nil {
		return "", err
	}
	if err := m.repository.record(ctx, e); err != nil {
		if !existed {
			m.undo(ctx, dgst)
		}
		return "", err
	}
	return dgst, nil
}

func (m *manifests) undo(ctx context.Context, dgst digest.Digest) {
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := m.ManifestService.Delete(ctx, dgst); err != nil {
		m.repository.registry.config.Logger.ErrorContext(ctx, "manifest of a refused push stays",
			"repository", m.repository.Named().Name(), "digest", dgst, "error", err)
	}
}

// Delete removes a manifest and its tags. Their events are stored first: a client
// whose delete failed finds everything in place and repeats it, whereas a
// manifest that is gone could not be deleted, and so announced, a second time.
func (m *manifests) Delete(ctx context.Context, dgst digest.Digest) error {
	defer m.repository.lock()()
	exists, err := m.exists(ctx, dgst)
	if err != nil || !exists {
		// Deleting it tells the handler in its own words what is wrong.
		return m.ManifestService.Delete(ctx, dgst)
	}
	inner := m.repository.Repository.Tags(ctx)
	tagged, err := inner.Lookup(ctx, descriptor(dgst))
	if err != nil {
		return fmt.Errorf("find tags of %s: %w", dgst, err)
	}
	if err := m.repository.record(ctx, m.repository.deleteEvents(ctx, dgst, tagged)...); err != nil {
		return err
	}
	for _, tag := range tagged {
		if err := inner.Untag(ctx, tag); err != nil {
			return fmt.Errorf("remove tag %s: %w", tag, err)
		}
	}
	return m.ManifestService.Delete(ctx, dgst)
}

// exists is false for what is no digest, too.
func (m *manifests) exists(ctx context.Context, dgst digest.Digest) (bool, error) {
	if err := dgst.Validate(); err != nil {
		return false, err
	}
	return m.ManifestService.Exists(ctx, dgst)
}

func digestOf(m distribution.Manifest) (digest.Digest, error) {
	_, payload, err := m.Payload()
	if err != nil {
		return "", fmt.Errorf("read manifest: %w", err)
	}
	return digest.FromBytes(payload), nil
}

package registry

import (
	"context"
	"maps"
	"slices"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// deleteDigest raises one event that names every tag of a manifest, and another
// one for tags that are signatures' if the manifest is an image. The registry
// reports those tags one by one afterwards, under the same request id; the
// memory keeps who deleted them so that deleteTag knows that they were told.
//
// The digest may be a blob's: only memory tells. A manifest without a tag raised
// no event when it came, and raises none when it goes.
func (r *reading) deleteDigest(ctx context.Context, project hook.Project, a Action) (Reason, error) {
	memory, err := r.view.manifestsOf(ctx, a.Repository, []string{a.Digest})
	if err != nil {
		return "", err
	}
	tags, err := r.view.tagsOf(ctx, a.Repository, a.Digest)
	if err != nil {
		return "", err
	}
	m, known := memory[a.Digest]
	if !known && len(tags) == 0 {
		return ReasonUnknownDigest, nil
	}
	m.Digest = a.Digest
	r.view.learnGone(hook.ManifestRef{Repository: a.Repository, Digest: a.Digest})
	gone := make(map[hook.Kind][]hook.Resource)
	for _, tag := range tags {
		r.view.learnTag(hook.Tag{Repository: a.Repository, Name: tag, Digest: a.Digest, DeletedBy: deleter(a), RecoveredAt: a.recoveredAt()})
		kind := kindOfTag(tag, m)
		gone[kind] = append(gone[kind], resource(tag, m))
	}
	r.raiseDeletes(project, a, m.Kind, gone)
	return "", nil
}

// raiseDeletes raises one event for each kind of what is gone. The registry gave
// one id; the event of the manifest's own kind has it.
func (r *reading) raiseDeletes(project hook.Project, a Action, own hook.Kind, gone map[hook.Kind][]hook.Resource) {
	for _, kind := range slices.Sorted(maps.Keys(gone)) {
		told := a
		if kind != own {
			told.EventID += "/" + string(kind)
		}
		r.raise(project, told, event.Delete, kind, gone[kind]...)
	}
}

// deleteTag raises an event for a tag that was deleted by itself, which 3.x can
// do; its manifest stays. A tag that nobody heard of is told without digest.
func (r *reading) deleteTag(ctx context.Context, project hook.Project, a Action) (Reason, error) {
	t, _, err := r.view.tag(ctx, a.Repository, a.Tag)
	if err != nil {
		return "", err
	}
	if t.DeletedBy != "" {
		switch {
		case a.RequestID == "" || t.DeletedBy == a.RequestID:
			return ReasonAlreadyDeleted, nil
		case r.late(a, t):
			return ReasonRecovered, nil
		}
		// Somebody has pushed it again since, and nobody told us what.
		t.Digest = ""
	}
	if a.Digest != "" {
		t.Digest = a.Digest
	}
	m := hook.Manifest{Digest: t.Digest}
	if t.Digest != "" {
		memory, err := r.view.manifestsOf(ctx, a.Repository, []string{t.Digest})
		if err != nil {
			return "", err
		}
		if known, ok := memory[t.Digest]; ok {
			m = known
		}
	}
	r.view.learnTag(hook.Tag{Repository: a.Repository, Name: a.Tag, Digest: t.Digest, DeletedBy: deleter(a)})
	r.raise(project, a, event.Delete, kindOfTag(a.Tag, m), resource(a.Tag, m))
	return "", nil
}

// deleter is what a deleted tag remembers: the request, or the event if the
// registry did not name the request.
func deleter(a Action) string {
	if a.RequestID != "" {
		return a.RequestID
	}
	return a.EventID
}

package registry

import (
	"context"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// push raises one event for a manifest pushed with a tag. One without is a child
// of a multi-architecture image, or found by nobody who does not know its
// digest: it is only remembered, so that the index that follows can tell its
// platforms' image ids.
func (r *reading) push(ctx context.Context, project hook.Project, a Action) (Reason, error) {
	m, _, err := r.described(ctx, a)
	if err != nil {
		return "", err
	}
	r.view.learnManifest(m)
	if a.Tag == "" {
		return "", nil
	}
	change, err := r.changeOf(ctx, a)
	if err != nil {
		return "", err
	}
	later, err := r.recoveredAfter(ctx, a)
	switch {
	case err != nil:
		return "", err
	case later.Digest == a.Digest:
		return ReasonRecovered, nil
	case later.Digest == "":
		r.view.learnTag(hook.Tag{Repository: a.Repository, Name: a.Tag, Digest: a.Digest, RecoveredAt: a.recoveredAt()})
	}
	pushed := resource(a.Tag, m)
	pushed.Change = change
	r.raiseTagged(project, a, event.Push, m, pushed)
	return "", nil
}

// changeOf says what a push does to its tag, which the memory knows as it was
// before. A tag that was deleted, or that nobody heard of, is new.
func (r *reading) changeOf(ctx context.Context, a Action) (hook.Change, error) {
	before, heard, err := r.view.tag(ctx, a.Repository, a.Tag)
	switch {
	case err != nil:
		return hook.ChangeNone, err
	case !heard || before.DeletedBy != "":
		return hook.ChangeNew, nil
	case before.Digest != a.Digest:
		return hook.ChangeMoved, nil
	default:
		return hook.ChangeSame, nil
	}
}

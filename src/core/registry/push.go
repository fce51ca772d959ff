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
	later, err := r.recoveredAfter(ctx, a)
	switch {
	case err != nil:
		return "", err
	case later.Digest == a.Digest:
		return ReasonRecovered, nil
	case later.Digest == "":
		r.view.learnTag(hook.Tag{Repository: a.Repository, Name: a.Tag, Digest: a.Digest, RecoveredAt: a.recoveredAt()})
	}
	r.raiseTagged(project, a, event.Push, m, resource(a.Tag, m))
	return "", nil
}

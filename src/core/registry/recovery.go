package registry

import (
	"context"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// recoveredAt is what a tag remembers of an action that nobody told of.
func (a Action) recoveredAt() time.Time {
	if a.Recovered {
		return a.Timestamp
	}
	return time.Time{}
}

// recoveredAfter returns the tag of a push as it was found by comparing with the
// registry after the push. The zero tag is any other case, nearly all.
//
// A registry that told late of what was found must not be heard twice; of what
// happened to the tag before, it tells something new, which the memory must not
// take for the present.
func (r *reading) recoveredAfter(ctx context.Context, a Action) (hook.Tag, error) {
	if !r.recovers {
		return hook.Tag{}, nil
	}
	t, _, err := r.view.tag(ctx, a.Repository, a.Tag)
	if err != nil || t.DeletedBy != "" || !r.late(a, t) {
		return hook.Tag{}, err
	}
	return t, nil
}

// late says whether a registry tells of what happened before the tag was found
// as it is.
func (r *reading) late(a Action, t hook.Tag) bool {
	return r.recovers && !a.Recovered && !t.RecoveredAt.IsZero() && !a.Timestamp.After(t.RecoveredAt)
}

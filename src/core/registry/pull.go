package registry

import (
	"context"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// headWindow is how long after a HEAD request a GET by digest belongs to it.
const headWindow = 10 * time.Second

// pull raises one event for every GET of a manifest whose tag is known: the tag
// of the request, or of the HEAD request that the same client made just before.
// A HEAD request gives a GET its tag and counts for nothing itself, so two pulls
// are two events however many HEAD requests were made. A GET without a tag is
// the child of an index, or a pull by digest.
//
// Pulls also teach of what was pushed before anybody listened. They never
// correct the memory of a tag: of two registries, one may report late.
func (r *reading) pull(ctx context.Context, project hook.Project, a Action) (Reason, error) {
	if r.isOwn(a) {
		return ReasonOwnPull, nil
	}
	m, news, err := r.described(ctx, a)
	if err != nil {
		return "", err
	}
	tag, err := r.tagOfPull(ctx, a)
	if err != nil {
		return "", err
	}
	if news {
		r.view.learnManifest(m)
	}
	if tag == "" {
		if news {
			return "", nil
		}
		return ReasonPullByDigest, nil
	}
	_, heard, err := r.view.tag(ctx, a.Repository, tag)
	if err != nil {
		return "", err
	}
	if !heard {
		r.view.learnTag(hook.Tag{Repository: a.Repository, Name: tag, Digest: a.Digest})
	}
	r.raiseTagged(project, a, event.Pull, m, resource(tag, m))
	return "", nil
}

// tagOfPull returns the tag that the client asked for, or nothing.
func (r *reading) tagOfPull(ctx context.Context, a Action) (string, error) {
	if a.Tag != "" {
		return a.Tag, nil
	}
	head, _, err := r.view.lastHead(ctx, a, a.Timestamp.Add(-headWindow), a.Timestamp)
	return head.Tag, err
}

// head remembers which tag a client asked for. Docker, containerd and Helm name
// it only here, and fetch by digest.
func (r *reading) head(a Action) Reason {
	switch {
	case r.isOwn(a):
		return ReasonOwnPull
	case a.Tag == "":
		return ReasonHeadWithoutTag
	}
	r.view.learnHead(hook.Head{
		Repository: a.Repository,
		Digest:     a.Digest,
		UserAgent:  a.UserAgent,
		Client:     a.Client,
		Tag:        a.Tag,
		At:         a.Timestamp,
	})
	return ""
}

func (r *reading) isOwn(a Action) bool {
	for _, prefix := range r.own {
		if prefix != "" && strings.HasPrefix(a.UserAgent, prefix) {
			return true
		}
	}
	return false
}

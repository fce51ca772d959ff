package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Memory is what is known of a registry's manifests and tags. The Interpreter
// only reads it; what it learns is in the facts of its notifications.
type Memory interface {
	// Manifests returns those of the digests that are known, in any order.
	Manifests(ctx context.Context, repository string, digests []string) ([]hook.Manifest, error)
	// Tag returns a tag, also a deleted one, or hook.ErrNotFound.
	Tag(ctx context.Context, repository, name string) (hook.Tag, error)
	// TagsOf returns the names of the existing tags that point at a digest, sorted.
	TagsOf(ctx context.Context, repository, digest string) ([]string, error)
	// Heads returns a client's HEAD requests for a manifest from since to until,
	// both included, newest first. Of a repeated one the newest is enough.
	Heads(ctx context.Context, repository, digest, userAgent, client string, since, until time.Time) ([]hook.Head, error)
}

// view is the memory as it will be once the facts learned so far are stored.
type view struct {
	memory    Memory
	facts     []hook.Fact
	manifests map[hook.ManifestRef]*hook.Manifest // nil: gone
	tags      map[tagRef]hook.Tag
	heads     []hook.Head
}

type tagRef struct{ repository, name string }

func newView(memory Memory) *view {
	return &view{
		memory:    memory,
		manifests: make(map[hook.ManifestRef]*hook.Manifest),
		tags:      make(map[tagRef]hook.Tag),
	}
}

func (v *view) learnManifest(m hook.Manifest) {
	v.facts = append(v.facts, hook.Fact{Manifest: &m})
	v.manifests[hook.ManifestRef{Repository: m.Repository, Digest: m.Digest}] = &m
}

func (v *view) learnGone(ref hook.ManifestRef) {
	v.facts = append(v.facts, hook.Fact{Gone: &ref})
	v.manifests[ref] = nil
}

func (v *view) learnTag(t hook.Tag) {
	v.facts = append(v.facts, hook.Fact{Tag: &t})
	v.tags[tagRef{t.Repository, t.Name}] = t
}

func (v *view) learnHead(h hook.Head) {
	v.facts = append(v.facts, hook.Fact{Head: &h})
	v.heads = append(v.heads, h)
}

// manifestsOf returns those of the digests that are known, by digest.
func (v *view) manifestsOf(ctx context.Context, repository string, digests []string) (map[string]hook.Manifest, error) {
	known := make(map[string]hook.Manifest, len(digests))
	var ask []string
	for _, d := range digests {
		m, learned := v.manifests[hook.ManifestRef{Repository: repository, Digest: d}]
		switch {
		case !learned:
			ask = append(ask, d)
		case m != nil:
			known[d] = *m
		}
	}
	if len(ask) == 0 {
		return known, nil
	}
	stored, err := v.memory.Manifests(ctx, repository, ask)
	if err != nil {
		return nil, fmt.Errorf("look up %d manifests: %w", len(ask), err)
	}
	for _, m := range stored {
		known[m.Digest] = m
	}
	return known, nil
}

// tag returns a tag, also a deleted one; false if nobody ever heard of it.
func (v *view) tag(ctx context.Context, repository, name string) (hook.Tag, bool, error) {
	if t, ok := v.tags[tagRef{repository, name}]; ok {
		return t, true, nil
	}
	t, err := v.memory.Tag(ctx, repository, name)
	if errors.Is(err, hook.ErrNotFound) {
		return hook.Tag{}, false, nil
	}
	if err != nil {
		return hook.Tag{}, false, fmt.Errorf("look up tag: %w", err)
	}
	return t, true, nil
}

// tagsOf returns the names of the existing tags that point at a digest, sorted.
func (v *view) tagsOf(ctx context.Context, repository, digest string) ([]string, error) {
	names, err := v.memory.TagsOf(ctx, repository, digest)
	if err != nil {
		return nil, fmt.Errorf("look up tags of a digest: %w", err)
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, learned := v.tags[tagRef{repository, name}]
		return learned
	})
	for ref, t := range v.tags {
		if ref.repository == repository && t.Digest == digest && t.DeletedBy == "" {
			names = append(names, ref.name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// lastHead returns the newest HEAD request that the client of a made for the
// manifest of a between since and until.
func (v *view) lastHead(ctx context.Context, a Action, since, until time.Time) (hook.Head, bool, error) {
	heads, err := v.memory.Heads(ctx, a.Repository, a.Digest, a.UserAgent, a.Client, since, until)
	if err != nil {
		return hook.Head{}, false, fmt.Errorf("look up HEAD requests: %w", err)
	}
	var last hook.Head
	found := false
	for _, h := range slices.Concat(heads, v.heads) {
		same := h.Repository == a.Repository && h.Digest == a.Digest && h.UserAgent == a.UserAgent && h.Client == a.Client
		if !same || h.At.Before(since) || h.At.After(until) {
			continue
		}
		if !found || h.At.After(last.At) {
			last, found = h, true
		}
	}
	return last, found, nil
}

package registry

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Memory is what is known of a registry's manifests and tags. The Interpreter
// only reads it; what it learns is in the facts of its notifications.
type Memory interface {
	// Recall returns those of the manifests and tags that are known, tags also if
	// they were deleted, in any order.
	Recall(ctx context.Context, manifests []hook.ManifestRef, tags []hook.TagRef) ([]hook.Manifest, []hook.Tag, error)
	// TagsOf returns the names of the existing tags that point at a digest, sorted.
	TagsOf(ctx context.Context, repository, digest string) ([]string, error)
	// Heads returns a client's HEAD requests for a manifest from since to until,
	// both included, newest first. Of a repeated one the newest is enough.
	Heads(ctx context.Context, repository, digest, userAgent, client string, since, until time.Time) ([]hook.Head, error)
}

// view is the memory as it will be once the facts learned so far are stored.
type view struct {
	memory Memory
	facts  []hook.Fact
	// manifests and tags are those that were recalled or learned; nil: there is none.
	manifests map[hook.ManifestRef]*hook.Manifest
	tags      map[hook.TagRef]*hook.Tag
	// learned are the tags that facts tell of.
	learned map[hook.TagRef]bool
	heads   []hook.Head
}

func newView(memory Memory) *view {
	return &view{
		memory:    memory,
		manifests: make(map[hook.ManifestRef]*hook.Manifest),
		tags:      make(map[hook.TagRef]*hook.Tag),
		learned:   make(map[hook.TagRef]bool),
	}
}

// recall fetches what is not known yet, all of it at once.
func (v *view) recall(ctx context.Context, manifests []hook.ManifestRef, tags []hook.TagRef) error {
	manifests = slices.DeleteFunc(manifests, func(ref hook.ManifestRef) bool { return known(v.manifests, ref) })
	tags = slices.DeleteFunc(tags, func(ref hook.TagRef) bool { return known(v.tags, ref) })
	if len(manifests) == 0 && len(tags) == 0 {
		return nil
	}
	found, foundTags, err := v.memory.Recall(ctx, manifests, tags)
	if err != nil {
		return fmt.Errorf("recall %d manifests and %d tags: %w", len(manifests), len(tags), err)
	}
	for _, ref := range manifests {
		v.manifests[ref] = nil
	}
	for _, ref := range tags {
		v.tags[ref] = nil
	}
	for _, m := range found {
		v.manifests[hook.ManifestRef{Repository: m.Repository, Digest: m.Digest}] = &m
	}
	for _, t := range foundTags {
		v.tags[hook.TagRef{Repository: t.Repository, Name: t.Name}] = &t
	}
	return nil
}

func known[K comparable, V any](of map[K]V, key K) bool {
	_, ok := of[key]
	return ok
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
	ref := hook.TagRef{Repository: t.Repository, Name: t.Name}
	v.tags[ref], v.learned[ref] = &t, true
}

func (v *view) learnHead(h hook.Head) {
	v.facts = append(v.facts, hook.Fact{Head: &h})
	v.heads = append(v.heads, h)
}

// manifestsOf returns those of the digests that are known, by digest.
func (v *view) manifestsOf(ctx context.Context, repository string, digests []string) (map[string]hook.Manifest, error) {
	refs := make([]hook.ManifestRef, len(digests))
	for i, d := range digests {
		refs[i] = hook.ManifestRef{Repository: repository, Digest: d}
	}
	if err := v.recall(ctx, slices.Clone(refs), nil); err != nil {
		return nil, err
	}
	found := make(map[string]hook.Manifest, len(digests))
	for _, ref := range refs {
		if m := v.manifests[ref]; m != nil {
			found[ref.Digest] = *m
		}
	}
	return found, nil
}

// tag returns a tag, also a deleted one; false if nobody ever heard of it.
func (v *view) tag(ctx context.Context, repository, name string) (hook.Tag, bool, error) {
	ref := hook.TagRef{Repository: repository, Name: name}
	if err := v.recall(ctx, nil, []hook.TagRef{ref}); err != nil {
		return hook.Tag{}, false, err
	}
	if t := v.tags[ref]; t != nil {
		return *t, true, nil
	}
	return hook.Tag{}, false, nil
}

// tagsOf returns the names of the existing tags that point at a digest, sorted.
func (v *view) tagsOf(ctx context.Context, repository, digest string) ([]string, error) {
	names, err := v.memory.TagsOf(ctx, repository, digest)
	if err != nil {
		return nil, fmt.Errorf("look up tags of a digest: %w", err)
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return v.learned[hook.TagRef{Repository: repository, Name: name}]
	})
	for ref := range v.learned {
		if t := v.tags[ref]; ref.Repository == repository && t.Digest == digest && t.DeletedBy == "" {
			names = append(names, ref.Name)
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

package registry_test

import (
	"context"
	"slices"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// memory is a tag memory that lives in maps. It applies facts as a store does.
type memory struct {
	manifests map[hook.ManifestRef]hook.Manifest
	tags      map[[2]string]hook.Tag
	heads     []hook.Head
	err       error // returned by every look-up
}

func newMemory() *memory {
	return &memory{manifests: map[hook.ManifestRef]hook.Manifest{}, tags: map[[2]string]hook.Tag{}}
}

func (m *memory) learn(facts []hook.Fact) {
	for _, f := range facts {
		switch {
		case f.Manifest != nil:
			m.manifests[hook.ManifestRef{Repository: f.Manifest.Repository, Digest: f.Manifest.Digest}] = *f.Manifest
		case f.Gone != nil:
			delete(m.manifests, *f.Gone)
		case f.Tag != nil:
			m.tags[[2]string{f.Tag.Repository, f.Tag.Name}] = *f.Tag
		case f.Head != nil:
			m.heads = append(m.heads, *f.Head)
		}
	}
}

func (m *memory) Recall(_ context.Context, manifests []hook.ManifestRef, tags []hook.TagRef) (known []hook.Manifest, knownTags []hook.Tag, err error) {
	for _, ref := range manifests {
		if found, ok := m.manifests[ref]; ok {
			known = append(known, found)
		}
	}
	for _, ref := range tags {
		if found, ok := m.tags[[2]string{ref.Repository, ref.Name}]; ok {
			knownTags = append(knownTags, found)
		}
	}
	return known, knownTags, m.err
}

func (m *memory) TagsOf(_ context.Context, repository, digest string) ([]string, error) {
	var names []string
	for _, t := range m.tags {
		if t.Repository == repository && t.Digest == digest && t.DeletedBy == "" {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return names, m.err
}

func (m *memory) Heads(_ context.Context, repository, digest, userAgent, client string, since, until time.Time) ([]hook.Head, error) {
	var out []hook.Head
	for _, h := range slices.Backward(m.heads) {
		same := h.Repository == repository && h.Digest == digest && h.UserAgent == userAgent && h.Client == client
		if same && !h.At.Before(since) && !h.At.After(until) {
			out = append(out, h)
		}
	}
	return out, m.err
}

// projects knows every project but those listed as missing.
type projects struct {
	missing []string
	err     error
}

func (p projects) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	if p.err != nil {
		return hook.Project{}, p.err
	}
	if slices.Contains(p.missing, name) {
		return hook.Project{}, hook.ErrNotFound
	}
	return hook.Project{ID: int64(len(name)), Name: name, Public: name == "public"}, nil
}

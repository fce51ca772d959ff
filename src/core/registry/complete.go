package registry

import (
	"context"
	"fmt"

	"github.com/harborhook/harborhook/src/hook"
)

// Contents reads manifests by digest, never by tag: when a registry tells of a
// push, the tag does not point there yet.
type Contents interface {
	// Manifest fails with hook.ErrNotFound if the registry does not have it.
	Manifest(ctx context.Context, repository, digest string) (Content, error)
}

// maxChildren bounds the images of an index that are read for one event.
const maxChildren = 32

// ReadPush returns the pushes that put a manifest there, as a registry tells them
// that sends references: before an index, its images, as far as they can be read.
// tag may be empty. The actions lack what only the registry's event tells.
func ReadPush(ctx context.Context, contents Contents, repository, tag, digest string) ([]Action, error) {
	a, err := readPush(ctx, contents, repository, digest)
	if err != nil {
		return nil, err
	}
	a.Tag = tag
	return append(readImages(ctx, contents, a), a), nil
}

// readImages reads the images of an index until one cannot be read: the index is
// worth telling without.
func readImages(ctx context.Context, contents Contents, index Action) []Action {
	var actions []Action
	images := children(index)
	for _, image := range images[:min(len(images), maxChildren)] {
		a, err := readPush(ctx, contents, index.Repository, image.Digest)
		if err != nil {
			break
		}
		actions = append(actions, a)
	}
	return actions
}

func readPush(ctx context.Context, contents Contents, repository, digest string) (Action, error) {
	content, err := contents.Manifest(ctx, repository, digest)
	if err != nil {
		return Action{}, err
	}
	if !isManifest(content.MediaType) {
		return Action{}, fmt.Errorf("%s is no manifest, but %q", digest, cut(storable(content.MediaType), maxText))
	}
	references, err := content.References()
	if err != nil {
		return Action{}, err
	}
	return Action{Op: OpPush, Repository: repository, Digest: digest, MediaType: content.MediaType, References: references}, nil
}

// Complete returns what an incomplete event amounts to, once its manifest is
// described: the same event with its right type, image ids and platforms, and
// what was learned. What cannot be read is left as it was; the event is complete
// nevertheless. An event that no type of the catalog stands for has none then, and
// is nobody's. An error is one of the memory: the event should be tried again.
func (i *Interpreter) Complete(ctx context.Context, e hook.Event, contents Contents) (hook.Notification, error) {
	e.Incomplete = false
	if len(e.Resources) == 0 {
		return hook.Notification{Events: []hook.Event{e}}, nil
	}
	r := &reading{Interpreter: i, view: newView(i.memory)}
	told := e.Resources[0]
	m, err := r.look(ctx, e.Project+"/"+e.Repository, told, contents)
	if err != nil {
		return hook.Notification{}, fmt.Errorf("complete event %s: %w", e.ID, err)
	}
	found := resource(told.Tag, m)
	found.Change = told.Change
	e.Resources = []hook.Resource{found}
	if was, ok := i.catalog.Lookup(e.Type); ok {
		is, _ := i.catalog.Raised(was.Action, kindOfTag(told.Tag, m))
		e.Type = is.Name
	}
	return hook.Notification{Events: []hook.Event{e}, Facts: r.view.facts}, nil
}

// look returns what is known of a manifest after it was read, if it has to be.
func (r *reading) look(ctx context.Context, repository string, told hook.Resource, contents Contents) (hook.Manifest, error) {
	memory, err := r.view.manifestsOf(ctx, repository, []string{told.Digest})
	if err != nil {
		return hook.Manifest{}, err
	}
	m, known := memory[told.Digest]
	if known && !undescribed(m) {
		return m, nil
	}
	m.Repository, m.Digest = repository, told.Digest
	actions, err := ReadPush(ctx, contents, repository, told.Tag, told.Digest)
	if err != nil {
		return m, nil //nolint:nilerr // whoever reads says why; the event goes on without
	}
	for _, a := range actions {
		if m, _, err = r.described(ctx, a); err != nil {
			return hook.Manifest{}, err
		}
		r.view.learnManifest(m)
	}
	return m, nil
}

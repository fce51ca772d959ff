package registry

import (
	"context"

	"github.com/harborhook/harborhook/src/hook"
)

// Resource returns what the memory knows of what a tag, a digest, or both name in
// a repository, whose name includes the project: the image id, and the digest
// that an existing tag points at. What it does not know it leaves as it is.
func (i *Interpreter) Resource(ctx context.Context, repository, tag, digest string) (hook.Resource, error) {
	v := newView(i.memory)
	if digest == "" {
		known, _, err := v.tag(ctx, repository, tag)
		if err != nil {
			return hook.Resource{}, err
		}
		if known.DeletedBy == "" {
			digest = known.Digest
		}
	}
	if digest == "" {
		return hook.Resource{Tag: tag}, nil
	}
	known, err := v.manifestsOf(ctx, repository, []string{digest})
	if err != nil {
		return hook.Resource{}, err
	}
	m := known[digest]
	m.Digest = digest
	return resource(tag, m), nil
}

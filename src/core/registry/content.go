package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/docker/distribution"

	"github.com/harborhook/harborhook/src/hook"
)

// Content is a manifest as a registry keeps it.
type Content struct {
	MediaType string
	Body      []byte
}

// References returns what a manifest refers to, as a registry tells it that is
// configured to: an image's configuration first, then its layers; the children of
// an index.
func (c Content) References() ([]Reference, error) {
	var in struct {
		Config    *distribution.Descriptor  `json:"config"`
		Layers    []distribution.Descriptor `json:"layers"`
		Manifests []distribution.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(c.Body, &in); err != nil {
		return nil, fmt.Errorf("read a manifest: %w", err)
	}
	switch {
	case isIndex(c.MediaType):
		return references(in.Manifests), nil
	case !hasConfig(c.MediaType):
		return nil, nil
	case in.Config == nil:
		return nil, errors.New("read a manifest: it names no configuration")
	}
	return references(append([]distribution.Descriptor{*in.Config}, in.Layers...)), nil
}

// undescribed says whether a manifest is known by name only: its kind, or the
// image ids or platforms that an event tells, are in what nobody has read.
func undescribed(m hook.Manifest) bool {
	switch {
	case m.Kind == hook.KindUnknown:
		return true
	case m.Kind != hook.KindImage:
		return false
	case hasConfig(m.MediaType):
		return m.ConfigDigest == ""
	case isIndex(m.MediaType):
		return !slices.ContainsFunc(m.Platforms, func(p hook.Platform) bool { return p.OS != "" || p.Architecture != "" })
	default:
		return false
	}
}

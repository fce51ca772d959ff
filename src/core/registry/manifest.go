package registry

import (
	"strings"

	"github.com/harborhook/harborhook/src/hook"
)

// maxPlatforms bounds what is remembered and told of one index. Real ones have a
// few dozen children; a hostile one of 4 MiB has 19,000.
const maxPlatforms = 256

// children returns the digests of an index's images, at most maxPlatforms.
func children(a Action) []Reference {
	if !isIndex(a.MediaType) {
		return nil
	}
	var out []Reference
	for _, r := range a.References {
		// Builders add attestations as children of an unknown platform.
		attestation := r.OS == "unknown" && r.Architecture == "unknown"
		if r.Digest == "" || attestation || !isManifest(r.MediaType) {
			continue
		}
		if out = append(out, r); len(out) == maxPlatforms {
			break
		}
	}
	return out
}

// describe returns what is known of an action's manifest after the action: what
// it tells, and of the rest what memory knew. memory holds the manifest itself
// and its children as far as they are known.
func describe(a Action, memory map[string]hook.Manifest) hook.Manifest {
	m := memory[a.Digest]
	m.Repository, m.Digest, m.MediaType = a.Repository, a.Digest, a.MediaType
	m.Kind = kindOf(a, m.Kind)
	if hasConfig(a.MediaType) && len(a.References) > 0 && a.References[0].Digest != "" {
		m.ConfigDigest = a.References[0].Digest
	}
	if m.Kind == hook.KindArtifact {
		return m
	}
	if platforms := platformsOf(children(a), memory); platforms != nil {
		m.Platforms = merge(platforms, m.Platforms)
	}
	return m
}

func platformsOf(children []Reference, memory map[string]hook.Manifest) []hook.Platform {
	var out []hook.Platform
	for _, r := range children {
		child := memory[r.Digest]
		if child.Kind == hook.KindArtifact {
			continue
		}
		out = append(out, hook.Platform{
			OS:           r.OS,
			Architecture: r.Architecture,
			Variant:      r.Variant,
			Digest:       r.Digest,
			ImageID:      hexOf(child.ConfigDigest),
		})
	}
	return out
}

// merge fills gaps of the platforms from what was known of them before.
func merge(platforms, before []hook.Platform) []hook.Platform {
	known := make(map[string]hook.Platform, len(before))
	for _, p := range before {
		known[p.Digest] = p
	}
	for i, p := range platforms {
		old := known[p.Digest]
		if p.OS == "" && p.Architecture == "" {
			p.OS, p.Architecture, p.Variant = old.OS, old.Architecture, old.Variant
		}
		if p.ImageID == "" {
			p.ImageID = old.ImageID
		}
		platforms[i] = p
	}
	return platforms
}

// resource returns what an event says of one tag of a manifest. The image id is
// empty as long as nobody told the configuration, and for what is no image.
func resource(tag string, m hook.Manifest) hook.Resource {
	r := hook.Resource{Tag: tag, Digest: m.Digest}
	switch kind := kindOfTag(tag, m); {
	case kind == hook.KindChart || kind == hook.KindArtifact:
	case isIndex(m.MediaType):
		r.ImageID = hexOf(m.Digest)
		r.Platforms = m.Platforms
	default:
		r.ImageID = hexOf(m.ConfigDigest)
	}
	return r
}

// hexOf returns a digest without its algorithm.
func hexOf(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex
}

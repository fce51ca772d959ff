package registry

import (
	"regexp"
	"strings"

	"github.com/docker/distribution/manifest/manifestlist"
	"github.com/docker/distribution/manifest/schema1"
	"github.com/docker/distribution/manifest/schema2"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/harborhook/harborhook/src/hook"
)

const (
	mediaTypeHelmConfig  = "application/vnd.cncf.helm.config.v1+json"
	mediaTypeOCIArtifact = "application/vnd.oci.artifact.manifest.v1+json"
)

// isManifest tells manifests from blobs, which registries report alike, mostly
// as application/octet-stream.
func isManifest(mediaType string) bool {
	switch mediaType {
	case schema1.MediaTypeManifest, schema1.MediaTypeSignedManifest, mediaTypeOCIArtifact:
		return true
	}
	return isIndex(mediaType) || hasConfig(mediaType)
}

func isIndex(mediaType string) bool {
	return mediaType == v1.MediaTypeImageIndex || mediaType == manifestlist.MediaTypeManifestList
}

// hasConfig tells manifests whose first reference is a configuration.
func hasConfig(mediaType string) bool {
	return mediaType == v1.MediaTypeImageManifest || mediaType == schema2.MediaTypeManifest
}

// kindOf says what an action's manifest is. What the manifest holds decides, then
// what was known before, then the tag. So a person who tags an image like a
// signature does not turn it into one. Nothing tells an OCI manifest without
// references apart: it stays unknown, which counts as an image.
func kindOf(a Action, known hook.Kind) hook.Kind {
	told := toldKind(a)
	switch {
	case told == hook.KindChart || told == hook.KindArtifact:
		return told
	case known != hook.KindUnknown:
		return known
	case isSignatureTag(a.Tag):
		return hook.KindArtifact
	}
	return told
}

// toldKind is what media type and references tell. An image may still be more:
// signatures and indexes of referrers look like images.
func toldKind(a Action) hook.Kind {
	config := ""
	if hasConfig(a.MediaType) && len(a.References) > 0 {
		config = a.References[0].MediaType
	}
	switch {
	case config == mediaTypeHelmConfig:
		return hook.KindChart
	case a.MediaType == mediaTypeOCIArtifact, config != "" && holdsSupplement(a.References[1:]):
		return hook.KindArtifact
	case a.MediaType != v1.MediaTypeImageManifest:
		// Schema 2 is an image whatever its configuration is called: old clients
		// called it application/octet-stream.
		return hook.KindImage
	}
	switch config {
	case "":
		return hook.KindUnknown
	case v1.MediaTypeImageConfig, schema2.MediaTypeImageConfig:
		return hook.KindImage
	default:
		return hook.KindArtifact
	}
}

// holdsSupplement says whether a layer is a signature, an attestation or a bill
// of materials: those are pushed with an image's configuration.
func holdsSupplement(layers []Reference) bool {
	for _, layer := range layers {
		for _, prefix := range [...]string{
			"application/vnd.dev.cosign.",
			"application/vnd.dev.sigstore.",
			"application/vnd.dsse.envelope.",
			"application/vnd.in-toto",
			"application/vnd.cyclonedx",
			"application/vnd.syft",
			"application/spdx",
			"text/spdx",
		} {
			if strings.HasPrefix(layer.MediaType, prefix) {
				return true
			}
		}
	}
	return false
}

// signatureTag is how cosign tags what belongs to an image, and how clients tag
// the list of an image's referrers if the registry does not keep one.
var signatureTag = regexp.MustCompile(`^sha(256|512)-[0-9a-f]{64}(\.(sig|att|sbom))?$`)

func isSignatureTag(tag string) bool { return signatureTag.MatchString(tag) }

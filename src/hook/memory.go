package hook

import "time"

// Kind says what a manifest describes. It decides the event type.
type Kind string

// The kinds. KindUnknown counts as an image until something tells otherwise.
const (
	KindUnknown  Kind = ""
	KindImage    Kind = "image"
	KindChart    Kind = "chart"
	KindArtifact Kind = "artifact"
)

// Manifest is what the tag memory knows of one manifest of one repository.
type Manifest struct {
	// Repository is the full name, project included.
	Repository   string
	Digest       string
	MediaType    string
	Kind         Kind
	ConfigDigest string
	// Platforms are the children of an index or manifest list.
	Platforms []Platform
}

// Tag is what the tag memory knows of one tag.
type Tag struct {
	Repository string
	Name       string
	Digest     string
	// DeletedBy is the id of the request that deleted the tag; empty while it exists.
	DeletedBy string
	// RecoveredAt is when the tag was found by comparing with the registry; zero if
	// an event told of it.
	RecoveredAt time.Time
	// UpdateTime is when the memory last heard of the tag, by the database's clock;
	// zero if it never did. The store sets it.
	UpdateTime time.Time
}

// Head is a client's HEAD request for a manifest by tag. Docker, containerd and
// Helm name the tag of a pull only there, and fetch by digest afterwards.
type Head struct {
	Repository string
	Digest     string
	UserAgent  string
	// Client is the client's address without port.
	Client string
	Tag    string
	At     time.Time
}

// Fact is one change of the tag memory. Exactly one field is set. Facts are
// idempotent: applying one twice leaves what applying it once leaves.
type Fact struct {
	// Manifest learns of a manifest, or more of a known one.
	Manifest *Manifest
	// Tag points a tag at a digest, or marks it deleted (DeletedBy set).
	Tag *Tag
	// Head remembers a HEAD request.
	Head *Head
	// Gone forgets a manifest that was deleted.
	Gone *ManifestRef
}

// RegistrySource is one life of a registry process.
type RegistrySource struct {
	Addr string
	// InstanceID is new at each start of the registry.
	InstanceID string
}

// ManifestRef names a manifest.
type ManifestRef struct {
	Repository string
	Digest     string
}

// TagRef names a tag.
type TagRef struct {
	Repository string
	Name       string
}

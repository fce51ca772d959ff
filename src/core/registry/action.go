package registry

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Op is what a client did to a manifest.
type Op string

// The operations. A registry reports a HEAD request as a pull; it is none.
const (
	OpPush         Op = "push"
	OpPull         Op = "pull"
	OpHead         Op = "head"
	OpDeleteDigest Op = "delete-digest"
	OpDeleteTag    Op = "delete-tag"
)

// Action is one event of a registry about a manifest, or about a digest that may
// be one. All its strings are valid UTF-8 without NUL and bounded, so that they
// can be stored; otherwise they are as the client chose them.
type Action struct {
	Op Op
	// EventID is the registry's id of the event; empty if it sent none.
	EventID string
	// Repository is the full name, project included: it has at least two elements.
	Repository string
	// Tag is empty if the client named a digest.
	Tag string
	// Digest is always there but for OpDeleteTag.
	Digest    string
	MediaType string
	// References is empty unless the registry is configured to send them. An image
	// manifest's first one is its configuration.
	References []Reference
	// Timestamp is zero if the event had none, or one that could not be read.
	Timestamp time.Time
	// Actor is the name of who did it; empty if the registry does not know.
	Actor     string
	RequestID string
	UserAgent string
	// Client is the client's address without port.
	Client string
	Source Source
	// Recovered says that no registry told of the action: it was found by comparing
	// the registry with the memory.
	Recovered bool
}

// Reference is a descriptor in a manifest: configuration, layer or child manifest.
type Reference struct {
	MediaType string
	// Digest is empty if what came was none.
	Digest string
	// OS, Architecture and Variant are empty unless the registry told them.
	OS           string
	Architecture string
	Variant      string
}

// Source names the registry process that sent an event.
type Source = hook.RegistrySource

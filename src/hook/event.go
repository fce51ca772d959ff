package hook

import (
	"encoding/json"
	"time"
)

// EventType is the name under which a policy subscribes to what happened, for
// example "pushImage". The catalog in core/event lists the known ones.
type EventType string

// The event types that a registry raises.
const (
	PushImage     EventType = "pushImage"
	PullImage     EventType = "pullImage"
	DeleteImage   EventType = "deleteImage"
	UploadChart   EventType = "uploadChart"
	DownloadChart EventType = "downloadChart"
	DeleteChart   EventType = "deleteChart"
)

// The event types of what is neither an image nor a chart: signatures,
// attestations, bills of materials and other OCI artifacts.
const (
	PushArtifact   EventType = "pushArtifact"
	PullArtifact   EventType = "pullArtifact"
	DeleteArtifact EventType = "deleteArtifact"
)

// The event types that other components of Harbor raise.
const (
	ScanningCompleted   EventType = "scanningCompleted"
	ScanningFailed      EventType = "scanningFailed"
	ScanningStopped     EventType = "scanningStopped"
	ReplicationFinished EventType = "replicationFinished"
	ProjectQuota        EventType = "projectQuota"
	QuotaWarning        EventType = "quotaWarning"
	TagRetention        EventType = "tagRetention"
)

// Event is one thing that happened in one project. It is complete: matching,
// rendering and redelivery need nothing but the event and the policy.
type Event struct {
	// ID is unique, and the same whenever the source repeats the event.
	ID   string    `json:"id"`
	Type EventType `json:"type"`

	ProjectID int64  `json:"project_id"`
	Project   string `json:"project"`
	Public    bool   `json:"public"`

	// Repository is the name without the project; empty for events without one.
	Repository string `json:"repository,omitempty"`
	// Resources are what the event is about, one entry for each tag.
	Resources []Resource `json:"resources,omitempty"`

	OccurredAt time.Time `json:"occurred_at"`
	Operator   string    `json:"operator,omitempty"`
	// RequestID is the registry's id of the client request that caused the event.
	RequestID string `json:"request_id,omitempty"`
	// Data is what a component told beside the common fields: a JSON object that is
	// valid by the schema of the event's type. Events of registries have none.
	Data json.RawMessage `json:"data,omitempty"`
	// Recovered says that nobody told of the event: it was found by comparing the
	// registry with the tag memory, and OccurredAt is when it was found.
	Recovered bool `json:"recovered,omitempty"`
	// Incomplete says that the registry did not tell what the event is about: type,
	// image ids and platforms are a guess until the event comes a second time, looked
	// up, under the same ID. Nothing is delivered before.
	Incomplete bool `json:"incomplete,omitempty"`
	// Traceparent names the span in which an incomplete event was stored, for what
	// becomes of it; empty without tracing.
	Traceparent string `json:"traceparent,omitempty"`
}

// ComponentEventID returns the id of an event that a component gave an id of its
// own. It is none that a registry gives, so that neither can hide the other's
// event behind one that is stored already.
func ComponentEventID(id string) string { return "component:" + id }

// Change says what a push did to its tag.
type Change string

// The changes. ChangeNone is for everything but pushes.
const (
	ChangeNone Change = ""
	// ChangeNew is a tag that did not exist.
	ChangeNew Change = "new"
	// ChangeMoved is a tag that pointed at another digest before.
	ChangeMoved Change = "moved"
	// ChangeSame is a tag that pointed at the same digest before.
	ChangeSame Change = "same"
)

// Resource is one tag of an image or chart, or one untagged manifest.
type Resource struct {
	// Tag is empty when the client named a digest only.
	Tag string `json:"tag,omitempty"`
	// Digest is the manifest's, with algorithm; empty when nobody knows it any more.
	Digest string `json:"digest,omitempty"`
	// ImageID is the configuration digest in hex, without algorithm. For a
	// multi-architecture image it is the index digest's hex.
	ImageID string `json:"image_id,omitempty"`
	// Change says what a push did to the tag; empty for other events.
	Change Change `json:"change,omitempty"`
	// Platforms lists the images of a multi-architecture image.
	Platforms []Platform `json:"platforms,omitempty"`
}

// Platform is one image of a multi-architecture image. Fields that the registry
// did not tell are empty.
type Platform struct {
	OS           string `json:"os,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	Variant      string `json:"variant,omitempty"`
	Digest       string `json:"digest"`
	ImageID      string `json:"image_id,omitempty"`
}

// Notification is what one message of a registry, or of another component,
// amounts to: the events it raises and what it teaches the tag memory. Both are
// stored in one transaction, or neither is.
type Notification struct {
	Events []Event
	Facts  []Fact
	// Expect is what the tag memory held when the notification was made of it. If
	// that has changed, nothing is stored, and the notification is a conflict.
	Expect []Tag
}

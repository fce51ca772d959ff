package payload

import (
	"github.com/harborhook/harborhook/src/hook"
)

// NameEvents is the name of the format in which the mission states the message.
const NameEvents = "Events"

func events() Format {
	return Format{Name: NameEvents, ContentType: "application/json", Render: renderEvents}
}

// message is the whole body. The mission fixes names and order of the fields up
// to project_type in each entry; what follows is added.
type message struct {
	EventType hook.EventType `json:"event_type"`
	Events    []any          `json:"events"`
}

type imageEntry struct {
	Project     string `json:"project"`
	RepoName    string `json:"repo_name"`
	Tag         string `json:"tag"`
	FullName    string `json:"full_name"`
	TriggerTime int64  `json:"trigger_time"`
	ImageID     string `json:"image_id"`
	ProjectType string `json:"project_type"`
	origin
	Platforms []hook.Platform `json:"platforms,omitempty"`
}

type chartEntry struct {
	Project     string `json:"project"`
	ChartName   string `json:"chart_name"`
	Version     string `json:"version"`
	TriggerTime int64  `json:"trigger_time"`
	ProjectType string `json:"project_type"`
	origin
}

// origin is what both shapes add. Its fields are always there, empty if unknown,
// but for Recovered.
type origin struct {
	Digest      string `json:"digest"`
	ResourceURL string `json:"resource_url"`
	Operator    string `json:"operator"`
	EventID     string `json:"event_id"`
	Recovered   bool   `json:"recovered,omitempty"`
}

// renderEvents writes one entry for each resource of the event.
func renderEvents(e hook.Event, o Options) ([]byte, error) {
	entry := newImageEntry
	if e.Type == hook.UploadChart || e.Type == hook.DownloadChart || e.Type == hook.DeleteChart {
		entry = newChartEntry
	}
	m := message{EventType: e.Type, Events: make([]any, 0, len(e.Resources))}
	for _, r := range e.Resources {
		m.Events = append(m.Events, entry(e, r, o))
	}
	return encode(m)
}

func newImageEntry(e hook.Event, r hook.Resource, o Options) any {
	return imageEntry{
		Project:     e.Project,
		RepoName:    e.Repository,
		Tag:         r.Tag,
		FullName:    e.Project + "/" + e.Repository,
		TriggerTime: e.OccurredAt.UnixMilli(),
		ImageID:     r.ImageID,
		ProjectType: projectType(e.Public),
		origin:      originOf(e, r, o),
		Platforms:   r.Platforms,
	}
}

func newChartEntry(e hook.Event, r hook.Resource, o Options) any {
	return chartEntry{
		Project:     e.Project,
		ChartName:   e.Repository,
		Version:     r.Tag,
		TriggerTime: e.OccurredAt.UnixMilli(),
		ProjectType: projectType(e.Public),
		origin:      originOf(e, r, o),
	}
}

func originOf(e hook.Event, r hook.Resource, o Options) origin {
	return origin{
		Digest:      r.Digest,
		ResourceURL: resourceURL(e, r, o),
		Operator:    e.Operator,
		EventID:     e.ID,
		Recovered:   e.Recovered,
	}
}

func projectType(public bool) string {
	if public {
		return "Public"
	}
	return "Private"
}

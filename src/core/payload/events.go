package payload

import (
	"github.com/harborhook/harborhook/src/hook"
)

// NameEvents is the name of the format in which the mission states the message.
const NameEvents = "Events"

func events() Format {
	return Format{Name: NameEvents, ContentType: "application/json", TargetType: hook.TargetHTTP, Render: renderEvents}
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

// projectEntry is for what happened to a project as a whole.
type projectEntry struct {
	Project     string `json:"project"`
	TriggerTime int64  `json:"trigger_time"`
	ProjectType string `json:"project_type"`
	source
}

// origin is what is added to the entry of a resource. Its fields are always
// there, empty if unknown, but for the change, which only pushes make.
type origin struct {
	Digest      string `json:"digest"`
	ResourceURL string `json:"resource_url"`
	source
	Change hook.Change `json:"change,omitempty"`
}

// source is what is added to every entry.
type source struct {
	Operator  string `json:"operator"`
	EventID   string `json:"event_id"`
	Recovered bool   `json:"recovered,omitempty"`
}

// renderEvents writes one entry for each resource of the event, or one for the
// event if it has none. Each entry has the members of the event's data.
func renderEvents(e hook.Event, _ hook.Target, o Options) ([]byte, error) {
	data, err := members(e.Data)
	if err != nil {
		return nil, err
	}
	m := message{EventType: e.Type, Events: make([]any, 0, max(len(e.Resources), 1))}
	for _, entry := range entries(e, o) {
		if len(data) > 0 {
			merged, err := merge(entry, data)
			if err != nil {
				return nil, err
			}
			entry = merged
		}
		m.Events = append(m.Events, entry)
	}
	return encode(m)
}

func entries(e hook.Event, o Options) []any {
	if e.Repository == "" && len(e.Resources) == 0 {
		return []any{newProjectEntry(e)}
	}
	resources := e.Resources
	if len(resources) == 0 {
		resources = []hook.Resource{{}}
	}
	entry := newImageEntry
	if isChart(e.Type) {
		entry = newChartEntry
	}
	list := make([]any, len(resources))
	for i, r := range resources {
		list[i] = entry(e, r, o)
	}
	return list
}

func isChart(t hook.EventType) bool {
	return t == hook.UploadChart || t == hook.DownloadChart || t == hook.DeleteChart
}

func newProjectEntry(e hook.Event) any {
	return projectEntry{
		Project:     e.Project,
		TriggerTime: e.OccurredAt.UnixMilli(),
		ProjectType: projectType(e.Public),
		source:      sourceOf(e),
	}
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
		source:      sourceOf(e),
		Change:      r.Change,
	}
}

func sourceOf(e hook.Event) source {
	return source{Operator: e.Operator, EventID: e.ID, Recovered: e.Recovered}
}

func projectType(public bool) string {
	if public {
		return "Public"
	}
	return "Private"
}

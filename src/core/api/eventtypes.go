package api

import "github.com/harborhook/harborhook/src/hook"

type eventTypesJSON struct {
	EventTypes     []hook.EventType   `json:"event_type"`
	NotifyTypes    []string           `json:"notify_type"`
	PayloadFormats []notifyFormats    `json:"payload_formats"`
	Types          []eventDescription `json:"types"`
}

type notifyFormats struct {
	NotifyType string   `json:"notify_type"`
	Formats    []string `json:"formats"`
}

type eventDescription struct {
	Name  hook.EventType `json:"name"`
	Title string         `json:"title"`
	Group string         `json:"group"`
}

// listEventTypes answers what a policy may ask for: Harbor's lists, and the
// types once more with titles for people.
func (a *API) listEventTypes(c *call) error {
	shown := eventTypesJSON{
		EventTypes: []hook.EventType{},
		Types:      []eventDescription{},
	}
	for _, t := range a.Formats.TargetTypes() {
		shown.NotifyTypes = append(shown.NotifyTypes, t)
		shown.PayloadFormats = append(shown.PayloadFormats, notifyFormats{t, a.Formats.For(t)})
	}
	for _, t := range a.Catalog.Types() {
		shown.EventTypes = append(shown.EventTypes, t.Name)
		shown.Types = append(shown.Types, eventDescription{t.Name, t.Title, t.Group})
	}
	return c.json(shown)
}

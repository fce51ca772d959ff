package api

import "github.com/harborhook/harborhook/src/hook"

type eventTypesJSON struct {
	EventTypes     []string           `json:"event_type"`
	NotifyTypes    []string           `json:"notify_type"`
	PayloadFormats []notifyFormats    `json:"payload_formats"`
	Types          []eventDescription `json:"types,omitempty"`
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

// listEventTypes answers what a policy may ask for: Harbor's lists, and in the
// first family the types once more with titles for people.
func (a *API) listEventTypes(c *call) error {
	shown := eventTypesJSON{
		Types: []eventDescription{},
	}
	for _, t := range a.Formats.TargetTypes() {
		shown.NotifyTypes = append(shown.NotifyTypes, t)
		shown.PayloadFormats = append(shown.PayloadFormats, notifyFormats{t, a.Formats.For(t)})
	}
	var types []hook.EventType
	for _, t := range a.Catalog.Types() {
		types = append(types, t.Name)
		if !c.family.harbor2 {
			shown.Types = append(shown.Types, eventDescription{t.Name, t.Title, t.Group})
		}
	}
	shown.EventTypes = c.family.typeNames(a.Catalog, types, nil)
	return c.json(shown)
}

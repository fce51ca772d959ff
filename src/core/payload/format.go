package payload

import (
	"fmt"

	"github.com/harborhook/harborhook/src/hook"
)

// Options is what a body says besides the event.
type Options struct {
	// ExternalRegistry is the registry's public name, host and optional port,
	// with which every resource_url begins.
	ExternalRegistry string
}

// Format is one way to write an event.
type Format struct {
	// Name is what policies say, for example "Events".
	Name string
	// ContentType is sent with the body.
	ContentType string
	// Render writes the body: valid JSON for every event, whatever its strings hold.
	Render func(e hook.Event, o Options) ([]byte, error)
}

// Formats is a list of formats. It does not change after it was made and may be
// used by several goroutines at once.
type Formats struct {
	formats []Format
}

// DefaultFormats returns the formats of this release. A new format is one new
// file and one line here.
func DefaultFormats() *Formats {
	return &Formats{formats: []Format{
		events(),
	}}
}

// Names lists the formats in the order in which lists show them. The first is
// the default.
func (f *Formats) Names() []string {
	names := make([]string, 0, len(f.formats))
	for _, format := range f.formats {
		names = append(names, format.Name)
	}
	return names
}

// Lookup returns the format of this name, and false if there is none.
func (f *Formats) Lookup(name string) (Format, bool) {
	for _, format := range f.formats {
		if format.Name == name {
			return format, true
		}
	}
	return Format{}, false
}

// Render writes e in the named format and returns the body with its content
// type. An unknown format is a hook.InvalidError.
func (f *Formats) Render(name string, e hook.Event, o Options) (body []byte, contentType string, err error) {
	format, ok := f.Lookup(name)
	if !ok {
		return nil, "", hook.Invalid("payload_format", fmt.Sprintf("there is no format %q", name))
	}
	body, err = format.Render(e, o)
	if err != nil {
		return nil, "", fmt.Errorf("render event %s as %s: %w", e.ID, name, err)
	}
	return body, format.ContentType, nil
}

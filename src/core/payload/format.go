package payload

import (
	"fmt"
	"slices"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// Options is what a body says besides the event and the target.
type Options struct {
	// ExternalRegistry is the registry's public name, host and optional port,
	// with which every resource_url begins.
	ExternalRegistry string
	// Catalog knows the names that other systems have for an event type.
	Catalog *event.Catalog
	// Subscribed are the event types of the policy: they decide under which name
	// Harbor 2 would tell of a chart.
	Subscribed []hook.EventType
	// Naming says in whose names the policy subscribed to them.
	Naming hook.Naming
	// PolicyID is the policy on whose behalf the body is sent; 0 if it is not stored.
	PolicyID int64
}

// Format is one way to write an event.
type Format struct {
	// Name is what policies say, for example "Events".
	Name string
	// ContentType is sent with the body.
	ContentType string
	// TargetType is the type of target that reads the format, for example "http".
	TargetType string
	// Templated says that the target brings the template of the body.
	Templated bool
	// Render writes the body: valid JSON, whatever the strings of the event hold.
	// It may fail for a template, and for Data that is no JSON object.
	Render func(e hook.Event, t hook.Target, o Options) ([]byte, error)
}

// Formats is a list of formats. It does not change after it was made and may be
// used by several goroutines at once.
type Formats struct {
	formats []Format
}

// DefaultFormats returns the formats of this release. A new format is one new
// file and one line here.
func DefaultFormats() *Formats {
	return mustFormats(
		events(),
		harbor(),
		harborV1(),
		cloudEvents(),
		slack(),
		custom(),
	)
}

// NewFormats returns a list of the given formats, in their order. Two of one
// name are an error.
func NewFormats(formats ...Format) (*Formats, error) {
	f := &Formats{}
	for _, format := range formats {
		if _, taken := f.Lookup(format.Name); taken {
			return nil, fmt.Errorf("payload format %q is listed twice", format.Name)
		}
		f.formats = append(f.formats, format)
	}
	return f, nil
}

// mustFormats is for lists that are part of the program, which its tests check.
func mustFormats(formats ...Format) *Formats {
	f, err := NewFormats(formats...)
	if err != nil {
		panic(err)
	}
	return f
}

// Names lists the formats in the order in which lists show them.
func (f *Formats) Names() []string {
	names := make([]string, 0, len(f.formats))
	for _, format := range f.formats {
		names = append(names, format.Name)
	}
	return names
}

// TargetTypes lists the types of target, the default first.
func (f *Formats) TargetTypes() []string {
	var types []string
	for _, format := range f.formats {
		if !slices.Contains(types, format.TargetType) {
			types = append(types, format.TargetType)
		}
	}
	return types
}

// For lists the formats that a type of target reads. The first is its default.
func (f *Formats) For(targetType string) []string {
	var names []string
	for _, format := range f.formats {
		if format.TargetType == targetType {
			names = append(names, format.Name)
		}
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

// Render writes e in the target's format and returns the body with its content
// type. An unknown format is a hook.InvalidError.
func (f *Formats) Render(e hook.Event, t hook.Target, o Options) (body []byte, contentType string, err error) {
	format, ok := f.Lookup(t.PayloadFormat)
	if !ok {
		return nil, "", unknownFormat(t.PayloadFormat)
	}
	body, err = format.Render(e, t, o)
	if err != nil {
		return nil, format.ContentType, fmt.Errorf("write the payload as %s: %w", format.Name, err)
	}
	return body, format.ContentType, nil
}

// Check says whether the target may have its format and template: a template
// goes with formats that need one only, is short, and writes valid JSON for a
// sample of each type. What is wrong is a hook.InvalidError.
func (f *Formats) Check(t hook.Target, types []hook.EventType, o Options) error {
	format, ok := f.Lookup(t.PayloadFormat)
	switch {
	case !ok:
		return unknownFormat(t.PayloadFormat)
	case !format.Templated && t.PayloadTemplate != "":
		return hook.Invalidf("payload_template", "goes with payload_format %s only", NameCustom)
	case !format.Templated:
		return nil
	case t.PayloadTemplate == "":
		return hook.Invalidf("payload_template", "is missing; payload_format %s needs it", format.Name)
	case len(t.PayloadTemplate) > MaxTemplate:
		return hook.Invalidf("payload_template", "has %d bytes, at most %d are possible", len(t.PayloadTemplate), MaxTemplate)
	}
	for _, name := range types {
		typ, ok := o.Catalog.Lookup(name)
		if !ok {
			return hook.Invalidf("hook_types", "%q is no event type", name)
		}
		if _, err := format.Render(typ.Sample, t, o); err != nil {
			return hook.Invalidf("payload_template", "fails for a sample of %s: %s", name, err)
		}
	}
	return nil
}

func unknownFormat(name string) error {
	return hook.Invalidf("payload_format", "%q is no payload format", name)
}

// EventName returns the name under which a policy of these options subscribed to
// the event's type.
func (o Options) EventName(e hook.Event) string {
	if o.Naming == hook.NamingHarbor2 {
		return o.typeOf(e).V2Name
	}
	return string(e.Type)
}

// typeOf describes the type of an event. For one that the catalog does not know
// it makes up what it can.
func (o Options) typeOf(e hook.Event) event.Type {
	if o.Catalog != nil {
		if typ, ok := o.Catalog.AsSubscribed(e.Type, o.Subscribed); ok {
			return typ
		}
	}
	name := string(e.Type)
	return event.Type{Name: e.Type, Title: name, V2Name: name, CloudEvents: "harbor." + name}
}

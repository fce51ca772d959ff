package event

import (
	"fmt"
	"slices"

	"github.com/harborhook/harborhook/src/hook"
)

// Action is what a client does to a manifest in a registry.
type Action string

// The actions that raise events.
const (
	Push   Action = "push"
	Pull   Action = "pull"
	Delete Action = "delete"
)

// Type describes one event type.
type Type struct {
	// Name is what policies subscribe to.
	Name hook.EventType
	// Title is the name for people, and Group the heading under which a list shows it.
	Title string
	Group string
	// V2Name is the type's name in Harbor 2. Several types may share one.
	V2Name string
	// V2Within is the name under which Harbor 2 tells of this type too: there, a
	// chart is an artifact like any other. Empty if V2Name is the only one.
	V2Within string
	// CloudEvents is the type attribute of a CloudEvents message.
	CloudEvents string
	// Action and Kinds say what raises the type: this action on a manifest of one
	// of these kinds. Both are empty for types that a registry does not raise.
	Action Action
	Kinds  []hook.Kind
	// Schema is the JSON Schema (draft 2020-12) of what a component tells beside the
	// common fields. Types that a registry raises have none.
	Schema string
	// OfResource says that a component must name the repository, and the tag or
	// digest in it, that the event is about. Other types are about a project.
	OfResource bool
	// Sample is a typical event, for tests, previews and documentation.
	Sample hook.Event
}

// OfComponent says whether components of Harbor raise the type, and no registry.
func (t Type) OfComponent() bool { return t.Schema != "" }

// Catalog is the list of event types. It does not change after it was made and
// may be used by several goroutines at once.
type Catalog struct {
	types  []Type
	byName map[hook.EventType]Type
	raised map[occasion]Type
	data   map[hook.EventType]*schema
}

type occasion struct {
	action Action
	kind   hook.Kind
}

// DefaultCatalog returns the event types of this release. A new type is one new
// file and one line here.
func DefaultCatalog() *Catalog {
	return mustCatalog(
		pushImage(),
		pullImage(),
		deleteImage(),
		uploadChart(),
		downloadChart(),
		deleteChart(),
		pushArtifact(),
		pullArtifact(),
		deleteArtifact(),
		scanningCompleted(),
		scanningFailed(),
		scanningStopped(),
		replicationFinished(),
		projectQuota(),
		quotaWarning(),
		tagRetention(),
	)
}

// NewCatalog returns a catalog of the given types, in their order. Two types of
// one name, or raised on the same occasion, are an error, and so is a schema that
// is none.
func NewCatalog(types ...Type) (*Catalog, error) {
	c := &Catalog{
		types:  slices.Clone(types),
		byName: make(map[hook.EventType]Type, len(types)),
		raised: make(map[occasion]Type, len(types)),
	}
	for _, t := range types {
		if _, taken := c.byName[t.Name]; taken {
			return nil, fmt.Errorf("event type %q is listed twice", t.Name)
		}
		c.byName[t.Name] = t
		for _, kind := range t.Kinds {
			on := occasion{t.Action, kind}
			if other, taken := c.raised[on]; taken {
				return nil, fmt.Errorf("%s of kind %q raises both %q and %q", t.Action, kind, other.Name, t.Name)
			}
			c.raised[on] = t
		}
	}
	data, err := compileSchemas(types)
	if err != nil {
		return nil, err
	}
	c.data = data
	return c, nil
}

// mustCatalog is for lists that are part of the program, which its tests check.
func mustCatalog(types ...Type) *Catalog {
	c, err := NewCatalog(types...)
	if err != nil {
		panic(err)
	}
	return c
}

// Types returns all types in the order in which lists show them.
func (c *Catalog) Types() []Type { return slices.Clone(c.types) }

// Lookup returns the type of this name, and false if there is none.
func (c *Catalog) Lookup(name hook.EventType) (Type, bool) {
	t, ok := c.byName[name]
	return t, ok
}

// AsSubscribed returns the type with the names that a subscriber to these types
// knows it by in Harbor 2: one who has all types of V2Within has asked for the
// whole, and is told so.
func (c *Catalog) AsSubscribed(name hook.EventType, subscribed []hook.EventType) (Type, bool) {
	t, ok := c.byName[name]
	if t.V2Within == "" {
		return t, ok
	}
	cloudEvents := ""
	for _, other := range c.types {
		if other.V2Name != t.V2Within {
			continue
		}
		if !slices.Contains(subscribed, other.Name) {
			return t, true
		}
		cloudEvents = other.CloudEvents
	}
	if cloudEvents != "" {
		t.V2Name, t.CloudEvents = t.V2Within, cloudEvents
	}
	return t, true
}

// Raised returns the type that an action on a manifest of this kind raises, and
// false if it raises none.
func (c *Catalog) Raised(action Action, kind hook.Kind) (Type, bool) {
	t, ok := c.raised[occasion{action, kind}]
	return t, ok
}

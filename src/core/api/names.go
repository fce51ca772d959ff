package api

import (
	"fmt"
	"slices"

	"github.com/harborhook/harborhook/src/hook"
)

// typeNames returns the family's names of event types, each once, to a subscriber
// of these types.
func (f *Family) typeNames(catalog Catalog, types, subscribed []hook.EventType) []string {
	names := make([]string, 0, len(types))
	for _, t := range types {
		if name := f.typeName(catalog, t, subscribed); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// typeName returns the family's name of an event type to a subscriber of these
// types. Several types may share one in the second family.
func (f *Family) typeName(catalog Catalog, name hook.EventType, subscribed []hook.EventType) string {
	if t, ok := catalog.AsSubscribed(name, subscribed); ok && f.harbor2 && t.V2Name != "" {
		return t.V2Name
	}
	return string(name)
}

// nameOf returns Harbor 2's name of a job's event type: the one that its receiver
// was told, if it was told one of those.
func (f *Family) nameOf(catalog Catalog, j hook.Job) string {
	if j.EventName != "" && j.EventName != string(j.HookType) {
		return j.EventName
	}
	return f.typeName(catalog, j.HookType, nil)
}

// renamed returns the naming of a policy after a write of its event types through
// the family: they are named anew if they changed.
func (f *Family) renamed(stored, written hook.Policy) hook.Naming {
	if sameSet(stored.HookTypes, written.HookTypes) {
		return stored.Naming
	}
	return f.naming
}

// typesOf returns the event types that whoever asks for this name is told of.
func (f *Family) typesOf(catalog Catalog, name string) []hook.EventType {
	var types []hook.EventType
	for _, t := range catalog.Types() {
		if f.typeName(catalog, t.Name, nil) == name || f.harbor2 && t.V2Within == name {
			types = append(types, t.Name)
		}
	}
	return types
}

// subscribe returns the event types of a policy after a write that names these.
// Of a name that the policy has already, what it has stays: it may be one of the
// several types that share the name. A new name brings all of its types.
func (f *Family) subscribe(catalog Catalog, stored []hook.EventType, names []string) ([]hook.EventType, error) {
	types := slices.DeleteFunc(slices.Clone(stored), func(t hook.EventType) bool {
		return !slices.Contains(names, f.typeName(catalog, t, stored))
	})
	had := f.typeNames(catalog, stored, stored)
	for _, name := range names {
		if slices.Contains(had, name) {
			continue
		}
		added := f.typesOf(catalog, name)
		if len(added) == 0 {
			return nil, hook.Invalid("event_types", fmt.Sprintf("unsupported event type %q", name))
		}
		had = append(had, name)
		types = append(types, added...)
	}
	if len(types) == 0 {
		return nil, hook.Invalid("event_types", "empty event type")
	}
	return types, nil
}

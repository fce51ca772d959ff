package api

import (
	"cmp"
	"slices"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// applyPolicy returns stored as the body of a write leaves it: what the body
// names is replaced, the rest stays. For a new policy, stored holds the defaults.
// It looks at the shape of the body, and at what may be kept; whether names,
// addresses and types are valid is for the policies service to say. Every error
// is a *hook.InvalidError.
func applyPolicy(stored hook.Policy, body []byte) (hook.Policy, error) {
	o := parseBody(body,
		"name", "description", "enabled", "hook_types", "event_types", "filters", "secret",
		"target", "targets", "auth_header", "skip_cert_verify", "payload_format", "payload_template",
		"id", "project_id", "creator", "creation_time", "update_time", "retry_on")
	p := stored
	o.str("name", &p.Name)
	o.str("description", &p.Description)
	o.boolean("enabled", &p.Enabled)
	checkReadOnly(o)
	p.HookTypes = readHookTypes(o, stored.HookTypes)
	p.Filters = readFilters(o, stored.Filters)
	p.Targets = readTargets(o, stored.Targets)
	readSecret(o, stored, &p)
	if o.err != nil {
		return hook.Policy{}, o.err
	}
	return p, nil
}

// checkReadOnly looks at the types of what a client may send back but not change.
func checkReadOnly(o *object) {
	var (
		number int64
		text   string
		list   []string
	)
	o.integer("id", &number)
	o.integer("project_id", &number)
	o.str("creator", &text)
	for _, name := range []string{"creation_time", "update_time"} {
		if o.str(name, &text) && !isTime(text) {
			o.fail(name, "must be a time, for example 2020-03-03T07:58:52Z")
		}
	}
	o.strs("retry_on", &list)
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

// readHookTypes takes either name of the list, without repetitions.
func readHookTypes(o *object, stored []hook.EventType) []hook.EventType {
	var seed, harbor []string
	hasSeed, hasHarbor := o.strs("hook_types", &seed), o.strs("event_types", &harbor)
	switch {
	case !hasSeed && !hasHarbor:
		return stored
	case !hasSeed:
		seed = harbor
	case hasHarbor && !sameSet(seed, harbor):
		o.fail("event_types", "differs from hook_types: give one of them")
	}
	types := make([]hook.EventType, 0, len(seed))
	given := map[string]bool{}
	for _, name := range seed {
		if !given[name] {
			given[name] = true
			types = append(types, hook.EventType(name))
		}
	}
	return types
}

func sameSet[T cmp.Ordered](a, b []T) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

func readFilters(o *object, stored []hook.Filter) []hook.Filter {
	given, ok := o.objects("filters", "kind", "value")
	if !ok {
		return stored
	}
	filters := make([]hook.Filter, len(given))
	for i, f := range given {
		if filters[i] = readFilter(f); f.err != nil {
			o.err = f.err
			return stored
		}
	}
	return filters
}

// readFilter reads a regular expression (a string) or a list of exact names.
func readFilter(f *object) hook.Filter {
	var read hook.Filter
	if !f.str("kind", &read.Kind) {
		f.fail("kind", "is missing")
	}
	raw, ok := f.members["value"]
	switch {
	case !ok:
		f.fail("value", "is missing")
	case raw[0] == '"':
		f.str("value", &read.Pattern)
	case raw[0] == '[':
		f.strs("value", &read.List)
	default:
		f.fail("value", "must be a string (a regular expression) or a list of strings")
	}
	return read
}

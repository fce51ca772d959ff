package component

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// members are those of one event in well-formed JSON. Names are compared exactly.
// The first mistake is kept in err; what is read after it counts for nothing.
type members struct {
	pointer string
	raw     map[string]json.RawMessage
	err     error
}

func newMembers(pointer string, raw json.RawMessage) *members {
	m := &members{pointer: pointer}
	if raw[0] != '{' || json.Unmarshal(raw, &m.raw) != nil {
		reason := "must be a JSON object"
		if pointer == "" {
			reason = "the body must be a JSON object, or a list of them"
		}
		m.err = hook.Invalid(pointer, reason)
		return m
	}
	for _, name := range slices.Sorted(maps.Keys(m.raw)) {
		switch name {
		case "id", "type", "project", "repository", "tag", "digest", "occurred_at", "operator", "data":
		default:
			m.fail(name, "unknown field")
		}
	}
	return m
}

// fail keeps the first mistake.
func (m *members) fail(name, reason string) {
	if m.err == nil {
		m.err = hook.Invalid(m.pointer+"/"+hook.PointerToken(name), reason)
	}
}

// required reads a string that must be there.
func (m *members) required(name string, check func(string) error) string {
	if _, ok := m.raw[name]; !ok {
		m.fail(name, "is missing")
		return ""
	}
	s := m.text(name, check)
	if s == "" {
		m.fail(name, "must not be empty")
	}
	return s
}

// text reads a string. One that is empty counts as one that is not there.
func (m *members) text(name string, check func(string) error) string {
	raw, ok := m.raw[name]
	if !ok {
		return ""
	}
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		m.fail(name, "must be a string")
		return ""
	}
	if *s == "" {
		return ""
	}
	if err := check(*s); err != nil {
		m.fail(name, err.Error())
	}
	return *s
}

// eventType reads the type, which must be one that components raise.
func (m *members) eventType(catalog *event.Catalog) event.Type {
	name := m.required("type", checkName)
	typ, ok := catalog.Lookup(hook.EventType(name))
	if !ok || !typ.OfComponent() {
		m.fail("type", "is no event type of components")
	}
	return typ
}

// time reads when the event happened, and takes the time of receipt if it does
// not say.
func (m *members) time(received time.Time) time.Time {
	text := m.text("occurred_at", checkName)
	if text == "" {
		return received
	}
	t, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		m.fail("occurred_at", "must be a time such as 2006-01-02T15:04:05Z (RFC 3339)")
	case t.Year() < 2000 || t.After(received.Add(maxAhead)):
		m.fail("occurred_at", "lies before the year 2000 or more than a day ahead")
	}
	return t.UTC()
}

// data reads the data, which the schema of the type must allow. Left out, it is
// an empty object.
func (m *members) data(catalog *event.Catalog, name hook.EventType) json.RawMessage {
	raw, ok := m.raw["data"]
	if !ok {
		raw = json.RawMessage("{}")
	}
	if m.err != nil {
		return nil
	}
	if len(raw) > MaxData {
		m.fail("data", fmt.Sprintf("has %d bytes, at most %d are possible", len(raw), MaxData))
		return nil
	}
	if err := catalog.CheckData(name, raw); err != nil {
		m.err = within(m.pointer+"/data", err)
		return nil
	}
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		m.fail("data", "is not valid JSON")
	}
	return out.Bytes()
}

// within puts the pointer of a mistake, if it is one, behind another.
func within(pointer string, err error) error {
	if invalid := (*hook.InvalidError)(nil); errors.As(err, &invalid) {
		return hook.Invalid(pointer+invalid.Field, invalid.Reason)
	}
	return err
}

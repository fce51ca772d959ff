package component

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// Limits of a message. The body as a whole is bounded by who reads it.
const (
	MaxEvents = 100
	// MaxData is the size of one event's data in bytes: every target of every
	// policy that the event matches gets a copy.
	MaxData = 256 << 10
)

// maxAhead is how far a component's clock may be ahead of ours.
const maxAhead = 24 * time.Hour

// Told is one event of a message.
type Told struct {
	// Pointer is the event's place in the body, a JSON pointer: empty if the body
	// is the event.
	Pointer string
	// Event lacks what the message cannot tell: ProjectID, Public, and of its
	// resource whatever but tag and digest.
	Event hook.Event
}

// Decode reads the body of a message: one event, or a list of up to MaxEvents. An
// event without a time gets that of receipt. The first mistake fails the message;
// it is a *hook.InvalidError whose Field is a JSON pointer into the body.
func Decode(body []byte, catalog *event.Catalog, received time.Time) ([]Told, error) {
	if err := wellFormed(body); err != nil {
		return nil, err
	}
	list, pointers, err := split(body)
	if err != nil {
		return nil, err
	}
	told := make([]Told, len(list))
	for i, raw := range list {
		e, err := decodeEvent(pointers[i], raw, catalog, received)
		if err != nil {
			return nil, err
		}
		told[i] = Told{Pointer: pointers[i], Event: e}
	}
	return told, nil
}

// split returns the events of a body and their places in it.
func split(body []byte) (list []json.RawMessage, pointers []string, err error) {
	body = bytes.TrimSpace(body)
	if body[0] != '[' {
		return []json.RawMessage{body}, []string{""}, nil
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, hook.Invalid("", "the body is not valid JSON")
	}
	if len(list) > MaxEvents {
		return nil, nil, hook.Invalid("", fmt.Sprintf("the body has %d events, at most %d are possible", len(list), MaxEvents))
	}
	for i := range list {
		pointers = append(pointers, "/"+strconv.Itoa(i))
	}
	return list, pointers, nil
}

func decodeEvent(pointer string, raw json.RawMessage, catalog *event.Catalog, received time.Time) (hook.Event, error) {
	m := newMembers(pointer, raw)
	id := m.required("id", checkID)
	typ := m.eventType(catalog)
	e := hook.Event{
		ID:         hook.ComponentEventID(id),
		Type:       typ.Name,
		Project:    m.required("project", checkName),
		Repository: m.text("repository", checkRepository),
		OccurredAt: m.time(received),
		Operator:   m.text("operator", checkName),
	}
	r := hook.Resource{Tag: m.text("tag", checkTag), Digest: m.text("digest", checkDigest)}
	named := r.Tag != "" || r.Digest != ""
	switch {
	case e.Repository == "" && (named || typ.OfResource):
		m.fail("repository", "is missing")
	case !named && typ.OfResource:
		m.fail("digest", "is missing: the artifact must be named by its digest, its tag, or both")
	case named:
		e.Resources = []hook.Resource{r}
	}
	e.Data = m.data(catalog, typ.Name)
	return e, m.err
}

package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/docker/distribution/notifications"
)

// The media types under which registries send envelopes: distribution 2.8 the
// first, 3.x the second. The JSON is the same.
const (
	MediaTypeEventsV1 = notifications.EventsMediaType
	MediaTypeEventsV2 = "application/vnd.docker.distribution.events.v2+json"
)

// Envelope is what one notification of a registry says.
type Envelope struct {
	// Actions are the usable events in their order.
	Actions []Action
	// Skipped counts the other ones.
	Skipped Skipped
}

// Decode reads the body of a notification. Only a body that is not JSON is an
// error: a registry repeats for ever what is refused and sends nothing else
// meanwhile, so whatever else cannot be used is counted and left out.
func Decode(body []byte) (Envelope, error) {
	var in struct {
		Events wireEvents `json:"events"`
	}
	err := json.Unmarshal(body, &in)
	var wrongShape *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongShape):
		return Envelope{Skipped: Skipped{ReasonNotEnvelope: 1}}, nil
	case err != nil:
		return Envelope{}, fmt.Errorf("decode envelope: %w", err)
	}
	if in.Events.Skipped == nil {
		in.Events.Skipped = Skipped{}
	}
	return Envelope(in.Events), nil
}

// wireEvents reads the events of an envelope one after the other and keeps the
// usable ones: millions of others fit into a body, and must not take memory.
type wireEvents Envelope

func (w *wireEvents) UnmarshalJSON(raw []byte) error {
	*w = wireEvents{Skipped: Skipped{}}
	switch raw[0] {
	case '[':
	case 'n': // null
		return nil
	default:
		return &json.UnmarshalTypeError{Value: "no list", Type: reflect.TypeFor[[]wireEvent](), Field: "events"}
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		var e wireEvent
		if err := decoder.Decode(&e); err != nil {
			return err
		}
		if e.reason != "" {
			w.Skipped[e.reason]++
			continue
		}
		w.Actions = append(w.Actions, e.action)
	}
	return nil
}

// wireEvent is one event of an envelope, read on its own so that one that cannot
// be read does not take the others with it. The library's notifications.Envelope
// would: a single bad timestamp fails it as a whole, which must not happen to a
// queue that never moves on. Its Event reads both versions' JSON, deletes with
// empty strings and references with platforms included.
type wireEvent struct {
	action Action
	reason Reason
}

func (w *wireEvent) UnmarshalJSON(raw []byte) error {
	var in struct {
		notifications.Event
		// Timestamp takes the place of the embedded field.
		Timestamp lenientTime `json:"timestamp"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		w.reason = ReasonMalformed
		return nil //nolint:nilerr // one bad event must not spoil the envelope: it is counted
	}
	in.Event.Timestamp = in.Timestamp.Time
	w.action, w.reason = FromEvent(in.Event)
	return nil
}

// lenientTime is zero where no time can be read.
type lenientTime struct{ time.Time }

func (t *lenientTime) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &t.Time) != nil {
		t.Time = time.Time{}
	}
	return nil
}

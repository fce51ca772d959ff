package registry

import (
	"encoding/json"
	"errors"
	"fmt"
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
	out := Envelope{Skipped: Skipped{}}
	var in struct {
		Events []wireEvent `json:"events"`
	}
	err := json.Unmarshal(body, &in)
	var wrongShape *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongShape):
		out.Skipped[ReasonNotEnvelope]++
		return out, nil
	case err != nil:
		return Envelope{}, fmt.Errorf("decode envelope: %w", err)
	}
	for _, e := range in.Events {
		if e.reason != "" {
			out.Skipped[e.reason]++
			continue
		}
		out.Actions = append(out.Actions, e.action)
	}
	return out, nil
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

package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// The media type under which a registry of version 2.8 notifies.
const mediaTypeEvents = "application/vnd.docker.distribution.events.v1+json"

// Push is an event as a registry tells it: somebody pushed an image by tag. Its
// digests are made up.
type Push struct{ ID, Repository, Tag string }

// NewPush returns a push of a new event id.
func NewPush(repository, tag string) Push {
	return Push{ID: uuid.NewString(), Repository: repository, Tag: tag}
}

// MarshalJSON writes the event.
func (p Push) MarshalJSON() ([]byte, error) {
	const schema2, config = "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.container.image.v1+json"
	return json.Marshal(map[string]any{
		"id": p.ID, "timestamp": time.Now().Format(time.RFC3339Nano), "action": "push",
		"target": map[string]any{
			"mediaType": schema2, "digest": madeUp(p.ID, 1), "size": 500, "length": 500,
			"repository": p.Repository, "tag": p.Tag,
			"references": []any{map[string]any{"mediaType": config, "digest": madeUp(p.ID, 2), "size": 400}},
		},
		"request": map[string]any{"id": uuid.NewString(), "addr": "192.0.2.1:4000", "method": "PUT", "useragent": "test"},
		"actor":   map[string]any{"name": "alice"},
		"source":  map[string]any{"addr": "registry:5000", "instanceID": "test"},
	})
}

func madeUp(id string, n int) string {
	u, _ := uuid.Parse(id)
	return fmt.Sprintf("sha256:%x%032d", u[:], n)
}

// Envelope is what a registry sends: events of any kind.
func Envelope(events ...any) map[string]any { return map[string]any{"events": events} }

// Notify plays a registry that tells Core of events once.
func (s *System) Notify(t T, events ...any) Reply {
	t.Helper()
	reply, err := s.TryNotify(events...)
	if err != nil {
		t.Fatalf("notify: %v", err)
	}
	return reply
}

// TryNotify is Notify for a Core that may be down.
func (s *System) TryNotify(events ...any) (Reply, error) {
	registry := s.As("", "")
	registry.limit = s.Patience
	return registry.Try(http.MethodPost, "/service/notifications", Envelope(events...),
		"Content-Type", mediaTypeEvents, "Authorization", "Bearer "+s.Token)
}

// MustNotify notifies as a registry does: until the answer is 200, as long as it
// is 503, which a busy machine may bring about. Any other answer fails the test.
func (s *System) MustNotify(t T, events ...any) {
	t.Helper()
	s.mustNotify(t, func() Reply { return s.Notify(t, events...) })
}

// MustNotifyWith is MustNotify with one more header.
func (s *System) MustNotifyWith(t T, name, value string, events ...any) {
	t.Helper()
	s.mustNotify(t, func() Reply {
		return s.As("", "").Do(t, http.MethodPost, "/service/notifications", Envelope(events...),
			"Content-Type", mediaTypeEvents, "Authorization", "Bearer "+s.Token, name, value)
	})
}

func (s *System) mustNotify(t T, notify func() Reply) {
	t.Helper()
	Eventually(t, startLimit, "200 for a notification", func() bool {
		reply := notify()
		if reply.Status != http.StatusOK && reply.Status != http.StatusServiceUnavailable {
			t.Fatalf("notification: %d: %s", reply.Status, reply.Body)
		}
		return reply.Status == http.StatusOK
	})
}

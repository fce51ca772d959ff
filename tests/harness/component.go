package harness

import (
	"net/http"

	"github.com/google/uuid"
)

// Told is an event as a component of Harbor tells it.
type Told map[string]any

// NewScan returns a finished scan of an image, of a new event id.
func NewScan(project, repository, tag string) Told {
	id := uuid.NewString()
	return Told{
		"id": id, "type": "scanningCompleted", "project": project, "repository": repository, "tag": tag, "digest": madeUp(id, 1),
		"operator": "auto", "data": map[string]any{"scan_overview": map[string]any{
			"application/vnd.security.vulnerability.report; version=1.1": map[string]any{"scan_status": "Success", "severity": "High"},
		}},
	}
}

// With returns the event with a member replaced.
func (e Told) With(name string, value any) Told {
	changed := Told{name: value}
	for member, old := range e {
		if member != name {
			changed[member] = old
		}
	}
	return changed
}

// TryTell plays a component that tells a Core, which may be down, of an event or
// of a list of them.
func (s *System) TryTell(events any) (Reply, error) {
	return s.tryTell("Bearer "+s.ComponentToken, events)
}

// Tell is TryTell for a Core that must answer.
func (s *System) Tell(t T, events any) Reply {
	t.Helper()
	return s.TellAs(t, "Bearer "+s.ComponentToken, events)
}

// TellAs is Tell with something else in the header Authorization.
func (s *System) TellAs(t T, authorization string, events any) Reply {
	t.Helper()
	reply, err := s.tryTell(authorization, events)
	if err != nil {
		t.Fatalf("tell of an event: %v", err)
	}
	return reply
}

func (s *System) tryTell(authorization string, events any) (Reply, error) {
	return s.As("", "").Try(http.MethodPost, "/service/notifications/events", events,
		"Content-Type", "application/json", "Authorization", authorization)
}

// MustTell tells events as a component does: until the answer is 200, as long as
// it is 503, which a busy machine may bring about. Any other answer fails the test.
func (s *System) MustTell(t T, events any) Reply {
	t.Helper()
	var reply Reply
	Eventually(t, startLimit, "200 for events of a component", func() bool {
		reply = s.Tell(t, events)
		if reply.Status != http.StatusOK && reply.Status != http.StatusServiceUnavailable {
			t.Fatalf("event of a component: %d: %s", reply.Status, reply.Body)
		}
		return reply.Status == http.StatusOK
	})
	return reply
}

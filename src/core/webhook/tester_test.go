package webhook

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

// sender keeps what it is to send.
type sender struct{ sent []hook.Delivery }

func (s *sender) Send(_ context.Context, d hook.Delivery) hook.Attempt {
	s.sent = append(s.sent, d)
	return hook.Attempt{Number: d.Number, Result: hook.ResultTimeout}
}

// echo is a Renderer that keeps what it renders.
type echo struct {
	format string
	event  hook.Event
	err    error
}

func (e *echo) Render(event hook.Event, _ hook.Policy, t hook.Target) ([]byte, string, error) {
	e.format, e.event = t.PayloadFormat, event
	return []byte("body"), "text/x", e.err
}

func (*echo) EventName(event hook.Event, p hook.Policy) string {
	return string(event.Type) + " in " + p.Name
}

func onlyPush(t hook.EventType) (hook.Event, bool) {
	return hook.Event{ID: "sample", Type: hook.PushImage, Project: "prj", Repository: "repo1", Resources: []hook.Resource{{Tag: "latest"}}}, t == hook.PushImage
}

func TestATestSendsASampleOfTheFirstType(t *testing.T) {
	t.Parallel()
	at := time.Date(2020, time.March, 3, 7, 58, 52, 0, time.UTC)
	r, s := &echo{}, &sender{}
	p := hook.Policy{
		ID: 3, ProjectID: 1, Name: "ci", HookTypes: []hook.EventType{hook.PushImage, hook.PullImage}, Secret: "secret",
		Targets: []hook.Target{{Type: "http", Address: "https://a.example", AuthHeader: "A", PayloadFormat: "Events"}, {Address: "https://b.example"}},
	}
	project := hook.Project{ID: 1, Name: "p1", Public: true}
	attempt, err := NewTester(onlyPush, r, s, func() time.Time { return at }).Test(t.Context(), project, p, "alice")
	if err != nil || attempt.Result != hook.ResultTimeout {
		t.Fatalf("got %+v, %v", attempt, err)
	}
	want := hook.Event{
		ID: r.event.ID, Type: hook.PushImage, ProjectID: 1, Project: "p1", Public: true, Repository: "repo1",
		Resources: []hook.Resource{{Tag: "latest"}}, OccurredAt: at, Operator: "alice",
	}
	if diff := cmp.Diff(want, r.event); diff != "" || r.format != "Events" || r.event.ID == "sample" {
		t.Errorf("rendered as %q: %s", r.format, diff)
	}
	d := s.sent[0]
	if d.SendTo != p.Targets[0] || d.Secret != "secret" || d.Number != 1 || string(d.Detail) != "body" || d.ContentType != "text/x" ||
		d.HookType != hook.PushImage || d.EventName != "pushImage in ci" || d.UUID == "" {
		t.Errorf("sent %+v", d)
	}
}

func TestWhatCannotBeTested(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		types []hook.EventType
		err   error
	}{
		"a type without sample":       {[]hook.EventType{hook.PullImage}, nil},
		"a body that does not render": {[]hook.EventType{hook.PushImage}, broken},
	} {
		s := &sender{}
		p := hook.Policy{HookTypes: tc.types, Targets: []hook.Target{{}}}
		_, err := NewTester(onlyPush, &echo{err: tc.err}, s, time.Now).Test(t.Context(), hook.Project{}, p, "alice")
		if err == nil || tc.err != nil && !errors.Is(err, tc.err) || len(s.sent) > 0 {
			t.Errorf("%s: %v, sent %d", name, err, len(s.sent))
		}
	}
}

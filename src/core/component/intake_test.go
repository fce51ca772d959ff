package component_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/component"
	"github.com/harborhook/harborhook/src/hook"
)

// harbor is what an Intake stands on: the projects prj and public, a memory that
// knows one image, and a handler that keeps what it gets.
type harbor struct {
	got                      []hook.Notification
	projects, memory, handle error
}

func (h *harbor) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	if name != "prj" && name != "public" {
		return hook.Project{}, hook.ErrNotFound
	}
	return hook.Project{ID: int64(len(name)), Name: name, Public: name == "public"}, h.projects
}

func (h *harbor) Resource(_ context.Context, repository, tag, digest string) (hook.Resource, error) {
	r := hook.Resource{Tag: tag, Digest: digest}
	if repository == "prj/team/repo1" {
		r.ImageID = "9e2c"
	}
	return r, h.memory
}

func (h *harbor) Handle(_ context.Context, n hook.Notification) error {
	h.got = append(h.got, n)
	return h.handle
}

func (h *harbor) intake(counted map[hook.EventType]int) *component.Intake {
	return component.NewIntake(component.Config{
		Projects: h, Memory: h, Handler: h, Catalog: catalog(), Now: func() time.Time { return noon.In(time.FixedZone("", 3600)) },
		Count: func(t hook.EventType) { counted[t]++ },
	})
}

func TestEventsAreCompletedAndHandedOverTogether(t *testing.T) {
	t.Parallel()
	h, counted := &harbor{}, map[hook.EventType]int{}
	body := "[" + scan() + "," + scan("id", "2", "project", "public", "occurred_at", nil, "type", "scanningFailed") + "]"
	n, err := h.intake(counted).Events(t.Context(), []byte(body))
	if n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	data := raw(`{"scan_overview":{"application/x":{"severity":"High"}}}`)
	want := []hook.Notification{{Events: []hook.Event{
		{
			ID: "component:scan-1", Type: hook.ScanningCompleted, ProjectID: 3, Project: "prj", Repository: "team/repo1",
			Resources:  []hook.Resource{{Tag: "latest", Digest: digest, ImageID: "9e2c"}},
			OccurredAt: noon.Add(-30*time.Minute + 500*time.Millisecond), Operator: "auto", Data: data,
		},
		{
			ID: "component:2", Type: hook.ScanningFailed, ProjectID: 6, Project: "public", Public: true, Repository: "team/repo1",
			Resources: []hook.Resource{{Tag: "latest", Digest: digest}}, OccurredAt: noon, Operator: "auto", Data: data,
		},
	}}}
	if diff := cmp.Diff(want, h.got); diff != "" {
		t.Errorf("handed over (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[hook.EventType]int{hook.ScanningCompleted: 1, hook.ScanningFailed: 1}, counted); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

func TestARepetitionWithinAMessageIsOneEvent(t *testing.T) {
	t.Parallel()
	h := &harbor{}
	body := "[" + scan() + "," + scan("operator", "another") + "]"
	n, err := h.intake(map[hook.EventType]int{}).Events(t.Context(), []byte(body))
	if n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if len(h.got) != 1 || len(h.got[0].Events) != 1 || h.got[0].Events[0].Operator != "auto" {
		t.Errorf("handed over %+v", h.got)
	}
}

func TestNothingIsTakenOfAMessageWithAMistake(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, field string }{
		"malformed event":               {"[" + scan() + "," + scan("id", nil) + "]", "/1/id"},
		"unknown project":               {"[" + scan() + "," + scan("id", "2", "project", "nobody") + "]", "/1/project"},
		"unknown project, no list":      {scan("project", "nobody"), "/project"},
		"a project's name that is none": {scan("project", strings.Repeat("x", 255)), "/project"},
	} {
		h, counted := &harbor{}, map[hook.EventType]int{}
		n, err := h.intake(counted).Events(t.Context(), []byte(tt.body))
		wantMistake(t, name, err, tt.field, "")
		if n != 0 || len(h.got) != 0 || len(counted) != 0 {
			t.Errorf("%s: took %d: %+v", name, n, h.got)
		}
	}
}

func TestAFailureIsNoMistakeOfTheComponent(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, h := range map[string]*harbor{
		"projects": {projects: broken}, "memory": {memory: broken}, "handler": {handle: broken},
	} {
		counted := map[hook.EventType]int{}
		n, err := h.intake(counted).Events(t.Context(), []byte(scan()))
		var invalid *hook.InvalidError
		if n != 0 || !errors.Is(err, broken) || errors.As(err, &invalid) || len(counted) != 0 {
			t.Errorf("%s: %d, %v, counted %v", name, n, err, counted)
		}
	}
}

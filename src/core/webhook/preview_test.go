package webhook

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

// history is the past of a project.
type history struct {
	events []hook.Event
	limit  int
}

func (h *history) RecentEvents(_ context.Context, projectID int64, limit int) ([]hook.Event, error) {
	h.limit = limit
	if projectID != 1 {
		return nil, errors.New("another project")
	}
	return h.events, nil
}

func newPreviewer(h *history) *Previewer {
	m := &memory{}
	rules := Rules{KnownType: func(t hook.EventType) bool { return t == hook.PushImage || t == hook.PullImage }}
	return NewPreviewer(NewPolicies(m, NewCache(m, quiet()), rules), h)
}

func TestAPreviewNamesTheRuleThatRefuses(t *testing.T) {
	t.Parallel()
	pull := push("app", "v1")
	pull.Type = hook.PullImage
	cases := []struct {
		name    string
		filters []hook.Filter
		event   hook.Event
		want    string
	}{
		{"a match", []hook.Filter{repositories("app"), tags("v.*")}, push("app", "v1"), ""},
		{"a match of one of several tags", []hook.Filter{tags("v.*")}, push("app", "latest", "v1"), ""},
		{"another type", []hook.Filter{repositories("web")}, pull, "hook_types"},
		{"another repository", []hook.Filter{tags("x"), repositories("web")}, push("app", "v1"), "filters[1]"},
		{"another tag", []hook.Filter{repositories("app"), tagList("latest")}, push("app", "v1"), "filters[1]"},
		{"several filters of a kind", []hook.Filter{tags("a"), repositories("app"), tags("b")}, push("app", "v1"), "filters[0], filters[2]"},
		{"no tag", []hook.Filter{tags(".*")}, push("app"), "filters[0]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := &history{events: []hook.Event{c.event}}
			draft := hook.Policy{ProjectID: 1, HookTypes: []hook.EventType{hook.PushImage}, Filters: c.filters}
			got, err := newPreviewer(h).Preview(t.Context(), draft, 50)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]hook.Verdict{{Event: c.event, RefusedBy: c.want}}, got); diff != "" || h.limit != 50 {
				t.Errorf("of the last %d: %s", h.limit, diff)
			}
		})
	}
}

func TestAPreviewRefusesADraftThatCouldNotBeSaved(t *testing.T) {
	t.Parallel()
	types := []hook.EventType{hook.PushImage}
	for _, c := range []struct {
		field string
		draft hook.Policy
		last  int
	}{
		{"last", hook.Policy{HookTypes: types}, 0},
		{"last", hook.Policy{HookTypes: types}, MaxPreview + 1},
		{"hook_types", hook.Policy{}, 1},
		{"hook_types", hook.Policy{HookTypes: []hook.EventType{"nope"}}, 1},
		{"filters[0].value", hook.Policy{HookTypes: types, Filters: []hook.Filter{repositories("(")}}, 1},
	} {
		c.draft.ProjectID = 1
		_, err := newPreviewer(&history{}).Preview(t.Context(), c.draft, c.last)
		var invalid *hook.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != c.field {
			t.Errorf("last %d of %+v: %v", c.last, c.draft, err)
		}
	}
}

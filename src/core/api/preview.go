package api

import (
	"context"
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Previewer says what a policy would do before it is saved. What is wrong with the
// draft is a *hook.InvalidError.
type Previewer interface {
	// Preview says of each of the last events of the draft's project, newest first,
	// what the draft makes of it.
	Preview(ctx context.Context, draft hook.Policy, last int) ([]hook.Verdict, error)
}

// previewed is how many events a preview looks at unless the caller says.
const previewed = 100

type previewJSON struct {
	Total   int           `json:"total"`
	Matched int           `json:"matched"`
	Events  []verdictJSON `json:"events"`
}

type verdictJSON struct {
	EventID    string         `json:"event_id"`
	HookType   hook.EventType `json:"hook_type"`
	Repository string         `json:"repository"`
	Tags       []string       `json:"tags"`
	OccurredAt time.Time      `json:"occurred_at"`
	Match      bool           `json:"match"`
	RefusedBy  string         `json:"refused_by,omitempty"`
}

// previewPolicy answers which of the project's last events a draft would match,
// and which rule refuses each other one.
func (a *API) previewPolicy(c *call) error {
	o := c.object("hook_types", "event_types", "filters", "last")
	last := int64(previewed)
	o.integer("last", &last)
	draft := hook.Policy{ProjectID: c.project.ID, HookTypes: a.readTypes(c, o), Filters: readFilters(o, nil)}
	if o.err != nil {
		return o.err
	}
	verdicts, err := a.Previewer.Preview(c.r.Context(), draft, int(min(max(last, 0), 1<<30)))
	if err != nil {
		return fmt.Errorf("preview a policy: %w", err)
	}
	return c.json(showPreview(verdicts))
}

// readTypes reads the event types of a draft by the family's names.
func (a *API) readTypes(c *call, o *object) []hook.EventType {
	if !c.family.harbor2 {
		return readHookTypes(o, nil)
	}
	var names []string
	o.strs("event_types", &names)
	if o.err != nil {
		return nil
	}
	types, err := c.family.subscribe(a.Catalog, nil, names)
	o.err = err
	return types
}

func showPreview(verdicts []hook.Verdict) previewJSON {
	shown := previewJSON{Total: len(verdicts), Events: make([]verdictJSON, len(verdicts))}
	for i, v := range verdicts {
		tags := []string{}
		for _, r := range v.Event.Resources {
			if r.Tag != "" {
				tags = append(tags, r.Tag)
			}
		}
		shown.Events[i] = verdictJSON{
			EventID: v.Event.ID, HookType: v.Event.Type, Repository: v.Event.Repository, Tags: tags,
			OccurredAt: v.Event.OccurredAt, Match: v.Matches(), RefusedBy: v.RefusedBy,
		}
		if v.Matches() {
			shown.Matched++
		}
	}
	return shown
}

package webhook

import (
	"context"
	"fmt"
	"strings"

	"github.com/harborhook/harborhook/src/hook"
)

// MaxPreview is the most events that a preview looks at.
const MaxPreview = 1000

// History returns what happened in a project.
type History interface {
	// RecentEvents returns the last events of a project, newest first.
	RecentEvents(ctx context.Context, projectID int64, limit int) ([]hook.Event, error)
}

// Previewer says what a policy would do before it is saved.
type Previewer struct {
	policies *Policies
	history  History
}

// NewPreviewer returns a Previewer.
func NewPreviewer(policies *Policies, history History) *Previewer {
	return &Previewer{policies: policies, history: history}
}

// Preview says of each of the last events of the draft's project, newest first,
// whether it would match the draft, of which only event types and filters count,
// and otherwise which rule refuses it. What is wrong with the draft is a
// hook.InvalidError.
func (p *Previewer) Preview(ctx context.Context, draft hook.Policy, last int) ([]hook.Verdict, error) {
	if last < 1 || last > MaxPreview {
		return nil, hook.Invalidf("last", "is %d; 1 to %d are possible", last, MaxPreview)
	}
	if err := p.policies.checkTypes(&draft); err != nil {
		return nil, err
	}
	m, err := compile(draft.Filters)
	if err != nil {
		return nil, err
	}
	events, err := p.history.RecentEvents(ctx, draft.ProjectID, last)
	if err != nil {
		return nil, fmt.Errorf("events of project %d: %w", draft.ProjectID, err)
	}
	c := compiled{policy: draft, types: draft.HookTypes, matcher: m}
	verdicts := make([]hook.Verdict, len(events))
	for i, e := range events {
		verdicts[i] = hook.Verdict{Event: e, RefusedBy: c.refusal(e)}
	}
	return verdicts, nil
}

// refusal names the rule that an event does not pass, the first that applies, or
// nothing: types, then filters of repositories, then those of tags. Whether there
// is one is decided as for a delivery.
func (c *compiled) refusal(e hook.Event) string {
	if _, ok := c.matches(e); ok {
		return ""
	}
	types := compiled{types: c.types, matcher: &matcher{}}
	if _, ok := types.matches(e); !ok {
		return "hook_types"
	}
	repositories := matcher{repositories: c.matcher.repositories}
	if _, ok := repositories.match(e); !ok {
		return places(c.matcher.repositories)
	}
	return places(c.matcher.tags)
}

// places names filters of one kind, none of which lets an event through.
func places(filters []nameFilter) string {
	names := make([]string, len(filters))
	for i, f := range filters {
		names[i] = fmt.Sprintf("filters[%d]", f.position)
	}
	return strings.Join(names, ", ")
}

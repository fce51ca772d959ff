package portal

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

type policiesView struct {
	Project string
	Query   string
	Sort    string
	Rows    []policyRow
	Any     bool
	Pager   pager
	Failed  *listProblem
	May     permissions
	// Address is the list's own, for links that change one thing of it.
	Address string
}

// permissions are what the reader may do to the project's webhooks.
type permissions struct{ Create, Update, Delete, Test, Change bool }

func (v *visit) permissions() (p permissions, err error) {
	for action, allowed := range map[*bool]func() (bool, error){
		&p.Create: func() (bool, error) { return v.Can(mayCreatePolicies) },
		&p.Update: func() (bool, error) { return v.Can(mayUpdatePolicies) },
		&p.Delete: func() (bool, error) { return v.Can(mayDeletePolicies) },
		&p.Test:   func() (bool, error) { return v.Can(mayTestPolicies) },
		&p.Change: func() (bool, error) { return v.Can(mayChangeDeliveries) },
	} {
		if *action, err = allowed(); err != nil {
			return p, err
		}
	}
	return p, nil
}

type policyRow struct {
	ID          int64
	Name        string
	Description string
	Enabled     bool
	Endpoint    string
	// More counts the targets after the first.
	More       int
	Kind       string
	Auth       bool
	Plain      bool
	Unverified bool
	Events     []string
	Filters    []filterText
	Last       time.Time
	LastText   string
	Outcomes   hook.Outcomes
}

// MoreEvents counts the events that do not fit beside the first two.
func (r policyRow) MoreEvents() int { return max(len(r.Events)-2, 0) }

type filterText struct{ Kind, Text string }

func showPolicies(v *visit) error {
	q := v.r.URL.Query()
	shown := policiesView{Project: v.project.Name, Query: strings.TrimSpace(q.Get("q")), Sort: q.Get("sort"), Address: v.webhooks("")}
	var err error
	if shown.May, err = v.permissions(); err != nil {
		return err
	}
	all, err := v.Policies.Policies(v.r.Context(), v.project.ID)
	if err == nil {
		shown.Any = len(all) > 0
		err = v.fillPolicies(&shown, all)
	}
	count := len(all)
	if err != nil {
		shown.Failed, count = v.listFailed(err), -1
	}
	tabs, err := v.tabs("policies", count)
	if err != nil {
		return err
	}
	v.show(http.StatusOK, "policies", v.t("Webhooks"), shown, v.in(), tabs)
	return nil
}

// fillPolicies makes the rows of those policies that the page shows. A project has
// few, so they are narrowed and ordered here.
func (v *visit) fillPolicies(shown *policiesView, all []hook.Policy) error {
	wanted := strings.ToLower(shown.Query)
	found := slices.DeleteFunc(slices.Clone(all), func(p hook.Policy) bool {
		return wanted != "" && !strings.Contains(strings.ToLower(p.Name), wanted) && !strings.Contains(strings.ToLower(endpoint(p, shown.May.Update)), wanted)
	})
	rows := make([]policyRow, len(found))
	for i, p := range found {
		rows[i] = v.policyRow(p, shown.May.Update)
	}
	if err := v.addTriggers(rows, found); err != nil {
		return err
	}
	sortPolicies(rows, shown.Sort)
	number, size := v.pageOf()
	from := min((number-1)*size, len(rows))
	shown.Rows = rows[from:min(from+size, len(rows))]
	shown.Pager = v.pager(number, size, len(shown.Rows), len(rows))
	return v.addOutcomes(shown.Rows)
}

// endpoint is the address as the list shows it: who may not change the policy does
// not see the values of the query, and nobody the path of a Slack webhook.
func endpoint(p hook.Policy, mayUpdate bool) string {
	if len(p.Targets) == 0 {
		return ""
	}
	t := p.Targets[0]
	if t.Type == hook.TargetSlack {
		return maskPath(t.Address)
	}
	if !mayUpdate {
		return hook.MaskTarget(t.Address)
	}
	return t.Address
}

// maskPath hides the end of a path that is as good as a password.
func maskPath(address string) string {
	u, err := url.Parse(hook.MaskTarget(address))
	if err != nil {
		return hook.Mask
	}
	parts := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	if len(parts) > 2 {
		parts = append(parts[:2], "…")
	} else {
		parts = []string{"…"}
	}
	return u.Scheme + "://" + u.Host + "/" + strings.Join(parts, "/")
}

func (v *visit) policyRow(p hook.Policy, mayUpdate bool) policyRow {
	row := policyRow{ID: p.ID, Name: p.Name, Description: p.Description, Enabled: p.Enabled, Endpoint: endpoint(p, mayUpdate), More: len(p.Targets) - 1}
	if len(p.Targets) > 0 {
		t := p.Targets[0]
		row.Kind = "HTTP · " + t.PayloadFormat
		if t.Type == hook.TargetSlack {
			row.Kind = "Slack"
		}
		row.Auth, row.Plain = t.AuthHeader != "", strings.HasPrefix(strings.ToLower(t.Address), "http://")
		row.Unverified = t.SkipCertVerify && !row.Plain
	}
	for _, name := range p.HookTypes {
		row.Events = append(row.Events, v.eventTitle(name))
	}
	for _, f := range p.Filters {
		row.Filters = append(row.Filters, v.filterText(f))
	}
	return row
}

func (v *visit) filterText(f hook.Filter) filterText {
	switch {
	case f.Kind == hook.FilterRepository && f.List == nil:
		return filterText{v.t("Repository"), f.Pattern}
	case f.Kind == hook.FilterRepository:
		return filterText{v.t("Repositories"), strings.Join(f.List, ", ")}
	case f.List == nil:
		return filterText{v.t("Tag"), f.Pattern}
	default:
		return filterText{v.t("Tags"), strings.Join(f.List, ", ")}
	}
}

// eventTitle is the event type's name for people.
func (v *visit) eventTitle(name hook.EventType) string {
	if t, ok := v.Catalog.Lookup(name); ok {
		return v.t(t.Title)
	}
	return string(name)
}

func (v *visit) addTriggers(rows []policyRow, policies []hook.Policy) error {
	var of []hook.Trigger
	for _, p := range policies {
		for _, t := range p.HookTypes {
			of = append(of, hook.Trigger{PolicyID: p.ID, HookType: t})
		}
	}
	last, err := v.Store.LastTriggers(v.r.Context(), of)
	if err != nil {
		return fmt.Errorf("look up last triggers: %w", err)
	}
	for i, p := range policies {
		for _, t := range p.HookTypes {
			if at := last[hook.Trigger{PolicyID: p.ID, HookType: t}]; at.After(rows[i].Last) {
				rows[i].Last = at
			}
		}
		rows[i].LastText = v.ago(rows[i].Last)
	}
	return nil
}

func (v *visit) addOutcomes(rows []policyRow) error {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	outcomes, err := v.Store.RecentOutcomes(v.r.Context(), v.project.ID, ids, since(v.Now(), spanDay))
	if err != nil {
		return fmt.Errorf("count the last deliveries: %w", err)
	}
	for i := range rows {
		rows[i].Outcomes = outcomes[rows[i].ID]
	}
	return nil
}

// sortPolicies orders by a column, with a minus before its name the other way round.
func sortPolicies(rows []policyRow, by string) {
	name, down := strings.CutPrefix(by, "-")
	slices.SortStableFunc(rows, func(a, b policyRow) int {
		d := 0
		switch name {
		case "status":
			d = cmp.Compare(strconv.FormatBool(b.Enabled), strconv.FormatBool(a.Enabled))
		case "last":
			d = a.Last.Compare(b.Last)
		}
		if d == 0 {
			d = cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
		}
		if down {
			return -d
		}
		return d
	})
}

// ago says how long ago something was.
func (v *visit) ago(at time.Time) string {
	if at.IsZero() {
		return v.t("never")
	}
	switch d := v.Now().Sub(at); {
	case d < time.Minute:
		return v.t("just now")
	case d < time.Hour:
		return v.t("%d min ago", int(d/time.Minute))
	case d < 24*time.Hour:
		return v.t("%d h ago", int(d/time.Hour))
	default:
		return v.words.N(int(d/(24*time.Hour)), "yesterday", "%d days ago")
	}
}

// policy looks up the policy in the path, in the project in the path.
func (v *visit) policy() (hook.Policy, error) {
	id, err := v.id("policy")
	if err != nil {
		return hook.Policy{}, err
	}
	p, err := v.Policies.Policy(v.r.Context(), v.project.ID, id)
	if err != nil {
		return hook.Policy{}, fmt.Errorf("read policy: %w", err)
	}
	return p, nil
}

func enablePolicy(v *visit) error  { return v.turn(true, "enabled") }
func disablePolicy(v *visit) error { return v.turn(false, "disabled") }

func (v *visit) turn(enabled bool, done string) error {
	p, err := v.policy()
	if err != nil {
		return err
	}
	seen := p.UpdateTime
	p.Enabled = enabled
	by := v.by(hook.AuditUpdate).Of(p.ID).With(p.Name)
	err = v.Policies.UpdatePolicy(v.r.Context(), &p, seen, by)
	if errors.Is(err, hook.ErrChanged) {
		return &pageError{http.StatusPreconditionFailed, "Not possible now", "Somebody changed the webhook at the same time. Go back and try again."}
	}
	if err != nil {
		return fmt.Errorf("update policy: %w", err)
	}
	v.did(by)
	return v.redirect(v.webhooks(""), "done", done, "n", strconv.FormatInt(p.ID, 10))
}

type deleteView struct {
	Project string
	ID      int64
	Name    string
	Waiting int
}

// confirmDelete says what happens to waiting deliveries and to the log.
func confirmDelete(v *visit) error {
	p, err := v.policy()
	if err != nil {
		return err
	}
	waiting := []hook.Status{hook.StatusPending, hook.StatusScheduled}
	_, total, err := v.Store.Jobs(v.r.Context(), v.project.ID, hook.JobFilter{PolicyID: p.ID, Statuses: waiting}, hook.JobPage{Limit: 1})
	if err != nil {
		return fmt.Errorf("count waiting jobs: %w", err)
	}
	shown := deleteView{v.project.Name, p.ID, p.Name, total}
	v.show(http.StatusOK, "delete", v.t("Delete webhook"), shown, v.in(crumb{v.t("Webhooks"), v.webhooks("")}, crumb{p.Name, v.webhooks("/" + strconv.FormatInt(p.ID, 10))}))
	return nil
}

func deletePolicy(v *visit) error {
	p, err := v.policy()
	if err != nil {
		return err
	}
	by := v.by(hook.AuditDelete).Of(p.ID).With(p.Name)
	if err := v.Policies.DeletePolicy(v.r.Context(), v.project.ID, p.ID, by); err != nil {
		return fmt.Errorf("delete policy: %w", err)
	}
	v.did(by)
	return v.redirect(v.webhooks(""), "done", "deleted")
}

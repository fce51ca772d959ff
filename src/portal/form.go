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

// draft is a policy as its form holds it: what was typed, valid or not.
type draft struct {
	ID          int64
	Name        string
	Description string
	Enabled     bool
	Type        string
	Format      string
	Template    string
	URL         string
	Auth        string
	DropAuth    bool
	Secret      string
	DropSecret  bool
	Verify      bool
	Events      []string
	// RepoMode and TagMode are all, regexp, list (tags only), or keep, for filters
	// that the form cannot show.
	RepoMode string
	Repo     string
	TagMode  string
	Tag      string
	Tags     string
	// Seen is the policy's update time when the form was made, in microseconds.
	Seen string
}

// The ways to filter.
const (
	filterAll    = "all"
	filterRegexp = "regexp"
	filterList   = "list"
	filterKeep   = "keep"
)

type formView struct {
	Project  string
	Draft    draft
	New      bool
	ReadOnly bool
	// Row is the policy as the list shows it, for who may only read it.
	Row       policyRow
	May       permissions
	HasAuth   bool
	HasSecret bool
	Kept      []filterText
	KeptRepo  bool
	KeptTag   bool
	More      int
	Types     []option
	Formats   []option
	Groups    []eventGroup
	Errors    formErrors
	// Changed, if set, says that somebody else saved the policy meanwhile, and who.
	Changed   string
	ChangedAt time.Time
	// Over is the update time of what saving the draft all the same would replace.
	Over    string
	Test    *testView
	Preview *previewView
	Address string
}

type eventGroup struct {
	Title  string
	Events []eventChoice
}

// Any says whether an event of the group is chosen.
func (g eventGroup) Any() bool {
	return slices.ContainsFunc(g.Events, func(e eventChoice) bool { return e.Checked })
}

type eventChoice struct {
	Value, Text string
	Checked     bool
}

func showNewPolicy(v *visit) error {
	d := draft{Enabled: true, Verify: true, Type: v.Formats.TargetTypes()[0], RepoMode: filterAll, TagMode: filterAll}
	d.Format = v.Formats.For(d.Type)[0]
	return v.form(http.StatusOK, hook.Policy{}, formView{Draft: d})
}

func showPolicy(v *visit) error {
	p, err := v.policy()
	if err != nil {
		return err
	}
	return v.form(http.StatusOK, p, formView{Draft: draftOf(p)})
}

// draftOf fills the form with a stored policy. Secrets are not in it.
func draftOf(p hook.Policy) draft {
	d := draft{
		ID: p.ID, Name: p.Name, Description: p.Description, Enabled: p.Enabled, RepoMode: filterAll, TagMode: filterAll,
		Seen: seenOf(p),
	}
	for _, t := range p.HookTypes {
		d.Events = append(d.Events, string(t))
	}
	if len(p.Targets) > 0 {
		t := p.Targets[0]
		d.Type, d.Format, d.Template, d.URL, d.Verify = t.Type, t.PayloadFormat, t.PayloadTemplate, t.Address, !t.SkipCertVerify
	}
	repositories, tags := ofKind(p.Filters, hook.FilterRepository), ofKind(p.Filters, hook.FilterTag)
	switch {
	case len(repositories) == 1 && repositories[0].List == nil:
		d.RepoMode, d.Repo = filterRegexp, repositories[0].Pattern
	case len(repositories) > 0:
		d.RepoMode = filterKeep
	}
	switch {
	case len(tags) == 1 && tags[0].List == nil:
		d.TagMode, d.Tag = filterRegexp, tags[0].Pattern
	case len(tags) == 1:
		d.TagMode, d.Tags = filterList, strings.Join(tags[0].List, "\n")
	case len(tags) > 0:
		d.TagMode = filterKeep
	}
	return d
}

func ofKind(filters []hook.Filter, kind string) []hook.Filter {
	var found []hook.Filter
	for _, f := range filters {
		if f.Kind == kind {
			found = append(found, f)
		}
	}
	return found
}

// form shows the form over the stored policy, which is empty for a new one.
func (v *visit) form(status int, stored hook.Policy, shown formView) error {
	var err error
	if shown.May, err = v.permissions(); err != nil {
		return err
	}
	d := &shown.Draft
	shown.Project, shown.New, shown.Address = v.project.Name, stored.ID == 0, v.webhooks("")
	shown.ReadOnly = !shown.New && !shown.May.Update
	shown.More = len(stored.Targets) - 1
	if len(stored.Targets) > 0 {
		shown.HasAuth = stored.Targets[0].AuthHeader != ""
	}
	shown.HasSecret = stored.Secret != ""
	kept := draftOf(stored)
	shown.KeptRepo, shown.KeptTag = kept.RepoMode == filterKeep, kept.TagMode == filterKeep
	for _, f := range stored.Filters {
		shown.Kept = append(shown.Kept, v.filterText(f))
	}
	if shown.ReadOnly {
		shown.Row = v.policyRow(stored, false)
		return v.readOnly(stored.Name, shown)
	}
	shown.Types, shown.Formats = optionsOf(v.Formats.TargetTypes()), v.formats()
	shown.Groups = v.groups(d.Events)
	title, crumbs := v.t("New webhook"), []crumb{{v.t("Webhooks"), v.webhooks("")}, {v.t("New webhook"), ""}}
	if !shown.New {
		title, crumbs[1] = v.t("Edit webhook"), crumb{stored.Name, ""}
	}
	v.show(status, "form", title, shown, v.in(crumbs...))
	return nil
}

// readOnly shows the policy as text to who may not change it.
func (v *visit) readOnly(name string, shown formView) error {
	shown.Groups = v.groups(shown.Draft.Events)
	v.show(http.StatusOK, "policy", v.t("Webhook"), shown, v.in(crumb{v.t("Webhooks"), v.webhooks("")}, crumb{name, ""}))
	return nil
}

// formats are those of HTTP targets: Slack's target has one of its own.
func (v *visit) formats() []option { return optionsOf(v.Formats.For(hook.TargetHTTP)) }

func (v *visit) groups(chosen []string) []eventGroup {
	var groups []eventGroup
	for _, t := range v.Catalog.Types() {
		i := slices.IndexFunc(groups, func(g eventGroup) bool { return g.Title == v.t(t.Group) })
		if i < 0 {
			i = len(groups)
			groups = append(groups, eventGroup{Title: v.t(t.Group)})
		}
		groups[i].Events = append(groups[i].Events, eventChoice{string(t.Name), v.t(t.Title), slices.Contains(chosen, string(t.Name))})
	}
	return groups
}

// readDraft reads what was typed.
func readDraft(form url.Values) draft {
	d := draft{
		Name: strings.TrimSpace(form.Get("name")), Description: strings.ReplaceAll(form.Get("description"), "\r\n", "\n"),
		Enabled: form.Get("enabled") != "", Type: form.Get("type"), Format: form.Get("format"),
		Template: strings.ReplaceAll(form.Get("template"), "\r\n", "\n"), URL: strings.TrimSpace(form.Get("url")),
		Auth: form.Get("auth"), DropAuth: form.Get("drop-auth") != "", Secret: form.Get("secret"), DropSecret: form.Get("drop-secret") != "",
		Verify: form.Get("verify") != "", Events: form["event"], RepoMode: form.Get("repo-mode"), Repo: form.Get("repo"),
		TagMode: form.Get("tag-mode"), Tag: form.Get("tag"), Tags: form.Get("tags"), Seen: form.Get("seen"),
	}
	d.ID, _ = strconv.ParseInt(form.Get("id"), 10, 64)
	return d
}

// over returns the stored policy as the draft leaves it, and what is wrong with
// what only a form can get wrong. Whether the policy is valid the service says.
func (v *visit) over(stored hook.Policy, d draft) (hook.Policy, formErrors) {
	var wrong formErrors
	p := stored
	p.Name, p.Description, p.Enabled = d.Name, d.Description, d.Enabled
	p.HookTypes = nil
	for _, name := range d.Events {
		p.HookTypes = append(p.HookTypes, hook.EventType(name))
	}
	p.Filters = filtersOver(stored.Filters, d)
	p.Targets = slices.Clone(stored.Targets)
	if len(p.Targets) == 0 {
		p.Targets = make([]hook.Target, 1)
	}
	t := &p.Targets[0]
	t.Type, t.Address, t.SkipCertVerify = d.Type, d.URL, !d.Verify
	t.PayloadFormat, t.PayloadTemplate = d.Format, ""
	if d.Type != hook.TargetHTTP {
		t.PayloadFormat = v.Formats.For(d.Type)[:1:1][0]
	} else if d.Format == "Custom" {
		t.PayloadTemplate = d.Template
	}
	if !keep(&t.AuthHeader, d.Auth, d.DropAuth || d.Type != hook.TargetHTTP) && t.AuthHeader != "" && !hook.SameOrigin(t.Address, stored.Targets[:1]) && hook.ValidateTarget(t.Address) == nil {
		wrong.add("auth_header", v.fault(hook.SecretStays))
	}
	if !keep(&p.Secret, d.Secret, d.DropSecret) {
		if p.Secret != "" && !hook.SameOrigin(t.Address, stored.Targets) && hook.ValidateTarget(t.Address) == nil {
			wrong.add("secret", v.fault(hook.SecretStays))
		}
	} else {
		p.OldSecret, p.OldSecretUntil = "", time.Time{}
	}
	return p, wrong
}

// keep writes a secret that was typed over the stored one, or drops that, and says
// whether it did either.
func keep(secret *string, typed string, drop bool) bool {
	switch {
	case typed != "":
		*secret = typed
	case drop:
		*secret = ""
	default:
		return false
	}
	return true
}

func filtersOver(stored []hook.Filter, d draft) []hook.Filter {
	var filters []hook.Filter
	switch d.RepoMode {
	case filterRegexp:
		filters = append(filters, hook.Filter{Kind: hook.FilterRepository, Pattern: d.Repo})
	case filterKeep:
		filters = append(filters, ofKind(stored, hook.FilterRepository)...)
	}
	switch d.TagMode {
	case filterRegexp:
		filters = append(filters, hook.Filter{Kind: hook.FilterTag, Pattern: d.Tag})
	case filterList:
		filters = append(filters, hook.Filter{Kind: hook.FilterTag, List: lines(d.Tags)})
	case filterKeep:
		filters = append(filters, ofKind(stored, hook.FilterTag)...)
	}
	return filters
}

// lines returns the lines of a text that are not blank.
func lines(text string) []string {
	found := []string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			found = append(found, line)
		}
	}
	return found
}

// drafted reads the form and the policy that it changes, if it names one.
func (v *visit) drafted(id int64) (d draft, stored, p hook.Policy, wrong formErrors, err error) {
	d = readDraft(v.r.PostForm)
	d.ID = id
	stored = hook.Policy{ProjectID: v.project.ID, Creator: v.who.Name()}
	if id != 0 {
		if stored, err = v.Policies.Policy(v.r.Context(), v.project.ID, id); err != nil {
			return d, stored, p, nil, fmt.Errorf("read policy: %w", err)
		}
	}
	if !slices.Contains(v.Formats.TargetTypes(), d.Type) {
		return d, stored, p, nil, errBadForm
	}
	p, wrong = v.over(stored, d)
	return d, stored, p, wrong, nil
}

// savePolicy creates or changes a policy. What is wrong shows beside its field,
// with what was typed.
func savePolicy(v *visit) error {
	var id int64
	if v.r.PathValue("policy") != "" {
		var err error
		if id, err = v.id("policy"); err != nil {
			return err
		}
	}
	d, stored, p, wrong, err := v.drafted(id)
	if err != nil {
		return err
	}
	if err := v.Policies.Check(&p); err != nil {
		if wrong, err = v.addWrong(wrong, err, d); err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return v.form(http.StatusUnprocessableEntity, stored, formView{Draft: d, Errors: wrong})
	}
	by, done := v.by(hook.AuditUpdate).Of(p.ID).With(p.Name), "saved"
	if id == 0 {
		by, done = v.by(hook.AuditCreate).With(p.Name), "created"
		err = v.Policies.CreatePolicy(v.r.Context(), &p, by)
	} else {
		err = v.Policies.UpdatePolicy(v.r.Context(), &p, seen(cmp.Or(v.r.PostForm.Get("over"), d.Seen)), by)
	}
	switch {
	case errors.Is(err, hook.ErrChanged):
		return v.changed(d)
	case errors.Is(err, hook.ErrConflict):
		wrong.add("name", v.t("A webhook with this name exists."))
	case err != nil:
		if wrong, err = v.addWrong(wrong, err, d); err != nil {
			return fmt.Errorf("save policy: %w", err)
		}
	}
	if len(wrong) > 0 {
		return v.form(http.StatusUnprocessableEntity, stored, formView{Draft: d, Errors: wrong})
	}
	v.did(by)
	return v.redirect(v.webhooks(""), "done", done)
}

func seen(text string) time.Time {
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.UnixMicro(1) // what was never seen was changed
	}
	return time.UnixMicro(us).UTC()
}

// changed shows the form again with what was typed, and says that somebody else saved
// the policy meanwhile: the reader may load that, or save the draft over it.
func (v *visit) changed(d draft) error {
	now, err := v.Policies.Policy(v.r.Context(), v.project.ID, d.ID)
	if err != nil {
		return fmt.Errorf("read the policy that was changed: %w", err)
	}
	shown := formView{Draft: d, Changed: v.changedBy(now), ChangedAt: now.UpdateTime, Over: seenOf(now)}
	return v.form(http.StatusPreconditionFailed, now, shown)
}

// lastChanges is how many of the last things that people did are looked through for
// who changed a policy.
const lastChanges = 100

// changedBy says who changed a policy last.
func (v *visit) changedBy(p hook.Policy) string {
	entries, _, err := v.Store.Audit(v.r.Context(), v.project.ID, hook.JobPage{Limit: lastChanges})
	if err == nil {
		for _, e := range entries {
			if e.PolicyID == p.ID && e.Action == hook.AuditUpdate {
				return v.t("Changed by %s.", e.Actor)
			}
		}
	}
	return v.t("Changed by somebody else.")
}

// seenOf is what a form remembers of the policy that it was made of.
func seenOf(p hook.Policy) string { return strconv.FormatInt(p.UpdateTime.UnixMicro(), 10) }

// addWrong puts what the service says of a policy beside the form's field. Other
// errors come back.
func (v *visit) addWrong(wrong formErrors, err error, d draft) (formErrors, error) {
	var invalid *hook.InvalidError
	if !errors.As(err, &invalid) {
		return wrong, err
	}
	field, text := fieldOf(invalid.Field, d), v.sentence(invalid.Message)
	switch {
	case invalid.Field == "":
		text = v.says(invalid.Message)
	case field == "event" && len(d.Events) == 0:
		text = v.t("Choose at least one.")
	case field == "edit_endpoint_url" && !strings.HasPrefix(strings.ToLower(d.URL), "http://") && !strings.HasPrefix(strings.ToLower(d.URL), "https://"):
		text = v.t("The URL has to begin with https:// or http://.")
	case invalid.Message.Format == hook.NotOpened:
		text = v.t("This address is not allowed by the administrator.")
	case field == "name" && d.Name == "":
		text = v.t("Give the webhook a name.")
	}
	wrong.add(field, text)
	return wrong, nil
}

// fieldOf returns the id of the form's field that a field of the policy is typed in.
func fieldOf(field string, d draft) string {
	switch field {
	case "name", "description", "secret", "auth_header":
		return field
	case "target":
		return "edit_endpoint_url"
	case "hook_types":
		return "event"
	case "payload_template":
		return "template"
	case "payload_format":
		return "payload-format"
	case "type":
		return "type"
	}
	if position, ok := strings.CutPrefix(field, "filters["); ok {
		n, _, _ := strings.Cut(position, "]")
		filters := filtersOver(nil, d)
		if i, err := strconv.Atoi(n); err == nil && i < len(filters) && filters[i].Kind == hook.FilterRepository {
			return "repo"
		}
		if d.TagMode == filterList {
			return "tags"
		}
		return "tag"
	}
	return "webhook-form"
}

package portal

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// search is what the list of deliveries is narrowed by, as it was typed.
type search struct {
	Text, Policy, Event, Status, Repository, Tag, Span, From, To string
}

// The spans of time that can be chosen.
const (
	spanHour   = "1h"
	spanDay    = "24h"
	spanWeek   = "7d"
	spanCustom = "custom"
	spanAll    = "all"
)

func readSearch(q url.Values) search {
	text := func(name string) string { return strings.TrimSpace(q.Get(name)) }
	s := search{
		Text: text("text"), Policy: text("policy"), Event: text("event"), Status: text("status"),
		Repository: text("repository"), Tag: text("tag"), Span: text("span"), From: text("from"), To: text("to"),
	}
	switch s.Span {
	case spanHour, spanDay, spanWeek, spanCustom, spanAll:
	default:
		s.Span = spanDay
		if s.From != "" || s.To != "" {
			s.Span = spanCustom
		}
	}
	return s
}

// values returns the search as a query, without what is usual.
func (s search) values() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"text": s.Text, "policy": s.Policy, "event": s.Event, "status": s.Status, "repository": s.Repository, "tag": s.Tag,
		"span": s.Span, "from": s.From, "to": s.To,
	} {
		if value != "" && (name != "span" || value != spanDay) {
			q.Set(name, value)
		}
	}
	return q
}

// filter returns the jobs that are meant, and what is wrong with the search.
func (v *visit) filter(s search) (hook.JobFilter, formErrors) {
	var wrong formErrors
	f := hook.JobFilter{Text: s.Text, Repository: strings.TrimPrefix(s.Repository, v.project.Name+"/"), Tag: s.Tag}
	if s.Policy != "" {
		id, err := strconv.ParseInt(s.Policy, 10, 64)
		if err != nil || id < 1 {
			wrong.add("policy", v.t("There is no such webhook."))
		}
		f.PolicyID = id
	}
	if s.Event != "" {
		f.HookTypes = []hook.EventType{hook.EventType(s.Event)}
	}
	if s.Status != "" {
		f.Statuses = []hook.Status{hook.Status(s.Status)}
	}
	switch now := v.Now(); s.Span {
	case spanHour, spanDay, spanWeek:
		f.Since = since(now, s.Span)
	case spanCustom:
		f.Since, f.Until = v.typedTime("from", s.From, &wrong), v.typedTime("to", s.To, &wrong)
	}
	return f, wrong
}

// since is when a span begins that ends now. It begins with a column of the chart, so
// that no column is cut, and so that whole hours can be counted at once.
func since(now time.Time, span string) time.Time {
	switch span {
	case spanHour:
		return now.Add(-time.Hour).Truncate(5 * time.Minute)
	case spanDay:
		return now.Add(-24 * time.Hour).Truncate(time.Hour)
	default:
		return now.Add(-7 * 24 * time.Hour).Truncate(time.Hour)
	}
}

// typedTime reads a time, which is UTC unless it says otherwise.
func (v *visit) typedTime(field, text string, wrong *formErrors) time.Time {
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	wrong.add(field, v.t("Write a time such as 2026-11-24T14:05."))
	return time.Time{}
}

type deliveriesView struct {
	Project  string
	Address  string
	Search   search
	Errors   formErrors
	Policies []option
	Events   []option
	Statuses []option
	Spans    []option
	Rows     []deliveryRow
	Total    int
	FailedN  int
	CountedN bool
	// Narrowed says that the search is not the usual one.
	Narrowed bool
	Pager    pager
	Failed   *listProblem
	Chart    *chart
	Pane     *pane
	// Unfinished says that a delivery that is shown will change.
	Unfinished bool
	Live       bool
	MayChange  bool
	// Query is the search, to come back to.
	Query string
}

// Every is after how many seconds the page asks for news: sooner while a delivery that
// it shows will change.
func (d deliveriesView) Every() int {
	if d.Unfinished {
		return 5
	}
	return 10
}

type deliveryRow struct {
	ID      int64
	Status  statusText
	At      time.Time
	Tries   string
	Event   string
	About   string
	Policy  string
	Deleted bool
	HTTP    string
	Open    bool
	Path    string
}

// statusText is a status in words, with its icon and colour.
type statusText struct {
	Text, Icon, Class string
}

func (v *visit) statusText(j hook.Job) statusText {
	switch j.Status {
	case hook.StatusPending:
		return statusText{v.t("Pending"), "clock", "run"}
	case hook.StatusRunning:
		return statusText{v.t("Running"), "run", "run"}
	case hook.StatusScheduled:
		if j.Attempts == 0 {
			return statusText{v.t("Waiting"), "clock", "run"}
		}
		return statusText{v.t("Retrying"), "clock", "run"}
	case hook.StatusFinished:
		return statusText{v.t("Succeeded"), "ok", "ok"}
	case hook.StatusError:
		return statusText{v.t("Failed"), "bad", "bad"}
	default:
		return statusText{v.t("Stopped"), "off", "off"}
	}
}

// maxAttempts is how often a delivery is tried.
const maxAttempts = 4

func (v *visit) tries(j hook.Job) string {
	switch {
	case j.Status == hook.StatusStopped:
		return v.words.Told(j.StatusMessage)
	case j.Status.Final():
		return v.words.N(j.Attempts, "1 attempt", "%d attempts")
	case j.Status == hook.StatusRunning, j.Status == hook.StatusScheduled && j.Attempts > 0:
		return v.t("attempt %d of %d", min(j.Attempts+1, maxAttempts), maxAttempts)
	default:
		return ""
	}
}

// about is what the delivery tells of: repository and tag.
func about(j hook.Job) string {
	switch {
	case j.Repository == "":
		return ""
	case j.Tag != "":
		return j.Repository + ":" + j.Tag
	case j.Digest != "":
		return j.Repository + "@" + j.Digest[:min(len(j.Digest), 19)]
	default:
		return j.Repository
	}
}

func httpText(status int) string {
	if status == 0 {
		return "—"
	}
	return strconv.Itoa(status)
}

func showDeliveries(v *visit) error {
	q := v.r.URL.Query()
	shown := deliveriesView{Project: v.project.Name, Address: v.webhooks("/deliveries"), Search: readSearch(q)}
	var err error
	if shown.MayChange, err = v.Can(mayChangeDeliveries); err != nil {
		return err
	}
	f, wrong := v.filter(shown.Search)
	shown.Errors, shown.Query = wrong, shown.Search.values().Encode()
	shown.Narrowed = shown.Query != ""
	policies, err := v.Policies.Policies(v.r.Context(), v.project.ID)
	if err == nil && len(wrong) == 0 {
		err = v.fillDeliveries(&shown, f, policies)
	}
	if err != nil {
		shown.Failed = v.listFailed(err)
	}
	v.fillChoices(&shown, policies)
	if shown.Failed == nil {
		if err := v.openPane(&shown, q); err != nil {
			return err
		}
	}
	tabs, err := v.tabs("deliveries", len(policies))
	if err != nil {
		return err
	}
	status := http.StatusOK
	if len(wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	v.show(status, "deliveries", v.t("Webhooks"), shown, v.in(), tabs)
	return nil
}

func (v *visit) fillDeliveries(shown *deliveriesView, f hook.JobFilter, policies []hook.Policy) error {
	number, size := v.pageOf()
	jobs, total, err := v.Store.Jobs(v.r.Context(), v.project.ID, f, hook.JobPage{Offset: (number - 1) * size, Limit: size})
	if err != nil {
		return fmt.Errorf("list jobs: %w", err)
	}
	shown.Total, shown.Pager, shown.Live = total, v.pager(number, size, len(jobs), total), number == 1
	open := v.r.URL.Query().Get("open")
	for _, j := range jobs {
		row := v.deliveryRow(j, policies)
		row.Open = open == strconv.FormatInt(j.ID, 10)
		row.Path = shown.link("open", strconv.FormatInt(j.ID, 10), v)
		shown.Rows = append(shown.Rows, row)
		shown.Unfinished = shown.Unfinished || !j.Status.Final()
	}
	return v.fillSummary(shown, f)
}

// fillSummary counts the failed ones, and draws the chart for searches whose cost
// is bounded: text is looked for in bodies.
func (v *visit) fillSummary(shown *deliveriesView, f hook.JobFilter) error {
	if f.Text != "" || shown.Search.Span == spanAll || f.Since.IsZero() {
		return nil
	}
	c, err := v.chart(f)
	if err != nil {
		return err
	}
	shown.Chart = c
	shown.FailedN, shown.CountedN = c.Failed, !c.Estimated
	return nil
}

// link returns the address of the list with one thing changed.
func (d *deliveriesView) link(name, value string, v *visit) string {
	q := d.Search.values()
	for _, keep := range []string{"page", "page_size"} {
		if kept := v.r.URL.Query().Get(keep); kept != "" {
			q.Set(keep, kept)
		}
	}
	q.Set(name, value)
	return d.Address + "?" + q.Encode()
}

func (v *visit) deliveryRow(j hook.Job, policies []hook.Policy) deliveryRow {
	name, exists := policyName(j, policies)
	return deliveryRow{
		ID: j.ID, Status: v.statusText(j), At: j.CreationTime, Tries: v.tries(j), Event: v.eventTitle(j.HookType),
		About: about(j), Policy: name, Deleted: !exists, HTTP: httpText(j.HTTPStatus),
	}
}

// policyName returns the policy's name of today, or the one it had, and whether it exists.
func policyName(j hook.Job, policies []hook.Policy) (string, bool) {
	for _, p := range policies {
		if p.ID == j.PolicyID {
			return p.Name, true
		}
	}
	return j.PolicyName, false
}

func (v *visit) fillChoices(shown *deliveriesView, policies []hook.Policy) {
	for _, p := range policies {
		shown.Policies = append(shown.Policies, option{strconv.FormatInt(p.ID, 10), p.Name})
	}
	for _, t := range v.Catalog.Types() {
		shown.Events = append(shown.Events, option{string(t.Name), v.t(t.Title)})
	}
	for _, s := range hook.Statuses() {
		shown.Statuses = append(shown.Statuses, option{string(s), v.statusText(hook.Job{Status: s, Attempts: 1}).Text})
	}
	shown.Spans = []option{
		{spanHour, v.t("Last hour")}, {spanDay, v.t("Last 24 hours")}, {spanWeek, v.t("Last 7 days")}, {spanAll, v.t("Any time")}, {spanCustom, v.t("From – to")},
	}
}

func (v *visit) openPane(shown *deliveriesView, q url.Values) error {
	id, _ := strconv.ParseInt(q.Get("open"), 10, 64)
	if id < 1 {
		return nil
	}
	var err error
	shown.Pane, err = v.pane(id, shown.link("x", "", v))
	if err != nil {
		return err
	}
	shown.Pane.Query = shown.Query
	shown.Unfinished = shown.Unfinished || !shown.Pane.Final
	return nil
}

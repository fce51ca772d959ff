package portal

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// maxTestBody is how much of the endpoint's answer to a test is shown, in bytes.
const maxTestBody = 1 << 10

// testView is what a test found out.
type testView struct {
	OK     bool
	Status string
	Took   time.Duration
	Body   string
	// Error is why there was no test.
	Error string
}

// testDraft sends a sample event with the values of a form. Nothing is saved.
func testDraft(v *visit) error {
	d, stored, p, wrong, err := v.drafted(formID(v))
	if err != nil {
		return err
	}
	if p.Name == "" {
		p.Name = "test"
	}
	if len(p.HookTypes) == 0 {
		p.HookTypes = []hook.EventType{v.Catalog.Types()[0].Name}
	}
	if err := v.Policies.Check(&p); err != nil {
		if wrong, err = v.addWrong(wrong, err, d); err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return v.form(http.StatusUnprocessableEntity, stored, formView{Draft: d, Errors: wrong, Test: &testView{Error: v.t("Correct the form first.")}})
	}
	shown, err := v.test(p)
	if err != nil {
		return err
	}
	return v.form(http.StatusOK, stored, formView{Draft: d, Test: &shown})
}

func formID(v *visit) int64 {
	id, _ := strconv.ParseInt(v.r.PostForm.Get("id"), 10, 64)
	return max(id, 0)
}

func (v *visit) test(p hook.Policy) (testView, error) {
	if wait := v.TestLimit.Take(v.project.ID); wait > 0 {
		seconds := int(math.Ceil(wait.Seconds()))
		return testView{Error: v.t("Too many tests in a minute. Try again in %d s.", seconds)}, nil
	}
	attempt, err := v.Tester.Test(v.r.Context(), v.project, p, v.who.Name())
	if err != nil {
		return testView{}, fmt.Errorf("test policy: %w", err)
	}
	v.tried(v.by(hook.AuditTest).Of(p.ID).With(hook.MaskTarget(p.Targets[0].Address) + ": " + string(attempt.Result)))
	shown := testView{OK: attempt.Result == hook.ResultOK, Status: v.resultWords(attempt.Result), Took: attempt.Duration}
	if r := attempt.Response; r != nil {
		shown.Status = statusLine(r.Status)
		shown.Body = strings.ToValidUTF8(r.Body[:min(len(r.Body), maxTestBody)], "")
	}
	return shown, nil
}

// statusLine is a status code with its usual words.
func statusLine(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// resultWords says in words how an attempt without an answer ended. Refused,
// timed out and unreachable are one to who tests, so that nobody can look around
// in the network with it.
func (v *visit) resultWords(r hook.Result) string {
	switch r {
	case hook.ResultBlocked:
		return v.t("This address is not allowed by the administrator.")
	case hook.ResultTLSError:
		return v.t("The certificate was not accepted.")
	case hook.ResultTimeout, hook.ResultConnectFailed, hook.ResultDNSError, hook.ResultReset:
		return v.t("The endpoint could not be reached.")
	case hook.ResultInvalidResponse:
		return v.t("The answer was no HTTP.")
	default:
		return v.t("The request could not be sent.")
	}
}

// testPolicy sends a sample event by a saved policy, and tells in the list.
func testPolicy(v *visit) error {
	p, err := v.policy()
	if err != nil {
		return err
	}
	shown, err := v.test(p)
	if err != nil {
		return err
	}
	if shown.Error != "" {
		return &pageError{http.StatusTooManyRequests, "Too many tests", shown.Error}
	}
	result, status := "failed", 0
	if shown.OK {
		result = "ok"
	}
	if code, _, _ := strings.Cut(shown.Status, " "); len(code) == 3 {
		status, _ = strconv.Atoi(code)
	}
	return v.redirect(v.webhooks(""), "done", "tested", "result", result, "n", strconv.Itoa(status))
}

func (v *visit) tested(result string, status int) *notice {
	kind, text := "bad", v.t("The test event could not be delivered.")
	if result == "ok" {
		kind, text = "ok", v.t("The test event was delivered.")
	}
	if status >= 100 && status < 600 {
		text += " " + v.t("The endpoint answered %s.", statusLine(status))
	}
	return &notice{Kind: kind, Text: text}
}

// previewed is how many events a preview looks at.
const previewed = 20

type previewView struct {
	Total, Matched int
	Events         []previewedEvent
	Error          string
}

type previewedEvent struct {
	Match   bool
	Name    string
	Event   string
	Refused string
}

// previewDraft tries the filter of a form on the last events of the project.
func previewDraft(v *visit) error {
	d, stored, p, wrong, err := v.drafted(formID(v))
	if err != nil {
		return err
	}
	_ = wrong // secrets do not matter to a preview
	verdicts, err := v.Previewer.Preview(v.r.Context(), hook.Policy{ProjectID: v.project.ID, HookTypes: p.HookTypes, Filters: p.Filters}, previewed)
	var invalid *hook.InvalidError
	if errors.As(err, &invalid) {
		wrong, _ := v.addWrong(nil, err, d)
		return v.form(http.StatusUnprocessableEntity, stored, formView{Draft: d, Errors: wrong, Preview: &previewView{Error: v.t("Correct the form first.")}})
	}
	if err != nil {
		return fmt.Errorf("preview a policy: %w", err)
	}
	shown := &previewView{Total: len(verdicts)}
	for _, verdict := range verdicts {
		shown.Events = append(shown.Events, v.previewedEvent(verdict, p.Filters))
		if verdict.Matches() {
			shown.Matched++
		}
	}
	return v.form(http.StatusOK, stored, formView{Draft: d, Preview: shown})
}

func (v *visit) previewedEvent(verdict hook.Verdict, filters []hook.Filter) previewedEvent {
	e := verdict.Event
	shown := previewedEvent{Match: verdict.Matches(), Event: v.eventTitle(e.Type), Name: e.Repository}
	var tags []string
	for _, r := range e.Resources {
		if r.Tag != "" {
			tags = append(tags, r.Tag)
		}
	}
	if len(tags) > 0 {
		shown.Name += ":" + strings.Join(tags, ", ")
	}
	if shown.Name == "" {
		shown.Name = e.Project
	}
	switch {
	case verdict.Matches():
	case verdict.RefusedBy == "hook_types":
		shown.Refused = v.t("event")
	default:
		shown.Refused = v.t("tag")
		position := strings.TrimPrefix(strings.SplitN(verdict.RefusedBy, "]", 2)[0], "filters[")
		if i, err := strconv.Atoi(position); err == nil && i < len(filters) && filters[i].Kind == hook.FilterRepository {
			shown.Refused = v.t("repository")
		}
	}
	return shown
}

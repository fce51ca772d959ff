package portal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/harborhook/harborhook/src/hook"
)

// pane is one delivery, opened.
type pane struct {
	Project string
	ID      int64
	Status  statusText
	Event   string
	About   string
	Policy  string
	// PolicyPath is empty if the policy is gone.
	PolicyPath string
	EventID    string
	OccurredAt time.Time
	Operator   string
	Final      bool
	Finished   time.Time
	Span       time.Duration
	Tries      int
	NextAt     time.Time
	Message    string
	Original   int64
	Steps      []step
	Chosen     *attemptView
	Raw        bool
	// Close leads back to the list, Path is this delivery in the same place.
	Close, Path string
	RawPath     string
	Query       string
	MayChange   bool
	MayStop     bool
	// Refused says why the delivery cannot be sent again now.
	Refused   string
	Confirm   bool
	Alone     bool
	Redeliver string
	Stop      string
}

type step struct {
	Number  int
	Status  statusText
	At      time.Time
	Outcome string
	Path    string
	Current bool
}

type attemptView struct {
	Number    int
	URL       string
	Method    string
	Headers   []header
	Body      template.HTML
	BodyText  string
	Truncated bool
	Curl      string
	// Status is the status line, or the error in words.
	Status   string
	OK       bool
	Answered bool
	Error    string
	Took     time.Duration
	Response []header
	Answer   string
	Cut      bool
	Remote   string
}

type header struct{ Name, Value string }

// pane reads a delivery; list is the address to close it to.
func (v *visit) pane(id int64, list string) (*pane, error) {
	j, err := v.Store.Job(v.r.Context(), v.project.ID, id)
	if err != nil {
		return nil, fmt.Errorf("read job: %w", err)
	}
	attempts, err := v.Store.Attempts(v.r.Context(), j.ID)
	if err != nil {
		return nil, fmt.Errorf("read attempts of job %d: %w", j.ID, err)
	}
	p := &pane{
		Project: v.project.Name, ID: j.ID, Status: v.statusText(j), Event: v.eventTitle(j.HookType), About: about(j),
		EventID: j.EventID, Final: j.Status.Final(), Tries: j.Attempts, Message: v.words.Told(j.StatusMessage), Original: j.RedeliveryOf,
		Raw: v.r.URL.Query().Get("body") == "raw", MayStop: j.Status == hook.StatusPending || j.Status == hook.StatusScheduled,
		Confirm: j.Status == hook.StatusFinished,
	}
	p.Redeliver, p.Stop = v.webhooks("/deliveries/"+strconv.FormatInt(id, 10)+"/redeliver"), v.webhooks("/deliveries/"+strconv.FormatInt(id, 10)+"/stop")
	if p.Final {
		p.Finished, p.Span = j.UpdateTime, j.UpdateTime.Sub(j.CreationTime)
	} else {
		p.NextAt = j.NextAt
	}
	if p.MayChange, err = v.Can(mayChangeDeliveries); err != nil {
		return nil, err
	}
	if err := v.fillEvent(p, j); err != nil {
		return nil, err
	}
	if err := v.fillPolicy(p, j); err != nil {
		return nil, err
	}
	v.paths(p, list)
	v.fillAttempts(p, j, attempts)
	return p, nil
}

// paths makes the links of the pane, which keep the list beside it as it is.
func (v *visit) paths(p *pane, list string) {
	u, err := url.Parse(list)
	if err != nil {
		u = &url.URL{Path: v.webhooks("/deliveries")}
	}
	q := u.Query()
	q.Del("x")
	p.Close = address(u.Path, q)
	q.Set("open", strconv.FormatInt(p.ID, 10))
	p.Path = address(u.Path, q)
}

func address(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// fillEvent tells of the event; one that was purged leaves its id only.
func (v *visit) fillEvent(p *pane, j hook.Job) error {
	e, err := v.Store.EventOf(v.r.Context(), v.project.ID, j.EventID)
	if errors.Is(err, hook.ErrNotFound) {
		p.OccurredAt = j.CreationTime
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the event of job %d: %w", j.ID, err)
	}
	p.OccurredAt, p.Operator = e.OccurredAt, e.Operator
	return nil
}

func (v *visit) fillPolicy(p *pane, j hook.Job) error {
	p.Policy = j.PolicyName
	policy, err := v.Policies.Policy(v.r.Context(), v.project.ID, j.PolicyID)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		p.Refused = v.t("The webhook was deleted.")
	case err != nil:
		return fmt.Errorf("read the policy of job %d: %w", j.ID, err)
	default:
		p.Policy, p.PolicyPath = policy.Name, v.webhooks("/"+strconv.FormatInt(policy.ID, 10))
		if !policy.Enabled {
			p.Refused = v.t("The webhook is deactivated.")
		}
	}
	if j.Status == hook.StatusRunning {
		p.Refused = v.t("An attempt is under way.")
	}
	return nil
}

func (v *visit) fillAttempts(p *pane, j hook.Job, attempts []hook.Attempt) {
	chosen := len(attempts) - 1
	for i, a := range attempts {
		if v.r.URL.Query().Get("attempt") == strconv.Itoa(a.Number) {
			chosen = i
		}
	}
	for i, a := range attempts {
		s := step{Number: a.Number, At: a.StartedAt, Outcome: v.outcome(a), Current: i == chosen, Path: with(p.Path, "attempt", strconv.Itoa(a.Number))}
		s.Status = statusText{v.t("Failed"), "bad", "bad"}
		if a.Result == hook.ResultOK {
			s.Status = statusText{v.t("Succeeded"), "ok", "ok"}
		}
		p.Steps = append(p.Steps, s)
	}
	p.RawPath = with(p.Path, "body", "raw")
	if p.Raw {
		p.RawPath = p.Path
	}
	if chosen >= 0 {
		p.RawPath = with(p.RawPath, "attempt", strconv.Itoa(attempts[chosen].Number))
		p.Chosen = v.attemptView(j, attempts[chosen], p.Raw)
	}
}

func with(path, name, value string) string {
	joint := "?"
	if strings.Contains(path, "?") {
		joint = "&"
	}
	return path + joint + name + "=" + url.QueryEscape(value)
}

// outcome is the status code of an attempt, or its error in a word.
func (v *visit) outcome(a hook.Attempt) string {
	if a.Response != nil {
		return strconv.Itoa(a.Response.Status)
	}
	switch a.Result {
	case hook.ResultTimeout:
		return v.t("timeout")
	case hook.ResultConnectFailed:
		return v.t("refused")
	case hook.ResultDNSError:
		return "DNS"
	case hook.ResultTLSError:
		return "TLS"
	case hook.ResultReset:
		return v.t("reset")
	case hook.ResultBlocked:
		return v.t("not allowed")
	case hook.ResultInterrupted:
		return v.t("interrupted")
	default:
		return v.t("invalid")
	}
}

func (v *visit) attemptView(j hook.Job, a hook.Attempt, raw bool) *attemptView {
	body := string(j.Detail[:min(len(j.Detail), hook.MaxStoredBody)])
	body = strings.ToValidUTF8(body, "\uFFFD")
	shown := &attemptView{
		Number: a.Number, URL: a.Request.URL, Method: a.Request.Method, Headers: headersOf(a.Request.Headers), Truncated: len(j.Detail) > hook.MaxStoredBody,
		OK: a.Result == hook.ResultOK, Took: a.Duration, Error: v.words.Told(a.Error), Status: v.outcome(a), Remote: a.RemoteAddr,
	}
	shown.BodyText = body
	if !raw {
		shown.BodyText = pretty(body)
	}
	shown.Body = coloured(shown.BodyText)
	shown.Curl = curl(a, body)
	if r := a.Response; r != nil {
		shown.Answered, shown.Status = true, statusLine(r.Status)
		shown.Response, shown.Answer, shown.Cut = headersOf(r.Headers), visible(r.Body), r.Truncated
	}
	return shown
}

// headersOf lists headers by name. Secrets, which are masked, show as dots.
func headersOf(h map[string][]string) []header {
	var list []header
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			list = append(list, header{visible(name), visible(strings.ReplaceAll(value, hook.Mask, "••••••••"))})
		}
	}
	return list
}

// visible writes characters that have no shape, or that turn the direction of what
// follows, as something that can be seen: a stranger may have sent them.
func visible(text string) string {
	var out strings.Builder
	for _, r := range strings.ReplaceAll(text, "\r\n", "\n") {
		switch {
		case r == '\n' || r == '\t':
			out.WriteRune(r)
		case r < ' ':
			out.WriteRune(r + '\u2400') // its picture
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			fmt.Fprintf(&out, "[%U]", r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// pretty indents a body that is JSON and keeps the order of its members.
func pretty(body string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(body), "", "  ") != nil {
		return body
	}
	return out.String()
}

var jsonTexts = regexp.MustCompile(`"(?:[^"\\]|\\.)*"(\s*:)?`)

// coloured marks the names and texts of JSON. Everything of the body is escaped.
func coloured(body string) template.HTML {
	var out strings.Builder
	at := 0
	for _, m := range jsonTexts.FindAllStringSubmatchIndex(body, -1) {
		out.WriteString(template.HTMLEscapeString(body[at:m[0]]))
		class, end := "s", m[1]
		if m[2] >= 0 {
			class, end = "k", m[2]
		}
		out.WriteString(`<span class="` + class + `">` + template.HTMLEscapeString(body[m[0]:end]) + `</span>`)
		at = end
	}
	out.WriteString(template.HTMLEscapeString(body[at:]))
	return template.HTML(out.String()) //nolint:gosec // every part of the body was escaped
}

// curl writes the request as a command for a shell. Masked secrets are left out.
func curl(a hook.Attempt, body string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	lines := []string{"curl -X " + a.Request.Method + " " + quote(a.Request.URL)}
	for _, name := range slices.Sorted(maps.Keys(a.Request.Headers)) {
		for _, value := range a.Request.Headers[name] {
			if name != "Content-Length" && !strings.Contains(value, hook.Mask) {
				lines = append(lines, "-H "+quote(name+": "+value))
			}
		}
	}
	lines = append(lines, "--data-raw "+quote(body))
	return strings.Join(lines, " \\\n  ")
}

// showDelivery shows a delivery on a page of its own.
func showDelivery(v *visit) error {
	id, err := v.id("delivery")
	if err != nil {
		return err
	}
	p, err := v.pane(id, v.webhooks("/deliveries"))
	if err != nil {
		return err
	}
	p.Alone = true
	own := v.webhooks("/deliveries/" + strconv.FormatInt(id, 10))
	for i := range p.Steps {
		p.Steps[i].Path = with(own, "attempt", strconv.Itoa(p.Steps[i].Number))
	}
	p.RawPath = with(own, "body", "raw")
	if p.Raw {
		p.RawPath = own
	}
	title := v.t("Delivery %d", id)
	v.show(http.StatusOK, "delivery", title, p, v.in(crumb{v.t("Deliveries"), v.webhooks("/deliveries")}, crumb{strconv.FormatInt(id, 10), ""}))
	return nil
}

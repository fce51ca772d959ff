package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Family is one of the two sets of routes under which the same is served. What
// differs between them is said here; handlers are shared.
type Family struct {
	// Name is "first" or "second".
	Name string
	// base is what the paths of the family's routes begin with.
	base string
	// pageSize is the size of a page for which nobody asks, maxPageSize the largest.
	pageSize, maxPageSize int64
	// linkSeparator stands between the links of a page.
	linkSeparator string
	// badParameter is the status that a wrong parameter is answered with.
	badParameter int
	// timeLayout is how times are written.
	timeLayout string
	// naming is the family's names of event types.
	naming hook.Naming
	// harbor2 says that names, statuses and bodies are those of Harbor 2.
	harbor2 bool
}

// firstFamily is the mission's own contract, and Harbor 1.x's.
func firstFamily() *Family {
	return &Family{
		Name: "first", base: "/api", pageSize: maxPageSize, maxPageSize: maxPageSize, linkSeparator: ", ",
		badParameter: http.StatusBadRequest, timeLayout: time.RFC3339Nano, naming: hook.NamingOurs,
	}
}

// secondFamily is Harbor 2's.
func secondFamily() *Family {
	return &Family{
		Name: "second", base: "/api/v2.0", pageSize: 10, maxPageSize: 100, linkSeparator: " , ",
		badParameter: http.StatusUnprocessableEntity, timeLayout: "2006-01-02T15:04:05.000Z", naming: hook.NamingHarbor2, harbor2: true,
	}
}

// familyOf returns the family in whose format a request for this path is answered,
// whether there is a route or not.
func (a *API) familyOf(path string) *Family {
	if under(path, a.second.base) {
		return a.second
	}
	return a.first
}

// parse reads a body that is one JSON object. The first family refuses members
// that are not known; the second leaves them alone, since Harbor's clients send
// more than they mean.
func (f *Family) parse(body []byte, known ...string) *object {
	if !f.harbor2 {
		return parseBody(body, known...)
	}
	return parseLenientBody(body, known...)
}

// time returns a time as the family writes it.
func (f *Family) time(t time.Time) stamp { return stamp{at: t.UTC(), layout: f.timeLayout} }

// stamp is a time that knows how it is written.
type stamp struct {
	at     time.Time
	layout string
}

// MarshalJSON implements json.Marshaler.
func (s stamp) MarshalJSON() ([]byte, error) { return json.Marshal(s.at.Format(s.layout)) }

// status returns the family's name of a job's status.
func (f *Family) status(s hook.Status) string {
	if !f.harbor2 {
		return string(s)
	}
	switch s {
	case hook.StatusPending:
		return "Pending"
	case hook.StatusRunning:
		return "Running"
	case hook.StatusScheduled:
		return "Scheduled"
	case hook.StatusFinished:
		return "Success"
	case hook.StatusError:
		return "Error"
	case hook.StatusStopped:
		return "Stopped"
	default:
		return string(s)
	}
}

// statusOf returns the status of this name, and false if there is none.
func (f *Family) statusOf(name string) (hook.Status, bool) {
	for _, s := range hook.Statuses() {
		if f.status(s) == name {
			return s, true
		}
	}
	return "", false
}

// role returns the family's name of a role: Harbor 2 calls masters maintainers.
func (f *Family) role(r hook.Role) string {
	if f.harbor2 && r == hook.RoleMaster {
		return "maintainer"
	}
	return r.String()
}

// problem returns the body and media type of a refusal.
func (f *Family) problem(p problem) (body any, mediaType string) {
	if !f.harbor2 {
		return firstProblem{p.Status, p.Message}, "application/json"
	}
	return struct {
		Errors []secondProblem `json:"errors"`
	}{[]secondProblem{{codeOf(p.Status), p.Message}}}, "application/json; charset=utf-8"
}

type firstProblem struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

type secondProblem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// codeOf returns Harbor 2's word for a status.
func codeOf(status int) string {
	switch {
	case status >= http.StatusInternalServerError:
		return "UNKNOWN"
	case status == http.StatusPreconditionFailed:
		return "PRECONDITION"
	default:
		return strings.ReplaceAll(strings.ToUpper(http.StatusText(status)), " ", "_")
	}
}

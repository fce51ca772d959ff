package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Deliveries keeps the jobs of projects and their attempts.
type Deliveries interface {
	// Jobs returns one page, and how many there are in all.
	Jobs(ctx context.Context, projectID int64, f hook.JobFilter, page hook.JobPage) ([]hook.Job, int, error)
	// Job returns hook.ErrNotFound for another project's job.
	Job(ctx context.Context, projectID, id int64) (hook.Job, error)
	// LastTriggers returns when each trigger last gave rise to a job, if ever.
	LastTriggers(ctx context.Context, of []hook.Trigger) (map[hook.Trigger]time.Time, error)
	// Attempts returns the attempts of a job, first to last.
	Attempts(ctx context.Context, jobID int64) ([]hook.Attempt, error)
	// JobsChangedAfter returns up to most jobs, without their bodies, that changed
	// after a time, or at it and with greater ids, in this order.
	JobsChangedAfter(ctx context.Context, projectID int64, at time.Time, id int64, most int) ([]hook.Job, error)
}

type jobJSON struct {
	ID         int64          `json:"id"`
	UUID       string         `json:"uuid"`
	PolicyID   int64          `json:"policy_id"`
	PolicyName string         `json:"policy_name"`
	HookType   hook.EventType `json:"hook_type"`
	// EventType is the type's name in Harbor 2.
	EventType     string `json:"event_type"`
	NotifyType    string `json:"notify_type"`
	Status        string `json:"status"`
	StatusMessage string `json:"status_message"`
	// JobDetail is the body that is sent.
	JobDetail    string `json:"job_detail"`
	Repository   string `json:"repository"`
	Tag          string `json:"tag"`
	Digest       string `json:"digest"`
	Target       string `json:"target"`
	Attempts     int    `json:"attempts"`
	HTTPStatus   int    `json:"http_status"`
	NextAt       *stamp `json:"next_at,omitempty"`
	RedeliveryOf int64  `json:"redelivery_of,omitempty"`
	CreationTime stamp  `json:"creation_time"`
	UpdateTime   stamp  `json:"update_time"`
}

type attemptJSON struct {
	Number     int           `json:"number"`
	StartedAt  time.Time     `json:"started_at"`
	DurationMS int64         `json:"duration_ms"`
	Result     hook.Result   `json:"result"`
	Error      string        `json:"error"`
	RemoteAddr string        `json:"remote_addr"`
	Request    requestJSON   `json:"request"`
	Response   *responseJSON `json:"response"`
}

type requestJSON struct {
	Method  string              `json:"method"`
	URL     string              `json:"url"`
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body"`
	// Truncated says that more was sent than Body shows.
	Truncated bool `json:"truncated,omitempty"`
}

type responseJSON struct {
	Status    int                 `json:"status"`
	Headers   map[string][]string `json:"headers"`
	Body      string              `json:"body"`
	Truncated bool                `json:"truncated"`
}

func (a *API) showJob(f *Family, j hook.Job) jobJSON {
	shown := jobJSON{
		ID: j.ID, UUID: j.UUID, PolicyID: j.PolicyID, PolicyName: j.PolicyName,
		HookType: j.HookType, EventType: a.second.nameOf(a.Catalog, j), NotifyType: j.NotifyType,
		Status: f.status(j.Status), StatusMessage: j.StatusMessage, JobDetail: string(j.Detail),
		Repository: j.Repository, Tag: j.Tag, Digest: j.Digest, Target: j.Target,
		Attempts: j.Attempts, HTTPStatus: j.HTTPStatus, RedeliveryOf: j.RedeliveryOf,
		CreationTime: f.time(j.CreationTime), UpdateTime: f.time(j.UpdateTime),
	}
	if !j.Status.Final() && !j.NextAt.IsZero() {
		next := f.time(j.NextAt)
		shown.NextAt = &next
	}
	return shown
}

func showAttempt(j hook.Job, at hook.Attempt) attemptJSON {
	body, truncated := cut(string(j.Detail))
	shown := attemptJSON{
		Number: at.Number, StartedAt: at.StartedAt.UTC(), DurationMS: at.Duration.Milliseconds(),
		Result: at.Result, Error: at.Error, RemoteAddr: at.RemoteAddr,
		Request: requestJSON{at.Request.Method, at.Request.URL, headers(at.Request.Headers), body, truncated},
	}
	if r := at.Response; r != nil {
		shown.Response = &responseJSON{r.Status, headers(r.Headers), r.Body, r.Truncated}
	}
	return shown
}

func headers(h map[string][]string) map[string][]string {
	if h == nil {
		return map[string][]string{}
	}
	return h
}

// cut shortens a body to what is shown.
func cut(body string) (shown string, truncated bool) {
	if len(body) <= hook.MaxStoredBody {
		return body, false
	}
	return strings.ToValidUTF8(body[:hook.MaxStoredBody], ""), true
}

func (a *API) listJobs(c *call) error {
	filter, page, err := c.query().jobQuery(a.Catalog)
	if err != nil {
		return err
	}
	jobs, total, err := a.Store.Jobs(c.r.Context(), c.project.ID, filter, page)
	if err != nil {
		return fmt.Errorf("list jobs: %w", err)
	}
	shown := make([]jobJSON, len(jobs))
	for i, j := range jobs {
		shown[i] = a.showJob(c.family, j)
	}
	c.announce(page, total)
	return c.json(shown)
}

func (a *API) readJob(c *call) error {
	j, err := a.job(c)
	if err != nil {
		return err
	}
	return c.json(a.showJob(c.family, j))
}

func (a *API) listAttempts(c *call) error {
	j, attempts, err := a.history(c)
	if err != nil {
		return err
	}
	shown := make([]attemptJSON, len(attempts))
	for i, at := range attempts {
		shown[i] = showAttempt(j, at)
	}
	return c.json(shown)
}

// readLog answers the same as listAttempts, for people.
func (a *API) readLog(c *call) error {
	j, attempts, err := a.history(c)
	if err != nil {
		return err
	}
	writeBody(c.w, http.StatusOK, "text/plain; charset=utf-8", []byte(hook.Transcript(j, attempts)))
	return nil
}

// job looks up the job in the path, in the project in the path.
func (a *API) job(c *call) (hook.Job, error) {
	id, err := c.id(":jid", "job")
	if err != nil {
		return hook.Job{}, err
	}
	j, err := a.Store.Job(c.r.Context(), c.project.ID, id)
	if err != nil {
		return hook.Job{}, orNotFound(fmt.Errorf("read job: %w", err), "job")
	}
	return j, nil
}

func (a *API) history(c *call) (hook.Job, []hook.Attempt, error) {
	j, err := a.job(c)
	if err != nil {
		return hook.Job{}, nil, err
	}
	attempts, err := a.Store.Attempts(c.r.Context(), j.ID)
	if err != nil {
		return hook.Job{}, nil, fmt.Errorf("read attempts of job %d: %w", j.ID, err)
	}
	return j, attempts, nil
}

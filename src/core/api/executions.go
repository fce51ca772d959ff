package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// In Harbor 2, what happened to an event is an execution of the policy, and each
// delivery a task of the execution. Here one job is both: its id is the id of an
// execution and of the execution's only task.

type executionJSON struct {
	ID            int64               `json:"id"`
	VendorType    string              `json:"vendor_type"`
	VendorID      int64               `json:"vendor_id"`
	Status        string              `json:"status"`
	StatusMessage string              `json:"status_message"`
	Metrics       map[string]int      `json:"metrics"`
	Trigger       string              `json:"trigger"`
	ExtraAttrs    executionAttributes `json:"extra_attrs"`
	StartTime     string              `json:"start_time"`
	EndTime       string              `json:"end_time"`
}

type executionAttributes struct {
	EventType string `json:"event_type"`
	Payload   string `json:"payload"`
}

type taskJSON struct {
	ID            int64    `json:"id"`
	ExecutionID   int64    `json:"execution_id"`
	Status        string   `json:"status"`
	StatusMessage string   `json:"status_message"`
	RunCount      int      `json:"run_count"`
	ExtraAttrs    struct{} `json:"extra_attrs"`
	CreationTime  string   `json:"creation_time"`
	UpdateTime    string   `json:"update_time"`
	StartTime     string   `json:"start_time"`
	EndTime       string   `json:"end_time"`
}

// executionRunning is the status of an execution that is not over.
const executionRunning = "Running"

func executionStatus(f *Family, s hook.Status) string {
	if !s.Final() {
		return executionRunning
	}
	return f.status(s)
}

func (a *API) showExecution(f *Family, j hook.Job) executionJSON {
	shown := executionJSON{
		ID: j.ID, VendorType: vendorType(j), VendorID: j.PolicyID, Status: executionStatus(f, j.Status), StatusMessage: j.StatusMessage,
		Metrics: map[string]int{"task_count": 1, strings.ToLower(f.status(j.Status)) + "_task_count": 1}, Trigger: "EVENT",
		ExtraAttrs: executionAttributes{f.nameOf(a.Catalog, j), string(j.Detail)},
	}
	shown.StartTime, shown.EndTime = span(j)
	return shown
}

func vendorType(j hook.Job) string {
	if j.NotifyType == hook.TargetSlack {
		return "SLACK"
	}
	return "WEBHOOK"
}

// span returns the times between which the job was worked on. A job that is not
// over ends in the year 1.
func span(j hook.Job) (start, end string) {
	var over time.Time
	if j.Status.Final() {
		over = j.UpdateTime
	}
	return j.CreationTime.UTC().Format(time.RFC3339), over.UTC().Format(time.RFC3339)
}

func showTask(f *Family, j hook.Job) taskJSON {
	shown := taskJSON{
		ID: j.ID, ExecutionID: j.ID, Status: f.status(j.Status), StatusMessage: j.StatusMessage, RunCount: j.Attempts,
		CreationTime: j.CreationTime.UTC().Format(time.RFC3339), UpdateTime: j.UpdateTime.UTC().Format(time.RFC3339),
	}
	shown.StartTime, shown.EndTime = span(j)
	return shown
}

func (a *API) listExecutions(c *call) error {
	p, err := a.policy(c)
	if err != nil {
		return err
	}
	filter, page, err := c.query().executionQuery(a.Catalog)
	if err != nil {
		return err
	}
	filter.PolicyID = p.ID
	jobs, total, err := a.Store.Jobs(c.r.Context(), c.project.ID, filter, page)
	if err != nil {
		return fmt.Errorf("list executions: %w", err)
	}
	shown := make([]executionJSON, len(jobs))
	for i, j := range jobs {
		shown[i] = a.showExecution(c.family, j)
	}
	c.announce(page, total)
	return c.json(shown)
}

// executionQuery reads q as far as a list of jobs can be narrowed by it: id,
// status and event type, each equal to something or one of several.
func (q *query) executionQuery(catalog Catalog) (hook.JobFilter, hook.JobPage, error) {
	var f hook.JobFilter
	for _, c := range q.criteria() {
		if c.how != equals && c.how != anyOf {
			continue
		}
		switch c.key {
		case "id":
			f.ID = q.criterionID(c)
		case "status":
			f.Statuses = q.criterionStatuses(c)
		case "event_type", "extra_attrs.event_type":
			f.HookTypes = q.criterionTypes(catalog, c)
		}
	}
	page := q.page()
	page.Ascending = q.ascending()
	return f, page, q.err
}

func (q *query) criterionID(c criterion) int64 {
	id, ok := number(c.values[0])
	if !ok || len(c.values) > 1 {
		q.badCriteria("id must be one number")
	}
	return id
}

// criterionStatuses takes the statuses of executions and of tasks.
func (q *query) criterionStatuses(c criterion) []hook.Status {
	var statuses []hook.Status
	for _, s := range hook.Statuses() {
		if slices.Contains(c.values, q.family.status(s)) || slices.Contains(c.values, executionStatus(q.family, s)) {
			statuses = append(statuses, s)
		}
	}
	if len(statuses) == 0 {
		q.badCriteria("status must be Running, Success, Error or Stopped")
	}
	return statuses
}

func (q *query) criterionTypes(catalog Catalog, c criterion) []hook.EventType {
	var types []hook.EventType
	for _, name := range c.values {
		types = append(types, q.family.typesOf(catalog, name)...)
	}
	if len(types) == 0 {
		q.badCriteria("there is no such event type")
	}
	return types
}

// listTasks answers the one task of an execution.
func (a *API) listTasks(c *call) error {
	j, err := a.execution(c)
	if err != nil {
		return err
	}
	q := c.query()
	page, criteria := q.page(), q.criteria()
	if q.err != nil {
		return q.err
	}
	tasks := columns[hook.Job]{
		"id":     func(j hook.Job) string { return strconv.FormatInt(j.ID, 10) },
		"status": func(j hook.Job) string { return c.family.status(j.Status) },
	}.narrow([]hook.Job{j}, criteria)
	shown := make([]taskJSON, 0, len(tasks))
	for _, task := range window(tasks, page) {
		shown = append(shown, showTask(c.family, task))
	}
	c.announce(page, len(tasks))
	return c.json(shown)
}

// readTaskLog answers the job's log between the sentences by which Harbor's tests
// and scripts tell success from failure.
func (a *API) readTaskLog(c *call) error {
	j, err := a.execution(c)
	if err != nil {
		return err
	}
	if id, err := c.id(":tid", "task"); err != nil || id != j.ID {
		return notFound("task")
	}
	attempts, err := a.Store.Attempts(c.r.Context(), j.ID)
	if err != nil {
		return fmt.Errorf("read attempts of job %d: %w", j.ID, err)
	}
	writeBody(c.w, http.StatusOK, "text/plain; charset=utf-8", []byte(taskLog(j, attempts)))
	return nil
}

func taskLog(j hook.Job, attempts []hook.Attempt) string {
	log := j.CreationTime.UTC().Format(time.RFC3339) + " [INFO] start to run webhook job\n" + hook.Transcript(j, attempts)
	end := "\n" + j.UpdateTime.UTC().Format(time.RFC3339)
	switch j.Status {
	case hook.StatusFinished:
		return log + end + " [INFO] success to run webhook job\n"
	case hook.StatusError:
		return log + end + " [ERROR] exit webhook job, error: " + lastError(attempts) + "\n"
	default:
		return log
	}
}

func lastError(attempts []hook.Attempt) string {
	if len(attempts) == 0 {
		return "no attempt was made"
	}
	return attempts[len(attempts)-1].Error
}

// execution looks up the job in the path, of the policy in the path, in the
// project in the path.
func (a *API) execution(c *call) (hook.Job, error) {
	p, err := a.policy(c)
	if err != nil {
		return hook.Job{}, err
	}
	id, err := c.id(":eid", "execution")
	if err != nil {
		return hook.Job{}, err
	}
	j, err := a.Store.Job(c.r.Context(), c.project.ID, id)
	if err != nil {
		return hook.Job{}, orNotFound(fmt.Errorf("read execution: %w", err), "execution")
	}
	if j.PolicyID != p.ID {
		return hook.Job{}, notFound("execution")
	}
	return j, nil
}

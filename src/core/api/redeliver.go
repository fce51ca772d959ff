package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/harborhook/harborhook/src/hook"
)

// Redeliverer delivers jobs again and stops them. What forbids it is a
// hook.ConflictError, a job of another project a hook.ErrNotFound. Who does it is
// recorded with it, in one transaction.
type Redeliverer interface {
	// Redeliver returns the id of the new job.
	Redeliver(ctx context.Context, projectID, id int64, by *hook.AuditEntry) (int64, error)
	// RedeliverAll leaves out the jobs that cannot be delivered again now. Many jobs
	// become a bulk.
	RedeliverAll(ctx context.Context, projectID int64, f hook.JobFilter, by *hook.AuditEntry) (hook.Redelivery, error)
	// Count returns how many jobs RedeliverAll would look at.
	Count(ctx context.Context, projectID int64, f hook.JobFilter) (int, error)
	// Stop stops a waiting job.
	Stop(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error
}

// redeliverJob answers with the new job and its place.
func (a *API) redeliverJob(c *call) error {
	id, err := c.id(":jid", "job")
	if err != nil {
		return err
	}
	by := c.by(hook.AuditRedeliver)
	by.JobID = id
	again, err := a.Deliveries.Redeliver(c.r.Context(), c.project.ID, id, by)
	if err != nil {
		return orNotFound(fmt.Errorf("redeliver job: %w", err), "job")
	}
	c.did(by)
	j, err := a.Store.Job(c.r.Context(), c.project.ID, again)
	if err != nil {
		return fmt.Errorf("read job %d: %w", again, err)
	}
	c.w.Header().Set("Location", fmt.Sprintf("%s/projects/%d/webhook/jobs/%d", c.family.base, c.project.ID, again))
	return writeJSON(c.w, http.StatusCreated, a.showJob(c.family, j))
}

type redeliveredJSON struct {
	// Count is how many new jobs there are, or how many there would be looked at.
	Count int `json:"count"`
	// Skipped are the jobs that matched but cannot be delivered again now.
	Skipped int `json:"skipped"`
}

// redeliverJobs takes the same filter as the list of jobs, as a body.
func (a *API) redeliverJobs(c *call) error {
	filter, dryRun, err := a.readRedelivery(c)
	if err != nil {
		return err
	}
	if dryRun {
		count, err := a.Deliveries.Count(c.r.Context(), c.project.ID, filter)
		if err != nil {
			return fmt.Errorf("count jobs: %w", err)
		}
		return c.json(redeliveredJSON{Count: count})
	}
	by := c.by(hook.AuditRedeliver).Of(filter.PolicyID)
	done, err := a.Deliveries.RedeliverAll(c.r.Context(), c.project.ID, filter, by)
	if err != nil {
		return fmt.Errorf("redeliver jobs: %w", err)
	}
	if done.Bulk != nil {
		c.did(by)
		return c.startedBulk(*done.Bulk)
	}
	if len(done.IDs) > 0 {
		c.did(by)
	}
	return c.json(redeliveredJSON{Count: len(done.IDs), Skipped: len(done.Refused)})
}

func (a *API) readRedelivery(c *call) (f hook.JobFilter, dryRun bool, err error) {
	o := c.object("policy_id", "status", "hook_type", "repository", "tag", "digest", "http_status", "since", "until", "text", "dry_run")
	o.boolean("dry_run", &dryRun)
	q := &query{family: c.family, values: o.values("dry_run")}
	if o.err != nil {
		return hook.JobFilter{}, false, o.err
	}
	f = q.jobFilter(a.Catalog)
	return f, dryRun, q.err
}

// values returns the members as the values of a query would be: text and numbers
// once, lists of text several times.
func (o *object) values(except string) url.Values {
	values := url.Values{}
	for name, raw := range o.members {
		var number json.Number
		var text string
		var list []string
		switch {
		case name == except:
		case raw[0] == '[':
			o.strs(name, &list)
			values[name] = list
		case raw[0] == '"':
			o.str(name, &text)
			values.Set(name, text)
		case json.Unmarshal(raw, &number) == nil && number != "":
			values.Set(name, number.String())
		default:
			o.fail(name, "must be text, a number or a list of texts")
		}
	}
	return values
}

func (a *API) stopJob(c *call) error {
	id, err := c.id(":jid", "job")
	if err != nil {
		return err
	}
	by := c.by(hook.AuditStop)
	by.JobID = id
	if err := a.Deliveries.Stop(c.r.Context(), c.project.ID, id, by); err != nil {
		return orNotFound(fmt.Errorf("stop job: %w", err), "job")
	}
	c.did(by)
	return c.done()
}

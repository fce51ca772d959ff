package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/harborhook/harborhook/src/hook"
)

// Bulks keeps the redeliveries of many jobs.
type Bulks interface {
	// Bulk returns hook.ErrNotFound for another project's bulk.
	Bulk(ctx context.Context, projectID, id int64) (hook.Bulk, error)
	// StopBulk is a hook.ConflictError if the bulk is over. Who stops it is recorded
	// with it.
	StopBulk(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error
}

type bulkJSON struct {
	ID int64 `json:"id"`
	// Status is pending, running, finished or stopped.
	Status hook.BulkStatus `json:"status"`
	// Total is how many jobs there are to deliver again.
	Total int `json:"total"`
	// Done counts the new jobs.
	Done int `json:"done"`
	// Failed counts the jobs that cannot be delivered again.
	Failed       int    `json:"failed"`
	StartedBy    string `json:"started_by"`
	CreationTime stamp  `json:"creation_time"`
	UpdateTime   stamp  `json:"update_time"`
}

func showBulk(f *Family, b hook.Bulk) bulkJSON {
	return bulkJSON{
		ID: b.ID, Status: b.Status, Total: b.Total, Done: b.Done, Failed: b.Failed, StartedBy: b.StartedBy,
		CreationTime: f.time(b.CreationTime), UpdateTime: f.time(b.UpdateTime),
	}
}

// startedBulk answers with a bulk that has only begun, and where to follow it.
func (c *call) startedBulk(b hook.Bulk) error {
	c.w.Header().Set("Location", fmt.Sprintf("%s/projects/%d/webhook/bulk/%d", c.family.base, c.project.ID, b.ID))
	return writeJSON(c.w, http.StatusAccepted, showBulk(c.family, b))
}

func (a *API) readBulk(c *call) error {
	id, err := c.id(":bid", "bulk")
	if err != nil {
		return err
	}
	b, err := a.Store.Bulk(c.r.Context(), c.project.ID, id)
	if err != nil {
		return orNotFound(fmt.Errorf("read bulk: %w", err), "bulk")
	}
	return c.json(showBulk(c.family, b))
}

func (a *API) stopBulk(c *call) error {
	id, err := c.id(":bid", "bulk")
	if err != nil {
		return err
	}
	by := c.by(hook.AuditStop).With(fmt.Sprintf("bulk %d", id))
	if err := a.Store.StopBulk(c.r.Context(), c.project.ID, id, by); err != nil {
		return orNotFound(fmt.Errorf("stop bulk: %w", err), "bulk")
	}
	c.did(by)
	return c.done()
}

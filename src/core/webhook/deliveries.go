package webhook

import (
	"context"
	"fmt"
	"slices"

	"github.com/harborhook/harborhook/src/hook"
)

// DeliveryStore keeps jobs.
type DeliveryStore interface {
	// Jobs returns one page of a project's jobs, and how many there are in all.
	Jobs(ctx context.Context, projectID int64, f hook.JobFilter, page hook.JobPage) ([]hook.Job, int, error)
	// JobIDs returns the ids of up to limit of a project's jobs, oldest first.
	JobIDs(ctx context.Context, projectID int64, f hook.JobFilter, limit int) ([]int64, error)
	// Redeliver stores a new job for each of those of the project's jobs that can
	// be delivered again, and who wants it.
	Redeliver(ctx context.Context, projectID int64, ids []int64, by *hook.AuditEntry) (hook.Redelivery, error)
	// CreateBulk stores a redelivery of many jobs, which JobService works off, and who
	// wants it.
	CreateBulk(ctx context.Context, b *hook.Bulk, by *hook.AuditEntry) error
	// StopJob stops a waiting job and records who does.
	StopJob(ctx context.Context, projectID, id int64, why string, by *hook.AuditEntry) error
}

// MaxRedelivered bounds the jobs that one call delivers again by itself.
const MaxRedelivered = 1000

// Deliveries is what people do to jobs: deliver them again, stop them. Who does is
// recorded with it.
type Deliveries struct {
	store  DeliveryStore
	submit Submitter
}

// NewDeliveries returns the service.
func NewDeliveries(store DeliveryStore, submit Submitter) *Deliveries {
	return &Deliveries{store: store, submit: submit}
}

// Redeliver delivers the event of a job once more and returns the new job's id. A
// job that is running, or whose policy is disabled or gone, is a
// hook.ConflictError; one that is not the project's a hook.ErrNotFound.
func (d *Deliveries) Redeliver(ctx context.Context, projectID, id int64, by *hook.AuditEntry) (int64, error) {
	done, err := d.redeliver(ctx, projectID, []int64{id}, by)
	switch {
	case err != nil:
		return 0, err
	case done.Refused[id] != "":
		return 0, hook.Conflict(done.Refused[id])
	case len(done.IDs) == 0:
		return 0, fmt.Errorf("redeliver job %d: %w", id, hook.ErrNotFound)
	}
	return done.IDs[0], nil
}

// RedeliverAll delivers all jobs of the filter once more, except for running ones
// and those whose policies are disabled or gone. More than MaxRedelivered become a
// bulk, which JobService works off.
func (d *Deliveries) RedeliverAll(ctx context.Context, projectID int64, f hook.JobFilter, by *hook.AuditEntry) (hook.Redelivery, error) {
	f, some := resting(f)
	if !some {
		return hook.Redelivery{}, nil
	}
	ids, err := d.store.JobIDs(ctx, projectID, f, MaxRedelivered+1)
	if err != nil {
		return hook.Redelivery{}, err
	}
	if len(ids) <= MaxRedelivered {
		return d.redeliver(ctx, projectID, ids, by)
	}
	_, total, err := d.store.Jobs(ctx, projectID, f, hook.JobPage{Limit: 1})
	if err != nil {
		return hook.Redelivery{}, err
	}
	b := hook.Bulk{ProjectID: projectID, Filter: f, Total: total, StartedBy: by.Actor}
	if err := d.store.CreateBulk(ctx, &b, by); err != nil {
		return hook.Redelivery{}, err
	}
	return hook.Redelivery{Bulk: &b}, nil
}

// Count returns how many jobs RedeliverAll would look at.
func (d *Deliveries) Count(ctx context.Context, projectID int64, f hook.JobFilter) (int, error) {
	f, some := resting(f)
	if !some {
		return 0, nil
	}
	_, total, err := d.store.Jobs(ctx, projectID, f, hook.JobPage{Limit: 1})
	return total, err
}

// Stop stops a waiting job. A job that is running or over is a hook.ConflictError.
func (d *Deliveries) Stop(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error {
	return d.store.StopJob(ctx, projectID, id, "stopped by "+by.Actor, by)
}

func (d *Deliveries) redeliver(ctx context.Context, projectID int64, ids []int64, by *hook.AuditEntry) (hook.Redelivery, error) {
	if len(ids) == 0 {
		return hook.Redelivery{}, nil
	}
	done, err := d.store.Redeliver(ctx, projectID, ids, by)
	if err != nil {
		return hook.Redelivery{}, err
	}
	if len(done.IDs) > 0 {
		d.submit.Submit(done.IDs)
	}
	return done, nil
}

// resting leaves the running jobs out of a filter, and says whether any status
// is left.
func resting(f hook.JobFilter) (hook.JobFilter, bool) {
	wanted := f.Statuses
	if len(wanted) == 0 {
		wanted = hook.Statuses()
	}
	f.Statuses = slices.DeleteFunc(slices.Clone(wanted), func(s hook.Status) bool { return s == hook.StatusRunning })
	return f, len(f.Statuses) > 0
}

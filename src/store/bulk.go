package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// CreateBulk stores a new bulk, with the jobs of the filter that exist now, records
// who wants it, and sets its id, status and times.
func (s *Store) CreateBulk(ctx context.Context, b *hook.Bulk, by *hook.AuditEntry) error {
	filter, err := json.Marshal(b.Filter)
	if err != nil {
		return fmt.Errorf("filter of a bulk: %w", err)
	}
	b.Status = hook.BulkPending
	var created int64
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `INSERT INTO webhook_bulk (project_id, filter, status, total, up_to, started_by, creation_time, update_time)
			VALUES ($1, $2, $3, $4, (SELECT coalesce(max(id), 0) FROM webhook_job), $5, `+s.d.Now+`, `+s.d.Now+`) RETURNING id, creation_time`,
			b.ProjectID, string(filter), string(b.Status), b.Total, b.StartedBy).Scan(&b.ID, &created)
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, by.With(hook.Redelivery{Bulk: b}.String()))
	})
	b.CreationTime, b.UpdateTime = timeOf(created), timeOf(created)
	return s.wrap("create a bulk", err)
}

// Bulk returns a bulk of a project.
func (s *Store) Bulk(ctx context.Context, projectID, id int64) (hook.Bulk, error) {
	b, _, err := s.bulk(ctx, `id = $1 AND project_id = $2`, id, projectID)
	return b, s.wrap("read a bulk", err)
}

// bulkState is what only the steps of a bulk need to know.
type bulkState struct {
	after, upTo                 int64 // ids of the jobs that are left, without after
	lastFirst, lastLast, lastAt int64 // ids and time of the last step's new jobs
}

func (s *Store) bulk(ctx context.Context, condition string, args ...any) (hook.Bulk, bulkState, error) {
	var b hook.Bulk
	var state bulkState
	var filter string
	var created, updated int64
	err := s.read.QueryRowContext(ctx, `SELECT id, project_id, filter, status, total, done, failed, started_by, creation_time, update_time,
			after_job, up_to, last_first, last_last, last_at FROM webhook_bulk WHERE `+condition, args...).
		Scan(&b.ID, &b.ProjectID, &filter, &b.Status, &b.Total, &b.Done, &b.Failed, &b.StartedBy, &created, &updated,
			&state.after, &state.upTo, &state.lastFirst, &state.lastLast, &state.lastAt)
	if err != nil {
		return b, state, err
	}
	b.CreationTime, b.UpdateTime = timeOf(created), timeOf(updated)
	if err := json.Unmarshal([]byte(filter), &b.Filter); err != nil {
		return b, state, fmt.Errorf("filter of bulk %d: %w", b.ID, err)
	}
	return b, state, nil
}

// StopBulk ends a bulk of a project before its end. The jobs that it has made
// stay. One that is over is a hook.ConflictError. Who stops it is recorded.
func (s *Store) StopBulk(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error {
	stopped := false
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE webhook_bulk SET status = 'stopped', update_time = `+s.d.Now+`
			WHERE id = $1 AND project_id = $2 AND status IN ('pending', 'running')`, id, projectID)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if stopped = n > 0; err != nil || !stopped {
			return err
		}
		return s.audit(ctx, tx, by)
	})
	if err != nil || stopped {
		return s.wrap("stop a bulk", err)
	}
	if _, err := s.Bulk(ctx, projectID, id); err != nil {
		return err
	}
	return hook.Conflict("the bulk is over")
}

// UnfinishedBulks returns the ids of up to most bulks that are not over, those
// first that have waited longest.
func (s *Store) UnfinishedBulks(ctx context.Context, most int) ([]int64, error) {
	result, err := s.read.QueryContext(ctx, `SELECT id FROM webhook_bulk WHERE status IN ('pending', 'running') ORDER BY update_time, id LIMIT $1`, most)
	if err != nil {
		return nil, s.wrap("list bulks", err)
	}
	ids, err := column[int64](result)
	return ids, s.wrap("list bulks", err)
}

// StepBulk delivers the next jobs of a bulk once more, up to most, in one
// transaction with the bulk's progress: whatever crashes when, a bulk makes one
// job of each. While more than half of the last step's jobs have not been tried
// yet it does nothing, for at most the patience.
func (s *Store) StepBulk(ctx context.Context, id int64, most int, patience time.Duration) (hook.BulkStep, error) {
	step, err := s.stepBulk(ctx, id, most, patience)
	return step, s.wrap("step a bulk", err)
}

func (s *Store) stepBulk(ctx context.Context, id int64, most int, patience time.Duration) (hook.BulkStep, error) {
	b, state, err := s.bulk(ctx, `id = $1 AND status IN ('pending', 'running')`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return hook.BulkStep{}, nil
	}
	if err != nil {
		return hook.BulkStep{}, err
	}
	if wait, err := s.lastStepWaits(ctx, b, state, patience); err != nil || wait {
		return hook.BulkStep{More: true, Wait: wait}, err
	}
	bounds, err := s.idBounds(ctx, b.Filter)
	if err != nil {
		return hook.BulkStep{}, err
	}
	bounds.after = max(bounds.after, state.after)
	if bounds.upTo == 0 || bounds.upTo > state.upTo {
		bounds.upTo = state.upTo
	}
	var ids []int64
	if bounds.after < bounds.upTo {
		if ids, err = s.jobIDs(ctx, b.ProjectID, b.Filter, bounds, most); err != nil {
			return hook.BulkStep{}, fmt.Errorf("look for the next jobs: %w", err)
		}
	}
	if len(ids) == 0 {
		_, err := s.write.ExecContext(ctx, `UPDATE webhook_bulk SET status = 'finished', total = done + failed, update_time = `+s.d.Now+`
			WHERE id = $1 AND after_job = $2 AND status IN ('pending', 'running')`, id, state.after)
		return hook.BulkStep{}, err
	}
	step := hook.BulkStep{More: true}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		step.IDs, err = s.redeliverStep(ctx, tx, b, state.after, ids)
		return err
	})
	return step, err
}

// redeliverStep does nothing if the bulk has gone on or was stopped meanwhile.
func (s *Store) redeliverStep(ctx context.Context, tx *sql.Tx, b hook.Bulk, after int64, ids []int64) ([]int64, error) {
	taken, err := tx.ExecContext(ctx, `UPDATE webhook_bulk SET status = 'running', after_job = $1, update_time = `+s.d.Now+`
		WHERE id = $2 AND after_job = $3 AND status IN ('pending', 'running')`, ids[len(ids)-1], b.ID, after)
	if err != nil {
		return nil, fmt.Errorf("take the next jobs: %w", err)
	}
	if n, err := taken.RowsAffected(); err != nil || n == 0 {
		return nil, err
	}
	r, err := s.redeliverIn(ctx, tx, b.ProjectID, ids, func(j hook.Job, _ string) string { return hook.BulkKey(j, b.ID) })
	if err != nil {
		return nil, err
	}
	first, last := int64(0), int64(0)
	for _, id := range r.IDs {
		if first == 0 || id < first {
			first = id
		}
		last = max(last, id)
	}
	_, err = tx.ExecContext(ctx, `UPDATE webhook_bulk SET done = done + $1, failed = failed + $2, last_first = $3, last_last = $4, last_at = `+s.d.Now+`
		WHERE id = $5`, len(r.IDs), len(ids)-len(r.IDs), first, last, b.ID)
	if err != nil {
		return nil, fmt.Errorf("note the progress: %w", err)
	}
	return r.IDs, nil
}

// lastStepWaits says whether most jobs of the last step are still to be tried.
// Those of an endpoint that does not answer count as tried once they say so.
func (s *Store) lastStepWaits(ctx context.Context, b hook.Bulk, state bulkState, patience time.Duration) (bool, error) {
	if state.lastLast == 0 {
		return false, nil
	}
	var waits bool
	err := s.read.QueryRowContext(ctx, `SELECT count(*) > $4 AND $5 > `+s.d.Now+` - $6 FROM webhook_job
		WHERE project_id = $1 AND status IN ('pending', 'running') AND attempts = 0 AND redelivery_of > 0 AND id BETWEEN $2 AND $3`,
		b.ProjectID, state.lastFirst, state.lastLast, (state.lastLast-state.lastFirst+1)/2, state.lastAt, patience.Microseconds()).Scan(&waits)
	if err != nil {
		return false, fmt.Errorf("look at the last jobs: %w", err)
	}
	return waits, nil
}

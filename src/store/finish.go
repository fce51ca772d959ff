package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Finish records an attempt and how its job goes on, in one transaction. It
// returns false, and records nothing, if the lease is not the job's any more:
// somebody took the job back, or it was stopped.
func (s *Store) Finish(ctx context.Context, o hook.Outcome) (bool, error) {
	ours, err := s.finish.Do(ctx, o)
	return ours, s.wrap("finish a job", err)
}

func (s *Store) finishBatch(ctx context.Context, outcomes []hook.Outcome) ([]bool, error) {
	ours := make([]bool, len(outcomes))
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		finished, err := s.finishRows(ctx, tx, outcomes)
		if err != nil {
			return err
		}
		values := s.newRows()
		for i, o := range outcomes {
			ours[i] = finished[o.JobID]
			if !ours[i] {
				continue
			}
			if err := addAttempt(values, o.JobID, o.Attempt); err != nil {
				return err
			}
		}
		return insertAttempts(ctx, tx, values)
	})
	return ours, err
}

func (s *Store) finishRows(ctx context.Context, tx *sql.Tx, outcomes []hook.Outcome) (map[int64]bool, error) {
	sorted := slices.Clone(outcomes)
	slices.SortFunc(sorted, func(a, b hook.Outcome) int { return int(a.JobID - b.JobID) })
	values := s.newRows()
	for i, o := range sorted {
		status := 0
		if o.Attempt.Response != nil {
			status = o.Attempt.Response.Status
		}
		row := []any{o.JobID, o.Lease, string(o.Status), o.StatusMessage, status, o.RetryIn.Microseconds()}
		if i == 0 { // the first row's types are the column's
			values.addTyped([]string{"bigint", "text", "text", "text", "bigint", "bigint"}, row...)
			continue
		}
		values.add(row...)
	}
	result, err := tx.QueryContext(ctx, `WITH o (id, lease, status, message, http_status, retry_in) AS (VALUES `+values.String()+`)
		UPDATE webhook_job SET status = o.status, status_message = o.message, attempts = attempts + 1,
			http_status = o.http_status, next_at = `+s.d.Now+` + o.retry_in, lease_token = '', update_time = `+s.d.Now+`
		FROM o WHERE webhook_job.id = o.id AND webhook_job.status = 'running' AND webhook_job.lease_token = o.lease
		RETURNING webhook_job.id`, values.args...)
	if err != nil {
		return nil, fmt.Errorf("finish %d jobs: %w", len(outcomes), err)
	}
	finished := make(map[int64]bool, len(outcomes))
	err = eachRow(result, func() error {
		var id int64
		err := result.Scan(&id)
		finished[id] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("finish %d jobs: %w", len(outcomes), err)
	}
	return finished, nil
}

// addAttempt appends the row of one attempt.
func addAttempt(values *rows, jobID int64, a hook.Attempt) error {
	requestHeaders, err := json.Marshal(a.Request.Headers)
	if err != nil {
		return fmt.Errorf("request headers of job %d: %w", jobID, err)
	}
	var r hook.Response
	if a.Response != nil {
		r = *a.Response
	}
	responseHeaders, err := json.Marshal(r.Headers)
	if err != nil {
		return fmt.Errorf("response headers of job %d: %w", jobID, err)
	}
	values.add(jobID, a.Number, micros(a.StartedAt), a.Duration.Microseconds(), string(a.Result), storable(a.Error), a.RemoteAddr,
		storable(a.Request.URL), string(requestHeaders), r.Status, string(responseHeaders), storable(r.Body), r.Truncated)
	return nil
}

func insertAttempts(ctx context.Context, tx *sql.Tx, values *rows) error {
	if len(values.args) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO webhook_attempt (job_id, number, started_at, duration, result, error, remote_addr,
		request_url, request_headers, response_status, response_headers, response_body, response_truncated)
		VALUES `+values.String()+` ON CONFLICT (job_id, number) DO NOTHING`, values.args...)
	if err != nil {
		return fmt.Errorf("insert attempts: %w", err)
	}
	return nil
}

// maxInterruptions is how often an attempt may be cut off by a crash and
// repeated; one more ends the job.
const maxInterruptions = 3

// Recover takes back the jobs whose lease has run out: the worker that held them
// is gone. Each gets an attempt that says "interrupted", which does not count,
// and is due at once; after maxInterruptions of them the job ends with an error.
// It returns how many jobs it took back. lease is the length that Claim was given.
func (s *Store) Recover(ctx context.Context, lease time.Duration) (int, error) {
	recovered := 0
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		values := s.newRows()
		result, err := tx.QueryContext(ctx, `UPDATE webhook_job SET interruptions = interruptions + 1,
				status = CASE WHEN interruptions >= $1 THEN 'error' WHEN attempts > 0 THEN 'scheduled' ELSE 'pending' END,
				status_message = CASE WHEN interruptions >= $1 THEN 'interrupted too often' ELSE 'interrupted' END,
				lease_token = '', next_at = `+s.d.Now+`, update_time = `+s.d.Now+`
			WHERE id IN (SELECT id FROM webhook_job WHERE status = 'running' AND lease_until < `+s.d.Now+`
				ORDER BY lease_until LIMIT 500 `+s.d.SkipLocked+`)
			RETURNING id, attempts + interruptions, lease_until, target`, maxInterruptions)
		if err != nil {
			return err
		}
		err = eachRow(result, func() error {
			var id, until int64
			a := hook.Attempt{Result: hook.ResultInterrupted, Error: "the process that made this attempt ended before it was over"}
			if err := result.Scan(&id, &a.Number, &until, &a.Request.URL); err != nil {
				return err
			}
			a.StartedAt, a.Duration = timeOf(until).Add(-lease), 0
			recovered++
			return addAttempt(values, id, a)
		})
		if err != nil {
			return err
		}
		return insertAttempts(ctx, tx, values)
	})
	return recovered, s.wrap("take back jobs", err)
}

package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
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
	finish, attempts, err := outcomeRows(outcomes)
	if err != nil {
		return nil, err
	}
	var ids []int64
	if s.d.OneStatement {
		ids, err = s.finishAtOnce(ctx, finish, attempts)
	} else {
		ids, err = s.finishInSteps(ctx, finish, attempts)
	}
	if err != nil {
		return nil, fmt.Errorf("finish %d jobs: %w", len(outcomes), err)
	}
	ours := make([]bool, len(outcomes))
	for i, o := range outcomes {
		ours[i] = slices.Contains(ids, o.JobID)
	}
	return ours, nil
}

// finishAtOnce returns the ids of the jobs whose lease was right.
func (s *Store) finishAtOnce(ctx context.Context, finish, attempts [][]any) ([]int64, error) {
	ours, err := s.joined(ctx, s.hot, []part{{"ours", s.sql.finish, finish}, {"recorded", s.sql.attemptsOfOurs, attempts}}, finished)
	if err != nil {
		return nil, err
	}
	return column[int64](ours)
}

const finished = `SELECT id FROM ours`

// finishInSteps is finishAtOnce for databases that cannot join statements.
func (s *Store) finishInSteps(ctx context.Context, finish, attempts [][]any) (ids []int64, err error) {
	if err := s.prepareEach(ctx, s.sql.finish, s.sql.attempts); err != nil {
		return nil, err
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		err := s.writeRows(ctx, tx, s.sql.finish, finish, func(ours *sql.Rows) error {
			var id int64
			err := ours.Scan(&id)
			ids = append(ids, id)
			return err
		}, func(row []any, _ int64) { ids = append(ids, row[0].(int64)) })
		if err != nil {
			return err
		}
		attempts = slices.DeleteFunc(attempts, func(row []any) bool { return !slices.Contains(ids, row[0].(int64)) })
		return s.insertAttempts(ctx, tx, attempts)
	})
	return ids, err
}

// errTwice refuses to join outcomes of one job under two leases, of which only one
// is valid.
var errTwice = errors.New("two outcomes of one job")

// outcomeRows are the rows of outcomes and of their attempts, in the order of the
// jobs' ids.
func outcomeRows(outcomes []hook.Outcome) (finish, attempts [][]any, err error) {
	sorted := slices.SortedFunc(slices.Values(outcomes), func(a, b hook.Outcome) int { return cmp.Compare(a.JobID, b.JobID) })
	for i, o := range sorted {
		if i > 0 && o.JobID == sorted[i-1].JobID {
			return nil, nil, errTwice // the batcher tries them one by one
		}
		status := 0
		if o.Attempt.Response != nil {
			status = o.Attempt.Response.Status
		}
		finish = append(finish, []any{o.JobID, o.Lease, string(o.Status), o.StatusMessage, status, o.RetryIn.Microseconds()})
		row, err := attemptRow(o.JobID, o.Attempt)
		if err != nil {
			return nil, nil, err
		}
		attempts = append(attempts, row)
	}
	return finish, attempts, nil
}

// attemptRow returns the row of one attempt.
func attemptRow(jobID int64, a hook.Attempt) ([]any, error) {
	requestHeaders, err := json.Marshal(a.Request.Headers)
	if err != nil {
		return nil, fmt.Errorf("request headers of job %d: %w", jobID, err)
	}
	var r hook.Response
	if a.Response != nil {
		r = *a.Response
	}
	responseHeaders, err := json.Marshal(r.Headers)
	if err != nil {
		return nil, fmt.Errorf("response headers of job %d: %w", jobID, err)
	}
	return []any{
		jobID, a.Number, micros(a.StartedAt), a.Duration.Microseconds(), string(a.Result), storable(a.Error), a.RemoteAddr,
		storable(a.Request.URL), string(requestHeaders), r.Status, string(responseHeaders), storable(r.Body), r.Truncated,
	}, nil
}

func (s *Store) insertAttempts(ctx context.Context, tx *sql.Tx, attempts [][]any) error {
	if err := s.exec(ctx, tx, s.sql.attempts, attempts); err != nil {
		return fmt.Errorf("insert %d attempts: %w", len(attempts), err)
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
		var attempts [][]any
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
			row, err := attemptRow(id, a)
			attempts = append(attempts, row)
			return err
		})
		if err != nil {
			return err
		}
		return s.insertAttempts(ctx, tx, attempts)
	})
	return recovered, s.wrap("take back jobs", err)
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Purge removes up to most finished jobs that were created longer ago than age,
// with their attempts, among the ones after an id; unfinished ones stay. It
// returns the id to go on after, or 0 when it has come to jobs that are younger.
func (s *Store) Purge(ctx context.Context, age time.Duration, after int64, most int) (next int64, purged int, err error) {
	w := &where{}
	w.and("id > " + w.arg(after))
	return s.purge(ctx, age, most, w)
}

// Surplus returns, for every policy with more than keep final jobs, the newest job
// that is beyond them; also for policies that are gone.
func (s *Store) Surplus(ctx context.Context, keep int) (map[int64]int64, error) {
	policies, err := s.jobPolicies(ctx)
	if err != nil {
		return nil, s.wrap("count deliveries", err)
	}
	surplus := map[int64]int64{}
	for _, policy := range policies {
		var newest int64
		err := s.read.QueryRowContext(ctx, `SELECT id FROM webhook_job WHERE policy_id = $1 AND status IN ('finished', 'error', 'stopped')
			ORDER BY id DESC LIMIT 1 OFFSET $2`, policy, keep).Scan(&newest)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, s.wrap("count the deliveries of a policy", err)
		}
		surplus[policy] = newest
	}
	return surplus, nil
}

// jobPolicies lists the policies that jobs are kept of, stepping through the index
// from one to the next.
func (s *Store) jobPolicies(ctx context.Context) ([]int64, error) {
	result, err := s.read.QueryContext(ctx, `WITH RECURSIVE kept (policy_id) AS (
			SELECT min(policy_id) FROM webhook_job
			UNION ALL
			SELECT (SELECT min(j.policy_id) FROM webhook_job j WHERE j.policy_id > kept.policy_id)
			FROM kept WHERE kept.policy_id IS NOT NULL
		) SELECT policy_id FROM kept WHERE policy_id IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("list the policies of jobs: %w", err)
	}
	return column[int64](result)
}

// PurgeSurplus is Purge for one policy's jobs up to newest.
func (s *Store) PurgeSurplus(ctx context.Context, policyID, newest int64, age time.Duration, after int64, most int) (next int64, purged int, err error) {
	w := &where{}
	w.and("policy_id = " + w.arg(policyID))
	w.and("id > " + w.arg(after))
	w.and("id <= " + w.arg(newest))
	return s.purge(ctx, age, most, w)
}

// purge is Purge for the jobs of a condition.
func (s *Store) purge(ctx context.Context, age time.Duration, most int, of *where) (next int64, purged int, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		old, last, err := s.oldJobs(ctx, tx, age, most, of)
		if err != nil || last == 0 {
			return err
		}
		next = last
		if len(old) == 0 {
			return nil
		}
		if err := s.purgeTallies(ctx, tx, old); err != nil {
			return err
		}
		for _, table := range []string{"webhook_attempt WHERE job_id ", "webhook_job WHERE id "} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+fmt.Sprintf(s.d.In, "$1"), s.d.IDs(old)); err != nil {
				return fmt.Errorf("delete %d jobs: %w", len(old), err)
			}
		}
		purged = len(old)
		return s.purgeSearch(ctx, tx, old)
	})
	if err != nil {
		return 0, 0, s.wrap("purge jobs", err)
	}
	return next, purged, nil
}

// oldJobs lists the final ones of the next jobs that are older than the age, and
// the last of them all; 0 if there is none.
func (s *Store) oldJobs(ctx context.Context, tx *sql.Tx, age time.Duration, most int, of *where) (old []int64, last int64, err error) {
	query := `SELECT id, status IN ('finished', 'error', 'stopped'), creation_time < ` + s.d.Now + ` - ` + of.arg(age.Microseconds()) + `
		FROM webhook_job WHERE ` + of.String() + ` ORDER BY id LIMIT ` + of.arg(most)
	result, err := tx.QueryContext(ctx, query, of.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("list old jobs: %w", err)
	}
	young := false
	err = eachRow(result, func() error {
		var id int64
		var final, aged bool
		if err := result.Scan(&id, &final, &aged); err != nil {
			return err
		}
		if young = young || !aged; young {
			return nil
		}
		if last = id; final {
			old = append(old, id)
		}
		return nil
	})
	return old, last, err
}

// PurgeEvents removes up to most of the oldest events, if they are complete and older than
// age. It returns how many.
func (s *Store) PurgeEvents(ctx context.Context, age time.Duration, most int) (int, error) {
	result, err := s.write.ExecContext(ctx, `DELETE FROM webhook_event WHERE id IN (
		SELECT id FROM (SELECT id, creation_time FROM webhook_event ORDER BY id LIMIT $1) AS oldest WHERE creation_time < `+s.d.Now+` - $2) AND complete_at = 0`,
		most, age.Microseconds())
	if err != nil {
		return 0, s.wrap("purge events", err)
	}
	n, err := result.RowsAffected()
	return int(n), s.wrap("purge events", err)
}

// Waiting counts the waiting jobs, up to most. Every origin is one of those that it
// asks for: that has SQLite take the index of the waiting jobs, and not go through
// all that there ever were.
func (s *Store) Waiting(ctx context.Context, most int) (int, error) {
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM (
		SELECT 1 FROM webhook_job WHERE status IN ('pending', 'scheduled') AND origin >= '' LIMIT $1) AS waiting`, most).Scan(&n)
	return n, s.wrap("count the waiting jobs", err)
}

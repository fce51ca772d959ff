package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// outcomesJobs bounds the jobs that are read one by one for the outcomes of policies.
const outcomesJobs = 5000

// RecentOutcomes counts how the jobs of policies since a time ended. Whole hours come
// from the tallies, the rest from the jobs: if there are too many of those, some are
// left out, and the outcomes say that there are more.
func (s *Store) RecentOutcomes(ctx context.Context, projectID int64, policies []int64, since time.Time) (map[int64]hook.Outcomes, error) {
	counted := make(map[int64]hook.Outcomes, len(policies))
	if len(policies) == 0 {
		return counted, nil
	}
	after, err := lastJobBefore(ctx, s.read, since.Add(-clockSlack))
	if err != nil {
		return nil, s.wrap("count outcomes", err)
	}
	err = s.inSnapshot(ctx, func(tx *sql.Tx) error {
		q := &outcomesQuery{Store: s, tx: tx, project: projectID, policies: policies, since: since, after: after, counted: counted}
		return q.run(ctx)
	})
	if err != nil {
		return nil, s.wrap("count outcomes", err)
	}
	return counted, nil
}

// outcomesQuery reads how the jobs of policies ended.
type outcomesQuery struct {
	*Store
	tx       *sql.Tx
	project  int64
	policies []int64
	since    time.Time
	after    int64 // jobs up to this id are older than since
	counted  map[int64]hook.Outcomes
}

func (q *outcomesQuery) run(ctx context.Context) error {
	whole := q.since.UTC().Truncate(time.Hour)
	if whole.Before(q.since) {
		whole = whole.Add(time.Hour)
	}
	if err := q.tallied(ctx, whole); err != nil {
		return err
	}
	var mark int64
	if err := q.tx.QueryRowContext(ctx, `SELECT job_id FROM webhook_tally_mark`).Scan(&mark); err != nil {
		return fmt.Errorf("read the mark of the tallies: %w", err)
	}
	w := q.jobsWhere(q.project, hook.JobFilter{Since: q.since, Until: whole.Add(-time.Microsecond)}, idBounds{after: q.after, upTo: mark})
	if whole.After(q.since) && mark > 0 {
		if err := q.jobs(ctx, w); err != nil {
			return err
		}
	}
	w = q.jobsWhere(q.project, hook.JobFilter{Since: q.since}, idBounds{after: max(q.after, mark)})
	if err := q.jobs(ctx, w); err != nil {
		return err
	}
	w = q.jobsWhere(q.project, hook.JobFilter{Since: whole}, idBounds{})
	more, err := narrowToLater(ctx, q.tx, w, q.project, idBounds{after: q.after}, outcomesJobs)
	if err != nil {
		return err
	}
	if err := q.jobs(ctx, w); err != nil {
		return err
	}
	if more {
		q.notAll()
	}
	return nil
}

// tallied adds the tallies from an hour on.
func (q *outcomesQuery) tallied(ctx context.Context, from time.Time) error {
	in := fmt.Sprintf(q.d.In, "$3")
	result, err := q.tx.QueryContext(ctx, `SELECT policy_id, bucket, sum(jobs) FROM webhook_tally
		WHERE project_id = $1 AND hours = 1 AND hour >= $2 AND policy_id `+in+` GROUP BY policy_id, bucket`, q.project, hourOf(micros(from)), q.d.IDs(q.policies))
	if err != nil {
		return fmt.Errorf("read tallies: %w", err)
	}
	return eachRow(result, func() error {
		var policy int64
		var bucket, jobs int
		if err := result.Scan(&policy, &bucket, &jobs); err != nil {
			return err
		}
		o := q.counted[policy]
		switch bucket {
		case bucketFailed:
			o.Failed += jobs
		case bucketStopped:
			o.Other += jobs
		default:
			o.Delivered += jobs
		}
		q.counted[policy] = o
		return nil
	})
}

// jobs adds the jobs of a condition, whether they are over or not.
func (q *outcomesQuery) jobs(ctx context.Context, w *where) error {
	first := `SELECT policy_id, status FROM webhook_job WHERE ` + w.String() + ` ORDER BY id DESC LIMIT ` + w.arg(outcomesJobs+1)
	in := fmt.Sprintf(q.d.In, w.arg(q.d.IDs(q.policies)))
	result, err := q.tx.QueryContext(ctx, `SELECT policy_id, status, count(*) FROM (`+first+`) AS j WHERE policy_id `+in+` GROUP BY policy_id, status`, w.args...)
	if err != nil {
		return fmt.Errorf("read jobs: %w", err)
	}
	all := 0
	err = eachRow(result, func() error {
		var policy int64
		var status hook.Status
		var n int
		if err := result.Scan(&policy, &status, &n); err != nil {
			return err
		}
		o := q.counted[policy]
		switch status {
		case hook.StatusFinished:
			o.Delivered += n
		case hook.StatusError:
			o.Failed += n
		default:
			o.Other += n
		}
		all += n
		q.counted[policy] = o
		return nil
	})
	if all > outcomesJobs {
		q.notAll()
	}
	return err
}

// notAll says of every policy that some jobs were left out.
func (q *outcomesQuery) notAll() {
	for _, id := range q.policies {
		o := q.counted[id]
		o.More = true
		q.counted[id] = o
	}
}

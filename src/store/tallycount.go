package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// looseJobs bounds the jobs that are read for a count beside the tallies.
const looseJobs = 5000

// byTallies says whether the jobs of a filter are best counted by tallies: event
// types are in no index of the log, and times only in that of a whole project.
func byTallies(f hook.JobFilter) bool {
	timed := !f.Since.IsZero() || !f.Until.IsZero()
	return inTallies(f) && f.Text == "" && (len(f.HookTypes) > 0 || timed && (f.PolicyID != 0 || len(f.Statuses) > 0))
}

// jobsByTallies is Jobs for a filter that byTallies accepts. It is not known if too many
// jobs would have to be read for the total.
func (s *Store) jobsByTallies(ctx context.Context, projectID int64, f hook.JobFilter, bounds idBounds, page hook.JobPage) (jobs []hook.Job, total int, known bool, err error) {
	q := &jobCount{Store: s, project: projectID, filter: f, bounds: bounds, policies: map[int64]jobsOfPolicy{}}
	var scattered bool
	var ids []int64
	err = s.inSnapshot(ctx, func(tx *sql.Tx) error {
		q.tx = tx
		if known, err = q.run(ctx); err != nil || !known || len(f.HookTypes) == 0 || q.total().meant <= page.Offset {
			return err
		}
		if scattered = q.scattered(page); scattered {
			ids, err = q.ids(ctx, page)
		}
		return err
	})
	total = q.total().meant
	switch {
	case err != nil || !known:
		return nil, 0, false, err
	case total <= page.Offset:
		return nil, total, true, nil
	case scattered:
		jobs, err = s.jobsOf(ctx, projectID, ids, page.Ascending)
	default:
		jobs, err = s.pageOfJobs(ctx, s.jobsWhere(projectID, f, bounds), page)
	}
	return jobs, total, true, err
}

// jobCount counts the jobs of a filter by tallies, and one by one what those do not
// know yet.
type jobCount struct {
	*Store
	tx       *sql.Tx
	project  int64
	filter   hook.JobFilter
	bounds   idBounds
	policies map[int64]jobsOfPolicy
}

// jobsOfPolicy is how many jobs of a policy there are: those of the filter, those of its
// event types and time, whatever their status, and those of about its time.
type jobsOfPolicy struct{ meant, typed, all int }

func (n jobsOfPolicy) plus(m jobsOfPolicy) jobsOfPolicy {
	return jobsOfPolicy{n.meant + m.meant, n.typed + m.typed, n.all + m.all}
}

// total adds up all policies.
func (q *jobCount) total() (sum jobsOfPolicy) {
	for _, n := range q.policies {
		sum = sum.plus(n)
	}
	return sum
}

// run counts, unless too many jobs would have to be read for that.
func (q *jobCount) run(ctx context.Context) (known bool, err error) {
	var mark, now int64
	if err := q.tx.QueryRowContext(ctx, `SELECT job_id, `+q.d.Now+` FROM webhook_tally_mark`).Scan(&mark, &now); err != nil {
		return false, fmt.Errorf("read the mark of the tallies: %w", err)
	}
	f := q.filter
	if f.Until.IsZero() {
		f.Until = timeOf(now)
	}
	from, to := wholeHours(f.Since, f.Until, timeOf(now))
	if !from.Before(to) {
		return false, nil
	}
	for _, part := range tallyParts(from, to, true) {
		if err := q.tallied(ctx, part); err != nil {
			return false, err
		}
	}
	return q.loose(ctx, from, to, mark)
}

// tallied adds tallies.
func (q *jobCount) tallied(ctx context.Context, of tallyPart) error {
	w := talliesWhere(q.project, hook.JobFilter{PolicyID: q.filter.PolicyID}, of)
	typed := &where{args: w.args}
	typed.and("true")
	typed.in("hook_type", textsOf(q.filter.HookTypes))
	meant := typed.String()
	if len(q.filter.Statuses) > 0 {
		meant += " AND (" + bucketsOf(q.filter.Statuses) + ")"
	}
	_, err := q.add(ctx, `SELECT policy_id, sum(CASE WHEN `+meant+` THEN jobs ELSE 0 END), sum(CASE WHEN `+typed.String()+` THEN jobs ELSE 0 END), sum(jobs)
		FROM webhook_tally WHERE `+w.String()+` GROUP BY policy_id`, typed.args)
	return err
}

// add adds the numbers of policies, and returns how many jobs they are made of.
func (q *jobCount) add(ctx context.Context, query string, args []any) (all int, err error) {
	result, err := q.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("count jobs: %w", err)
	}
	err = eachRow(result, func() error {
		var policy int64
		var n jobsOfPolicy
		err := result.Scan(&policy, &n.meant, &n.typed, &n.all)
		q.policies[policy] = q.policies[policy].plus(n)
		all += n.all
		return err
	})
	return all, err
}

// loose adds the jobs of hours that are cut, those behind the mark, and those that
// were not over when it passed them.
func (q *jobCount) loose(ctx context.Context, from, to time.Time, mark int64) (known bool, err error) {
	before, after, whole := q.filter, q.filter, q.filter
	before.Until, after.Since = from.Add(-time.Microsecond), to
	whole.Since, whole.Until = from, to.Add(-time.Microsecond)
	if !q.filter.Until.IsZero() {
		whole.Until = earlier(whole.Until, q.filter.Until)
	}
	for _, part := range []hook.JobFilter{before, after} {
		if part.Since.After(part.Until) || part.Since.IsZero() || part.Until.IsZero() {
			continue // nothing is cut
		}
		bounds, err := idBoundsIn(ctx, q.tx, part)
		if err != nil {
			return false, err
		}
		if known, err := q.read(ctx, part, q.jobsWhere(q.project, hook.JobFilter{}, bounds)); err != nil || !known {
			return known, err
		}
	}
	behind := idBounds{after: max(q.bounds.after, mark), upTo: q.bounds.upTo}
	if known, err := q.read(ctx, whole, q.jobsWhere(q.project, hook.JobFilter{}, behind)); err != nil || !known {
		return known, err
	}
	later := &where{}
	if more, err := narrowToLater(ctx, q.tx, later, q.project, q.bounds, looseJobs); err != nil || more {
		return false, err
	}
	return q.read(ctx, whole, later)
}

// read adds those jobs of some that a filter lets through, unless they are too many to
// be read.
func (q *jobCount) read(ctx context.Context, f hook.JobFilter, some *where) (known bool, err error) {
	first := `SELECT id, project_id, policy_id, hook_type, creation_time, status FROM webhook_job WHERE ` + some.String() + ` ORDER BY id LIMIT ` + some.arg(looseJobs+1)
	every := f
	every.Statuses = nil
	typed := q.jobsWhereFrom(some.args, q.project, every, idBounds{})
	meant := q.jobsWhereFrom(typed.args, q.project, f, idBounds{})
	all, err := q.add(ctx, `SELECT policy_id, sum(CASE WHEN `+meant.String()+` THEN 1 ELSE 0 END), sum(CASE WHEN `+typed.String()+` THEN 1 ELSE 0 END), count(*)
		FROM (`+first+`) AS j GROUP BY policy_id`, meant.args)
	return all <= looseJobs, err
}

// scattered says whether a page would have to be looked for in more jobs than there
// are of the event types: ids in order are narrowed by no type.
func (q *jobCount) scattered(page hook.JobPage) bool {
	n := q.total()
	part := float64(page.Offset+page.Limit) / float64(n.meant)
	return float64(n.typed) < float64(n.all)*min(part, 1)
}

// ids returns those of a page. It reads all jobs of the event types, by policy.
func (q *jobCount) ids(ctx context.Context, page hook.JobPage) ([]int64, error) {
	var policies []int64
	for id, n := range q.policies {
		if n.typed > 0 {
			policies = append(policies, id)
		}
	}
	w := q.jobsWhere(q.project, q.filter, q.bounds)
	w.and("policy_id " + fmt.Sprintf(q.d.In, w.arg(q.d.IDs(policies))))
	// Jobs are found before they are ordered: a database that would go through them in
	// order, in the hope of many, reads all of them.
	result, err := q.tx.QueryContext(ctx, `WITH found AS MATERIALIZED (SELECT id FROM webhook_job WHERE `+w.String()+`)
		SELECT id FROM found ORDER BY id `+direction(page.Ascending)+` LIMIT `+w.arg(page.Limit)+` OFFSET `+w.arg(page.Offset), w.args...)
	if err != nil {
		return nil, fmt.Errorf("look for jobs of event types: %w", err)
	}
	return column[int64](result)
}

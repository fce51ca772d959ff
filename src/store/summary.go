package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

const (
	// summaryJobs is how many of the jobs that no tally knows a summary reads at most; if
	// there are more, it reads a sample.
	summaryJobs = 4000
	// maxSummarySteps bounds the steps of a span.
	maxSummarySteps = 1000
)

// summedJob is what a summary needs of a job.
type summedJob struct {
	id       int64
	created  int64
	status   hook.Status
	duration int64 // of the last attempt, microseconds; -1: none
	meant    int   // 1 if the filter lets the job through
}

// Summary counts the jobs of a filter that were created from f.Since (to f.Until or
// now) in steps. Whole hours come from the tallies, the rest from the jobs; the filter
// may narrow by policy, event type and status for that. It reads a bounded number of
// jobs: if there are more, the numbers are estimates from a sample. The times that
// attempts took are told to within 5 %. The filter's Text is not looked for.
func (s *Store) Summary(ctx context.Context, projectID int64, f hook.JobFilter, step time.Duration) (hook.Summary, error) {
	f.Text = ""
	now, err := s.now(ctx)
	if err != nil {
		return hook.Summary{}, s.wrap("sum up jobs", err)
	}
	if f.Until.IsZero() {
		f.Until = timeOf(now)
	}
	sum := newSummary(f.Since, f.Until, step)
	if len(sum.Steps) == 0 {
		return sum.Summary, nil
	}
	err = s.inSnapshot(ctx, func(tx *sql.Tx) error {
		q := &summaryQuery{Store: s, tx: tx, project: projectID, filter: f, sum: sum}
		return q.run(ctx, timeOf(now))
	})
	if err != nil {
		return hook.Summary{}, s.wrap("sum up jobs", err)
	}
	sum.finish()
	return sum.Summary, nil
}

// inSnapshot runs f in a transaction that reads, all of whose statements see the same,
// and use indexes: nothing may go through all jobs.
func (s *Store) inSnapshot(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{Isolation: s.d.Snapshot, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	if s.d.PreferIndex != "" {
		if _, err := tx.ExecContext(ctx, s.d.PreferIndex); err != nil {
			return fmt.Errorf("prefer indexes: %w", err)
		}
	}
	return f(tx)
}

// summaryQuery reads what a summary is made of.
type summaryQuery struct {
	*Store
	tx      *sql.Tx
	project int64
	filter  hook.JobFilter
	sum     *summing
}

// run takes whole hours from the tallies, and the jobs before, after and behind them.
func (q *summaryQuery) run(ctx context.Context, now time.Time) error {
	from, to := wholeHours(q.filter.Since, q.filter.Until, now)
	if !inTallies(q.filter) || q.sum.step%time.Hour != 0 || !from.Before(to) {
		return q.jobs(ctx, q.filter)
	}
	if err := q.tallied(ctx, from, to); err != nil {
		return err
	}
	before, after := q.filter, q.filter
	before.Until = earlier(before.Until, from.Add(-time.Microsecond))
	after.Since = to
	for _, part := range []hook.JobFilter{before, after} {
		if part.Since.After(part.Until) {
			continue
		}
		if err := q.jobs(ctx, part); err != nil {
			return err
		}
	}
	return q.untallied(ctx, from, earlier(q.filter.Until, to.Add(-time.Microsecond)))
}

// inTallies says whether a filter narrows by nothing but what jobs are counted by.
func inTallies(f hook.JobFilter) bool {
	f.Since, f.Until, f.Statuses, f.HookTypes, f.PolicyID = time.Time{}, time.Time{}, nil, nil, 0
	return f.ID == 0 && f.Repository == "" && f.Tag == "" && f.Digest == "" && f.HTTPStatus == 0
}

// wholeHours returns the hours that lie within a span. The one that is not over yet
// does, since nothing is created later than now.
func wholeHours(since, until, now time.Time) (from, to time.Time) {
	from = since.UTC().Truncate(time.Hour)
	if from.Before(since) {
		from = from.Add(time.Hour)
	}
	if !until.Before(now) {
		return from, now.Add(clockSlack).Truncate(time.Hour).Add(time.Hour)
	}
	return from, until.Add(time.Microsecond).Truncate(time.Hour)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// tallied adds the tallies of whole hours, of days where steps are days.
func (q *summaryQuery) tallied(ctx context.Context, from, to time.Time) error {
	for _, part := range tallyParts(from, to, q.sum.step%(oneDay*time.Hour) == 0) {
		if err := q.tallies(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// tallyPart is a span of time, and the tallies to take there: of so many hours each.
type tallyPart struct {
	hours    int
	from, to time.Time
}

// tallyParts divides whole hours into those whose days are not whole, and into whole
// days if they are wanted.
func tallyParts(from, to time.Time, days bool) []tallyPart {
	const day = oneDay * time.Hour
	first, last := from.Add(day-1).Truncate(day), to.Truncate(day)
	if !days || !first.Before(last) {
		return []tallyPart{{oneHour, from, to}}
	}
	parts := []tallyPart{{oneHour, from, first}, {oneDay, first, last}, {oneHour, last, to}}
	return slices.DeleteFunc(parts, func(p tallyPart) bool { return !p.from.Before(p.to) })
}

// tallies adds the tallies of a part.
func (q *summaryQuery) tallies(ctx context.Context, part tallyPart) error {
	w := talliesWhere(q.project, q.filter, part)
	step := w.arg(q.sum.step.Microseconds() / time.Hour.Microseconds())
	origin := w.arg(hourOf(micros(q.sum.Steps[0].Start)))
	result, err := q.tx.QueryContext(ctx, `SELECT (hour - `+origin+`) / `+step+` AS step, bucket, sum(jobs) FROM webhook_tally WHERE `+w.String()+` GROUP BY step, bucket`, w.args...)
	if err != nil {
		return fmt.Errorf("read tallies: %w", err)
	}
	return eachRow(result, func() error {
		var step, bucket int
		var jobs int64
		if err := result.Scan(&step, &bucket, &jobs); err != nil {
			return err
		}
		q.sum.count(step, bucket, jobs)
		return nil
	})
}

// talliesWhere returns the condition of a filter for the tallies of a part.
func talliesWhere(project int64, f hook.JobFilter, part tallyPart) *where {
	w := &where{}
	w.and("project_id = " + w.arg(project))
	w.and("hours = " + w.arg(part.hours))
	w.and("hour >= " + w.arg(hourOf(micros(part.from))))
	w.and("hour < " + w.arg(hourOf(micros(part.to))))
	if f.PolicyID != 0 {
		w.and("policy_id = " + w.arg(f.PolicyID))
	}
	w.in("hook_type", textsOf(f.HookTypes))
	if len(f.Statuses) > 0 {
		w.and("(" + bucketsOf(f.Statuses) + ")")
	}
	return w
}

// bucketsOf is the condition that a bucket is one of these statuses'.
func bucketsOf(statuses []hook.Status) string {
	conditions := []string{"false"}
	for _, status := range statuses {
		switch status { //nolint:exhaustive // the others are in no tally
		case hook.StatusFinished:
			conditions = append(conditions, "bucket >= "+strconv.Itoa(bucketDelivered))
		case hook.StatusError:
			conditions = append(conditions, "bucket = "+strconv.Itoa(bucketFailed))
		case hook.StatusStopped:
			conditions = append(conditions, "bucket = "+strconv.Itoa(bucketStopped))
		}
	}
	return strings.Join(conditions, " OR ")
}

// untallied adds the jobs that no tally knows yet: those behind the mark, and those
// that were not over when it passed them.
func (q *summaryQuery) untallied(ctx context.Context, since, until time.Time) error {
	var mark int64
	if err := q.tx.QueryRowContext(ctx, `SELECT job_id FROM webhook_tally_mark`).Scan(&mark); err != nil {
		return fmt.Errorf("read the mark of the tallies: %w", err)
	}
	f := q.filter
	f.Since, f.Until = since, until
	bounds, err := idBoundsIn(ctx, q.tx, f)
	if err != nil {
		return err
	}
	behind := bounds
	behind.after = max(bounds.after, mark)
	if err := q.jobsWithin(ctx, f, behind); err != nil {
		return err
	}
	w := q.jobsWhere(q.project, f, idBounds{})
	more, err := narrowToLater(ctx, q.tx, w, q.project, bounds, summaryJobs)
	if err != nil {
		return err
	}
	q.sum.Estimated = q.sum.Estimated || more // those beyond may be over by now
	w.and("status IN ('finished', 'error', 'stopped')")
	jobs, err := q.read(ctx, `SELECT id, creation_time, status, attempts, 1 AS meant FROM webhook_job WHERE `+w.String(), w.args)
	if err != nil {
		return err
	}
	q.sum.add(stratum{jobs: jobs, weight: 1})
	return nil
}

// jobs adds the jobs of a filter, or a sample of them.
func (q *summaryQuery) jobs(ctx context.Context, f hook.JobFilter) error {
	bounds, err := idBoundsIn(ctx, q.tx, f)
	if err != nil {
		return err
	}
	return q.jobsWithin(ctx, f, bounds)
}

// jobsWithin adds the jobs of a filter, or a sample of them.
func (q *summaryQuery) jobsWithin(ctx context.Context, f hook.JobFilter, bounds idBounds) error {
	many, err := q.surelyMany(ctx, f, bounds)
	if err != nil {
		return err
	}
	if !many {
		jobs, more, err := q.summed(ctx, f, bounds, summaryJobs)
		if err != nil {
			return err
		}
		if !more {
			q.sum.add(stratum{jobs: jobs, weight: 1})
			return nil
		}
	}
	q.sum.Estimated = true
	return q.sample(ctx, f, bounds)
}

// summed reads up to most jobs of some ids, by id, those that the filter refuses too,
// and says whether there are more.
func (q *summaryQuery) summed(ctx context.Context, f hook.JobFilter, bounds idBounds, most int) ([]summedJob, bool, error) {
	// What an index narrows is asked inside the limit, and the rest outside, so that
	// a rare event type does not mean that all jobs are read.
	narrow := indexed(f)
	narrow.Since, narrow.Until = f.Since, f.Until
	inner := q.jobsWhere(q.project, narrow, bounds)
	text := `SELECT id, creation_time, status, attempts, project_id, policy_id, hook_type, repository, tag, digest, http_status
		FROM webhook_job WHERE ` + inner.String() + ` ORDER BY id LIMIT ` + inner.arg(most+1)
	rest := q.jobsWhereFrom(inner.args, q.project, f, idBounds{})
	jobs, err := q.read(ctx, `SELECT id, creation_time, status, attempts, CASE WHEN `+rest.String()+` THEN 1 ELSE 0 END AS meant
		FROM (`+text+`) AS j`, rest.args)
	if len(jobs) > most {
		return jobs[:most], true, err
	}
	return jobs, false, err
}

// read reads jobs, with how long their last attempts took, by id.
func (q *summaryQuery) read(ctx context.Context, jobs string, args []any) ([]summedJob, error) {
	result, err := q.tx.QueryContext(ctx, `SELECT j.id, j.creation_time, j.status, COALESCE(a.duration, -1), j.meant FROM (`+jobs+`) AS j
		LEFT JOIN webhook_attempt a ON a.job_id = j.id AND a.number = j.attempts AND j.status = 'finished' ORDER BY j.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	var read []summedJob
	err = eachRow(result, func() error {
		var j summedJob
		err := result.Scan(&j.id, &j.created, &j.status, &j.duration, &j.meant)
		read = append(read, j)
		return err
	})
	return read, err
}

// summing is a summary in the making.
type summing struct {
	hook.Summary
	step      time.Duration
	delivered []float64
	failed    []float64
	// took counts how long the last attempts of delivered ones took, in microseconds.
	took map[int64]float64
}

func newSummary(since, until time.Time, step time.Duration) *summing {
	sum := &summing{step: step, took: map[int64]float64{}}
	if step <= 0 {
		return sum
	}
	for at := since.UTC().Truncate(step); at.Before(until) && len(sum.Steps) < maxSummarySteps; at = at.Add(step) {
		sum.Steps = append(sum.Steps, hook.SummaryStep{Start: at})
	}
	sum.delivered, sum.failed = make([]float64, len(sum.Steps)), make([]float64, len(sum.Steps))
	return sum
}

// add adds the jobs of a stratum, each to its step, and those they stand for to the
// steps of the time behind them.
func (sum *summing) add(part stratum) {
	var delivered, failed float64
	for _, j := range part.jobs {
		i := int((j.created - micros(sum.Steps[0].Start)) / sum.step.Microseconds())
		if i < 0 || i >= len(sum.Steps) || j.meant == 0 {
			continue
		}
		switch j.status { //nolint:exhaustive // the others have no outcome
		case hook.StatusFinished:
			sum.delivered[i]++
			delivered += part.weight - 1
			if j.duration >= 0 {
				sum.took[j.duration] += part.weight
			}
		case hook.StatusError:
			sum.failed[i]++
			failed += part.weight - 1
		}
	}
	if part.weight > 1 {
		from := part.jobs[len(part.jobs)-1].created
		sum.spread(sum.delivered, delivered, from, part.end)
		sum.spread(sum.failed, failed, from, part.end)
	}
}

// count adds jobs of a bucket to a step.
func (sum *summing) count(step, bucket int, jobs int64) {
	if step < 0 || step >= len(sum.Steps) {
		return
	}
	switch {
	case bucket == bucketFailed:
		sum.failed[step] += float64(jobs)
	case bucket >= bucketDelivered:
		sum.delivered[step] += float64(jobs)
	}
	if bucket >= 0 {
		sum.took[tookOf(bucket)] += float64(jobs)
	}
}

func (sum *summing) finish() {
	delivered, failed := rounded(sum.delivered), rounded(sum.failed)
	for i := range sum.Steps {
		sum.Steps[i].Delivered, sum.Steps[i].Failed = delivered[i], failed[i]
	}
	sum.P50, sum.P95 = sum.quantile(0.5), sum.quantile(0.95)
}

// quantile is the time that such a part of the delivered ones did not exceed.
func (sum *summing) quantile(part float64) time.Duration {
	var all, below float64
	for _, n := range sum.took {
		all += n
	}
	for _, took := range slices.Sorted(maps.Keys(sum.took)) {
		if below += sum.took[took]; below >= all*part {
			return time.Duration(took) * time.Microsecond
		}
	}
	return 0
}

// EventOf returns the event of a project with this id.
func (s *Store) EventOf(ctx context.Context, projectID int64, eventID string) (hook.Event, error) {
	var data string
	err := s.read.QueryRowContext(ctx, `SELECT data FROM webhook_event WHERE event_id = $1 AND project_id = $2`, eventID, projectID).Scan(&data)
	if err != nil {
		return hook.Event{}, s.wrap("read an event", err)
	}
	var e hook.Event
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return hook.Event{}, fmt.Errorf("event %s: %w", eventID, err)
	}
	return e, nil
}

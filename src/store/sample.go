package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/harborhook/harborhook/src/hook"
)

// A sample is made of so many jobs after each of some ids that are spread over the span.
const (
	sampleStrata  = 40
	sampleStratum = 25
)

// stratum is a part of a span: the first jobs of it, how many each of them stands for,
// and when the next stratum begins.
type stratum struct {
	jobs   []summedJob
	weight float64
	end    int64
}

// indexed is the part of a filter that an index of the log narrows.
func indexed(f hook.JobFilter) hook.JobFilter {
	return hook.JobFilter{PolicyID: f.PolicyID, Repository: f.Repository, Tag: f.Tag}
}

// surelyMany says whether there are more jobs than a summary reads, if that can be told
// from an index, which has no times: those around the ends of the span are left out.
func (q *summaryQuery) surelyMany(ctx context.Context, f hook.JobFilter, bounds idBounds) (bool, error) {
	many, err := q.many(ctx, f, bounds)
	if err != nil || !many {
		return false, err
	}
	inside, some, err := insideOf(ctx, q.tx, f, bounds)
	if err != nil || !some {
		return false, err
	}
	return q.many(ctx, f, inside)
}

// many says whether some ids have more jobs, of any time, than a summary reads.
func (q *summaryQuery) many(ctx context.Context, f hook.JobFilter, bounds idBounds) (bool, error) {
	w := q.jobsWhere(q.project, indexed(f), bounds)
	var n int
	err := q.tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM webhook_job WHERE `+w.String()+` LIMIT `+w.arg(summaryJobs+1)+`) AS first`, w.args...).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("count jobs: %w", err)
	}
	return n > summaryJobs, nil
}

// sample adds a part of the jobs of a filter that is spread evenly over their ids, which
// grow with their time.
func (q *summaryQuery) sample(ctx context.Context, f hook.JobFilter, bounds idBounds) error {
	first, _, err := q.outermost(ctx, f, bounds, true)
	if err != nil || first == 0 {
		return err
	}
	last, end, err := q.outermost(ctx, f, bounds, false)
	if err != nil {
		return err
	}
	strata, err := q.strata(ctx, f, first, last)
	if err != nil {
		return err
	}
	for i, part := range strata {
		part.end = end
		if i+1 < len(strata) {
			part.end = strata[i+1].jobs[0].created
		}
		q.sum.add(part)
	}
	return nil
}

// outermost returns the first or the last job of some ids, and when it was created; 0 if
// there is none.
func (q *summaryQuery) outermost(ctx context.Context, f hook.JobFilter, bounds idBounds, ascending bool) (id, created int64, err error) {
	w := q.jobsWhere(q.project, indexed(f), bounds)
	err = q.tx.QueryRowContext(ctx, `SELECT id, creation_time FROM webhook_job WHERE `+w.String()+` ORDER BY id `+direction(ascending)+` LIMIT 1`, w.args...).Scan(&id, &created)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, 0, fmt.Errorf("look for the ends of the jobs: %w", err)
	}
	return id, created, nil
}

// strata reads the first jobs of each of the ranges that make up some ids. A range
// without jobs is left out.
func (q *summaryQuery) strata(ctx context.Context, f hook.JobFilter, first, last int64) ([]stratum, error) {
	sampled, err := q.sampled(ctx, f, first, last)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, part := range sampled {
		ids = append(ids, part.ids...)
	}
	w := q.jobsWhereFrom([]any{q.d.IDs(ids)}, q.project, f, idBounds{})
	jobs, err := q.read(ctx, `SELECT id, creation_time, status, attempts, CASE WHEN `+w.String()+` THEN 1 ELSE 0 END AS meant
		FROM webhook_job WHERE id `+fmt.Sprintf(q.d.In, "$1"), w.args)
	if err != nil {
		return nil, err
	}
	strata := make([]stratum, 0, len(sampled))
	for _, part := range sampled {
		strata = append(strata, stratum{jobs: jobs[:len(part.ids)], weight: part.weight})
		jobs = jobs[len(part.ids):]
	}
	return strata, nil
}

// sampledRange is the ids of the jobs to read of a range, and how many each stands for.
type sampledRange struct {
	ids    []int64
	weight float64
}

// sampled goes from one id to the next in all ranges at once.
func (q *summaryQuery) sampled(ctx context.Context, f hook.JobFilter, first, last int64) ([]sampledRange, error) {
	var rows [][]any
	wide := (last-first)/sampleStrata + 1
	for low := first - 1; low < last; low += wide {
		rows = append(rows, []any{low, min(low+wide, last)})
	}
	source, args := q.d.Values(1, []Column{{"low", "bigint"}, {"high", "bigint"}}, rows)
	w := q.jobsWhereFrom(args, q.project, indexed(f), idBounds{})
	next := func(after string) string {
		return `(SELECT id FROM webhook_job WHERE ` + w.String() + ` AND id > ` + after + ` AND id <= high ORDER BY id LIMIT 1)`
	}
	result, err := q.tx.QueryContext(ctx, `WITH RECURSIVE ranges AS (`+source+`), walk (low, high, job, number) AS (
			SELECT low, high, `+next("low")+`, 0 FROM ranges
			UNION ALL SELECT low, high, `+next("job")+`, number + 1 FROM walk WHERE job IS NOT NULL AND number < `+w.arg(sampleStratum)+`
		) SELECT low, high, job, number FROM walk WHERE job IS NOT NULL ORDER BY job`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("choose a sample of jobs: %w", err)
	}
	var sampled []sampledRange
	err = eachRow(result, func() error {
		var low, high, id int64
		var number int
		if err := result.Scan(&low, &high, &id, &number); err != nil {
			return err
		}
		if number == 0 {
			sampled = append(sampled, sampledRange{weight: 1})
		}
		part := &sampled[len(sampled)-1]
		if number < sampleStratum {
			part.ids = append(part.ids, id)
		} else {
			part.weight = float64(high-low) / float64(id-1-low) // as dense as those before
		}
		return nil
	})
	return sampled, err
}

// spread adds jobs to the steps of a time, evenly.
func (sum *summing) spread(to []float64, jobs float64, from, until int64) {
	step, origin := sum.step.Microseconds(), micros(sum.Steps[0].Start)
	until = max(until, from+1)
	for i := max((from-origin)/step, 0); i < int64(len(to)) && origin+i*step < until; i++ {
		begin, end := max(origin+i*step, from), min(origin+(i+1)*step, until)
		to[i] += jobs * float64(end-begin) / float64(until-from)
	}
}

// rounded rounds numbers so that their sum is right: what one is rounded down, the next
// ones have more.
func rounded(numbers []float64) []int {
	whole := make([]int, len(numbers))
	sum, told := 0.0, 0
	for i, n := range numbers {
		sum += n
		whole[i] = int(sum+0.5) - told
		told += whole[i]
	}
	return whole
}

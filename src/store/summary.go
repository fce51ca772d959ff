package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// A summary reads so many jobs at most: all of the span if they are no more, and
// otherwise so many after each of some ids that are spread over the span.
const (
	summaryJobs    = 2000
	summaryStrata  = 40
	summaryStratum = summaryJobs / summaryStrata
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
// now) in steps. It reads a bounded number of jobs: if there are more, the
// numbers are estimates from a sample. The filter's Text is not looked for.
func (s *Store) Summary(ctx context.Context, projectID int64, f hook.JobFilter, step time.Duration) (hook.Summary, error) {
	f.Text = ""
	if f.Until.IsZero() {
		now, err := s.now(ctx)
		if err != nil {
			return hook.Summary{}, s.wrap("sum up jobs", err)
		}
		f.Until = timeOf(now)
	}
	sum := newSummary(f.Since, f.Until, step)
	if len(sum.Steps) == 0 {
		return sum.Summary, nil
	}
	jobs, estimated, err := s.sample(ctx, projectID, f)
	if err != nil {
		return hook.Summary{}, s.wrap("sum up jobs", err)
	}
	for _, part := range jobs {
		sum.add(part)
	}
	sum.Estimated = estimated
	sum.finish()
	return sum.Summary, nil
}

// stratum is a part of a span: the jobs that were read, and how many stand behind
// each of them.
type stratum struct {
	jobs   []summedJob
	weight float64
}

// sample reads the jobs of a filter, or a part of them that is spread evenly over
// their ids, which grow with their time.
func (s *Store) sample(ctx context.Context, projectID int64, f hook.JobFilter) ([]stratum, bool, error) {
	first, err := s.firstID(ctx, projectID, f.Since)
	if err != nil || first == 0 {
		return nil, false, err
	}
	last, err := s.lastID(ctx, projectID)
	if err != nil {
		return nil, false, err
	}
	jobs, more, err := s.summed(ctx, projectID, f, first, last, summaryJobs)
	if err != nil || !more {
		return []stratum{{jobs, 1}}, false, err
	}
	wide := (last-first)/summaryStrata + 1
	var strata []stratum
	for from := first; from <= last; from += wide {
		to := min(from+wide-1, last)
		jobs, more, err := s.summed(ctx, projectID, f, from, to, summaryStratum)
		if err != nil {
			return nil, false, err
		}
		strata = append(strata, stratum{jobs, weight(jobs, more, from, to)})
	}
	return strata, true, nil
}

// weight is how many jobs of the ids from–to each one stands for, if those that
// were read, which are the first, are as dense as the others.
func weight(jobs []summedJob, more bool, from, to int64) float64 {
	if !more || len(jobs) == 0 {
		return 1
	}
	return float64(to-from+1) / float64(jobs[len(jobs)-1].id-from+1)
}

// summed reads up to most jobs of the ids from–to, by id, those that the filter
// refuses too, and says whether there are more.
func (s *Store) summed(ctx context.Context, projectID int64, f hook.JobFilter, from, to int64, most int) ([]summedJob, bool, error) {
	// What an index narrows is asked inside the limit, and the rest outside, so that
	// a rare tag does not mean that all jobs are read.
	inner := s.jobsWhere(projectID, hook.JobFilter{PolicyID: f.PolicyID}, idBounds{})
	inner.and("id >= " + inner.arg(from))
	inner.and("id <= " + inner.arg(to))
	text := `SELECT id, creation_time, status, attempts, project_id, policy_id, hook_type, repository, tag, digest, http_status
		FROM webhook_job WHERE ` + inner.String() + ` ORDER BY id LIMIT ` + inner.arg(most+1)
	rest := s.jobsWhereFrom(inner.args, projectID, f, idBounds{})
	result, err := s.read.QueryContext(ctx, `SELECT j.id, j.creation_time, j.status, COALESCE(a.duration, -1), CASE WHEN `+rest.String()+` THEN 1 ELSE 0 END
		FROM (`+text+`) AS j
		LEFT JOIN webhook_attempt a ON a.job_id = j.id AND a.number = j.attempts AND j.status = 'finished' ORDER BY j.id`, rest.args...)
	if err != nil {
		return nil, false, fmt.Errorf("sample jobs: %w", err)
	}
	var jobs []summedJob
	err = eachRow(result, func() error {
		var j summedJob
		err := result.Scan(&j.id, &j.created, &j.status, &j.duration, &j.meant)
		jobs = append(jobs, j)
		return err
	})
	if len(jobs) > most {
		return jobs[:most], true, err
	}
	return jobs, false, err
}

// firstID returns the first of the project's jobs that were created at or after a
// time, 0 if there is none. It asks for a few jobs only: ids grow with the time.
func (s *Store) firstID(ctx context.Context, projectID int64, since time.Time) (int64, error) {
	low, err := s.jobAt(ctx, projectID, 0)
	if err != nil || low.id == 0 || low.created >= micros(since) {
		return low.id, err
	}
	last, err := s.lastID(ctx, projectID)
	if err != nil {
		return 0, err
	}
	from, to := low.id, last+1 // the job at from is too old, and no job is at to or after it
	found := int64(0)
	for to-from > 1 {
		middle, err := s.jobAt(ctx, projectID, from+(to-from)/2)
		if err != nil {
			return 0, err
		}
		if middle.id == 0 || middle.created >= micros(since) {
			if middle.id != 0 {
				found = middle.id
			}
			to = from + (to-from)/2
			continue
		}
		from = max(middle.id, from+(to-from)/2)
		if from >= to {
			break
		}
	}
	return found, nil
}

// jobAt returns the project's first job from an id on; its id is 0 if there is none.
func (s *Store) jobAt(ctx context.Context, projectID, id int64) (summedJob, error) {
	result, err := s.read.QueryContext(ctx, `SELECT id, creation_time FROM webhook_job WHERE project_id = $1 AND id >= $2 ORDER BY id LIMIT 1`, projectID, id)
	if err != nil {
		return summedJob{}, fmt.Errorf("look up a job: %w", err)
	}
	var j summedJob
	return j, eachRow(result, func() error { return result.Scan(&j.id, &j.created) })
}

func (s *Store) lastID(ctx context.Context, projectID int64) (int64, error) {
	var id int64
	err := s.read.QueryRowContext(ctx, `SELECT COALESCE(max(id), 0) FROM webhook_job WHERE project_id = $1`, projectID).Scan(&id)
	return id, err
}

// summing is a summary in the making.
type summing struct {
	hook.Summary
	step      time.Duration
	delivered []float64
	failed    []float64
	durations []int64
}

func newSummary(since, until time.Time, step time.Duration) *summing {
	sum := &summing{step: step}
	if step <= 0 {
		return sum
	}
	for at := since.UTC().Truncate(step); at.Before(until) && len(sum.Steps) < maxSummarySteps; at = at.Add(step) {
		sum.Steps = append(sum.Steps, hook.SummaryStep{Start: at})
	}
	sum.delivered, sum.failed = make([]float64, len(sum.Steps)), make([]float64, len(sum.Steps))
	return sum
}

func (sum *summing) add(part stratum) {
	for _, j := range part.jobs {
		i := int(timeOf(j.created).Sub(sum.Steps[0].Start) / sum.step)
		if i < 0 || i >= len(sum.Steps) || j.meant == 0 {
			continue
		}
		switch j.status { //nolint:exhaustive // the others have no outcome
		case hook.StatusFinished:
			sum.delivered[i] += part.weight
			if j.duration >= 0 {
				sum.durations = append(sum.durations, j.duration)
			}
		case hook.StatusError:
			sum.failed[i] += part.weight
		}
	}
}

func (sum *summing) finish() {
	for i := range sum.Steps {
		sum.Steps[i].Delivered, sum.Steps[i].Failed = int(sum.delivered[i]+0.5), int(sum.failed[i]+0.5)
	}
	slices.Sort(sum.durations)
	sum.P50, sum.P95 = quantile(sum.durations, 50), quantile(sum.durations, 95)
}

// quantile takes ascending durations.
func quantile(of []int64, percent int) time.Duration {
	if len(of) == 0 {
		return 0
	}
	return time.Duration(of[(len(of)-1)*percent/100]) * time.Microsecond
}

// RecentOutcomes counts how the last jobs of policies since a time ended, at most
// so many of each.
func (s *Store) RecentOutcomes(ctx context.Context, projectID int64, policies []int64, since time.Time, most int) (map[int64]hook.Outcomes, error) {
	counted := make(map[int64]hook.Outcomes, len(policies))
	if len(policies) == 0 {
		return counted, nil
	}
	first, err := s.firstID(ctx, projectID, since)
	if err != nil || first == 0 {
		return counted, s.wrap("count outcomes", err)
	}
	w := &where{}
	parts := make([]string, len(policies))
	from, limit, project := w.arg(first), w.arg(most+1), w.arg(projectID)
	for i, id := range policies {
		parts[i] = `SELECT * FROM (SELECT policy_id, status FROM webhook_job WHERE policy_id = ` + w.arg(id) + ` AND id >= ` + from +
			` AND project_id = ` + project + ` ORDER BY id DESC LIMIT ` + limit + `) AS p` + strconv.Itoa(i)
	}
	result, err := s.read.QueryContext(ctx, `SELECT policy_id, status, count(*) FROM (`+strings.Join(parts, " UNION ALL ")+`) AS j GROUP BY policy_id, status`, w.args...)
	if err != nil {
		return nil, s.wrap("count outcomes", err)
	}
	err = eachRow(result, func() error {
		var id int64
		var status hook.Status
		var n int
		if err := result.Scan(&id, &status, &n); err != nil {
			return err
		}
		o := counted[id]
		switch status {
		case hook.StatusFinished:
			o.Delivered = n
		case hook.StatusError:
			o.Failed = n
		default:
			o.Other += n
		}
		o.More = o.Total() > most
		counted[id] = o
		return nil
	})
	return counted, s.wrap("count outcomes", err)
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

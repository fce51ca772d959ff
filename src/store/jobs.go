package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

const jobColumns = `id, job_uuid, job_key, project_id, policy_id, policy_name, target_position, event_id, hook_type, notify_type,
	target, origin, payload_format, content_type, job_detail, repository, tag, digest, status, status_message, attempts,
	http_status, next_at, redelivery_of, creation_time, update_time, event_name, traceparent`

type scanner interface{ Scan(dest ...any) error }

func scanJob(row scanner) (hook.Job, error) {
	var j hook.Job
	var next, created, updated int64
	err := row.Scan(&j.ID, &j.UUID, &j.Key, &j.ProjectID, &j.PolicyID, &j.PolicyName, &j.TargetPosition, &j.EventID, &j.HookType,
		&j.NotifyType, &j.Target, &j.Origin, &j.PayloadFormat, &j.ContentType, &j.Detail, &j.Repository, &j.Tag, &j.Digest,
		&j.Status, &j.StatusMessage, &j.Attempts, &j.HTTPStatus, &next, &j.RedeliveryOf, &created, &updated, &j.EventName, &j.Traceparent)
	j.NextAt, j.CreationTime, j.UpdateTime = timeOf(next), timeOf(created), timeOf(updated)
	return j, err
}

// Job returns a job of a project.
func (s *Store) Job(ctx context.Context, projectID, id int64) (hook.Job, error) {
	j, err := scanJob(s.read.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM webhook_job WHERE id = $1 AND project_id = $2`, id, projectID))
	return j, s.wrap("read a job", err)
}

// JobByID returns a job of any project, for JobService's own API.
func (s *Store) JobByID(ctx context.Context, id int64) (hook.Job, error) {
	j, err := scanJob(s.read.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM webhook_job WHERE id = $1`, id))
	return j, s.wrap("read a job", err)
}

// Jobs returns one page of a project's jobs, newest first unless the page says
// otherwise, and how many there are in all. A total above 10,000 is what was
// counted when somebody asked last. When that has not been counted yet, and if many
// jobs have to be looked at for a text, the total is less than there are, but more
// than the page shows if there is a next one.
func (s *Store) Jobs(ctx context.Context, projectID int64, f hook.JobFilter, page hook.JobPage) ([]hook.Job, int, error) {
	bounds, err := s.idBounds(ctx, f)
	if err != nil {
		return nil, 0, s.wrap("list jobs", err)
	}
	if f.Text != "" {
		return s.searchJobs(ctx, projectID, f, bounds, page)
	}
	if byTallies(f) {
		if jobs, total, known, err := s.jobsByTallies(ctx, projectID, f, bounds, page); err != nil || known {
			return jobs, total, s.wrap("list jobs", err)
		}
	}
	total, err := s.countJobs(ctx, projectID, f, bounds)
	if err != nil {
		return nil, 0, s.wrap("count jobs", err)
	}
	jobs, err := s.pageOfJobs(ctx, s.jobsWhere(projectID, f, bounds), page)
	if total > countUpTo && len(jobs) == page.Limit {
		total = max(total, page.Offset+page.Limit+1)
	}
	return jobs, total, s.wrap("list jobs", err)
}

// pageOfJobs finds the ids first: pages before this one are counted off an index,
// without their rows.
func (s *Store) pageOfJobs(ctx context.Context, w *where, page hook.JobPage) ([]hook.Job, error) {
	direction := direction(page.Ascending)
	ids := `SELECT id AS page_id FROM webhook_job WHERE ` + w.String() + ` ORDER BY id ` + direction + ` LIMIT ` + w.arg(page.Limit) + ` OFFSET ` + w.arg(page.Offset)
	return s.readJobs(ctx, `SELECT `+jobColumns+` FROM (`+ids+`) AS page JOIN webhook_job ON id = page_id ORDER BY id `+direction, w.args...)
}

func (s *Store) readJobs(ctx context.Context, query string, args ...any) ([]hook.Job, error) {
	result, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	var jobs []hook.Job
	err = eachRow(result, func() error {
		j, err := scanJob(result)
		jobs = append(jobs, j)
		return err
	})
	return jobs, err
}

func (s *Store) searchJobs(ctx context.Context, projectID int64, f hook.JobFilter, bounds idBounds, page hook.JobPage) ([]hook.Job, int, error) {
	end := page.Offset + page.Limit
	ids, err := s.searchIDs(ctx, projectID, f, bounds, page.Ascending, end+1)
	if err != nil {
		return nil, 0, s.wrap("search jobs", err)
	}
	shown := ids[min(page.Offset, len(ids)):min(end, len(ids))]
	if len(shown) == 0 {
		return nil, len(ids), nil
	}
	jobs, err := s.jobsOf(ctx, projectID, shown, page.Ascending)
	return jobs, len(ids), s.wrap("search jobs", err)
}

// jobsOf returns jobs by their ids, in order.
func (s *Store) jobsOf(ctx context.Context, projectID int64, ids []int64, ascending bool) ([]hook.Job, error) {
	return s.readJobs(ctx, `SELECT `+jobColumns+` FROM webhook_job WHERE project_id = $1 AND id `+fmt.Sprintf(s.d.In, "$2")+` ORDER BY id `+direction(ascending),
		projectID, s.d.IDs(ids))
}

// jobsWhere returns the condition of a filter within bounds that follow from it.
func (s *Store) jobsWhere(projectID int64, f hook.JobFilter, b idBounds) *where {
	return s.jobsWhereFrom(nil, projectID, f, b)
}

// jobsWhereFrom is jobsWhere for a statement that has arguments already.
func (s *Store) jobsWhereFrom(args []any, projectID int64, f hook.JobFilter, b idBounds) *where {
	w := &where{args: args}
	w.and("project_id = " + w.arg(projectID))
	if f.PolicyID != 0 {
		w.and("policy_id = " + w.arg(f.PolicyID))
	}
	if f.ID != 0 {
		w.and("id = " + w.arg(f.ID))
	}
	if b.after != 0 {
		w.and("id > " + w.arg(b.after))
	}
	if b.upTo != 0 {
		w.and("id <= " + w.arg(b.upTo))
	}
	w.in("status", textsOf(f.Statuses))
	w.in("hook_type", textsOf(f.HookTypes))
	equal := func(column, value string) {
		if value != "" {
			w.and(column + " = " + w.arg(value))
		}
	}
	equal("repository", f.Repository)
	equal("tag", f.Tag)
	equal("digest", f.Digest)
	if f.HTTPStatus != 0 {
		w.and("http_status = " + w.arg(f.HTTPStatus))
	}
	if !f.Since.IsZero() {
		w.and("creation_time >= " + w.arg(micros(f.Since)))
	}
	if !f.Until.IsZero() {
		w.and("creation_time <= " + w.arg(micros(f.Until)))
	}
	if f.Text != "" {
		w.and(s.textCondition(w, f.Text))
	}
	return w
}

// textCondition finds the text, ignoring the case of ASCII letters, in what was
// sent and what was answered.
func (s *Store) textCondition(w *where, text string) string {
	p := w.arg(containing(text))
	like := func(column string) string { return fmt.Sprintf(s.d.Lower, column) + ` LIKE ` + p + ` ESCAPE '\'` }
	// A subquery of one row is looked up for each job; EXISTS might be answered by
	// going through all attempts there are.
	return "(" + like("job_detail") + " OR " + like("target") + ` OR (SELECT 1 FROM webhook_attempt a WHERE a.job_id = webhook_job.id AND (` +
		like("a.response_body") + " OR " + like("a.error") + " OR " + like("a.request_url") + ") LIMIT 1) IS NOT NULL)"
}

// containing returns the pattern of LIKE, with \ as escape, for lower-case text
// that contains this one in any case.
func containing(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(lowerASCII(text)) + "%"
}

// LastTriggers returns when each of the triggers last gave rise to a job. What
// never did is left out.
func (s *Store) LastTriggers(ctx context.Context, of []hook.Trigger) (map[hook.Trigger]time.Time, error) {
	last := make(map[hook.Trigger]time.Time, len(of))
	for part := range slices.Chunk(of, rowsAStatement) {
		if err := s.addLastTriggers(ctx, last, part); err != nil {
			return nil, s.wrap("look up last triggers", err)
		}
	}
	return last, nil
}

// addLastTriggers asks the index once for each trigger: going through the jobs
// would take longer with every delivery.
func (s *Store) addLastTriggers(ctx context.Context, last map[hook.Trigger]time.Time, of []hook.Trigger) error {
	rows := make([][]any, len(of))
	for i, t := range of {
		rows[i] = []any{t.PolicyID, string(t.HookType)}
	}
	source, args := s.d.Values(1, []Column{{"policy_id", "bigint"}, {"hook_type", "text"}}, rows)
	result, err := s.read.QueryContext(ctx, `WITH t (policy_id, hook_type) AS (`+source+`)
		SELECT t.policy_id, t.hook_type, (SELECT max(j.creation_time) FROM webhook_job j
			WHERE j.policy_id = t.policy_id AND j.hook_type = t.hook_type) FROM t`, args...)
	if err != nil {
		return err
	}
	return eachRow(result, func() error {
		var t hook.Trigger
		var at sql.NullInt64
		if err := result.Scan(&t.PolicyID, &t.HookType, &at); err != nil {
			return err
		}
		if at.Valid {
			last[t] = timeOf(at.Int64)
		}
		return nil
	})
}

// Attempts returns the attempts of a job, first to last.
func (s *Store) Attempts(ctx context.Context, jobID int64) ([]hook.Attempt, error) {
	result, err := s.read.QueryContext(ctx, `SELECT number, started_at, duration, result, error, remote_addr, request_url,
		request_headers, response_status, response_headers, response_body, response_truncated
		FROM webhook_attempt WHERE job_id = $1 ORDER BY number`, jobID)
	if err != nil {
		return nil, s.wrap("list attempts", err)
	}
	var attempts []hook.Attempt
	err = eachRow(result, func() error {
		var a hook.Attempt
		var r hook.Response
		var started, took int64
		var requestHeaders, responseHeaders string
		if err := result.Scan(&a.Number, &started, &took, &a.Result, &a.Error, &a.RemoteAddr, &a.Request.URL,
			&requestHeaders, &r.Status, &responseHeaders, &r.Body, &r.Truncated); err != nil {
			return err
		}
		a.StartedAt, a.Duration = timeOf(started), time.Duration(took)*time.Microsecond
		a.Request.Method = "POST"
		if err := json.Unmarshal([]byte(requestHeaders), &a.Request.Headers); err != nil {
			return fmt.Errorf("request headers of job %d: %w", jobID, err)
		}
		if r.Status != 0 {
			if err := json.Unmarshal([]byte(responseHeaders), &r.Headers); err != nil {
				return fmt.Errorf("response headers of job %d: %w", jobID, err)
			}
			a.Response = &r
		}
		attempts = append(attempts, a)
		return nil
	})
	return attempts, s.wrap("list attempts", err)
}

package store

import (
	"context"
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// lightColumns are jobColumns without the body.
const lightColumns = `id, job_uuid, job_key, project_id, policy_id, policy_name, target_position, event_id, hook_type, notify_type,
	target, origin, payload_format, content_type, '', repository, tag, digest, status, status_message, attempts,
	http_status, next_at, redelivery_of, creation_time, update_time, event_name, traceparent`

// NewestJob returns the largest id of a job, 0 if there is none.
func (s *Store) NewestJob(ctx context.Context) (int64, error) {
	id, err := newestJob(ctx, s.read)
	return id, s.wrap("look for the newest job", err)
}

// JobsAfter returns up to most jobs, without their bodies, whose ids are greater
// or among the others, in the order of their ids.
func (s *Store) JobsAfter(ctx context.Context, after int64, others []int64, most int) ([]hook.Job, error) {
	found, err := s.readJobs(ctx, `SELECT `+lightColumns+` FROM webhook_job WHERE id > $1 ORDER BY id LIMIT $2`, after, most)
	if err != nil || len(others) == 0 {
		return found, s.wrap("look for new jobs", err)
	}
	late, err := s.readJobs(ctx, `SELECT `+lightColumns+` FROM webhook_job WHERE id `+fmt.Sprintf(s.d.In, "$1")+` ORDER BY id`, s.d.IDs(others))
	return append(late, found...), s.wrap("look for new jobs", err)
}

// JobTimes returns when each of the jobs last changed.
func (s *Store) JobTimes(ctx context.Context, ids []int64) (map[int64]time.Time, error) {
	return s.times(ctx, `SELECT id, update_time FROM webhook_job WHERE id `+fmt.Sprintf(s.d.In, "$1"), s.d.IDs(ids))
}

// UnfinishedJobs returns when each of a project's jobs that are not over last
// changed; of many, the newest.
func (s *Store) UnfinishedJobs(ctx context.Context, projectID int64, most int) (map[int64]time.Time, error) {
	return s.times(ctx, `SELECT id, update_time FROM webhook_job WHERE project_id = $1 AND status IN ('pending', 'running', 'scheduled')
		ORDER BY id DESC LIMIT $2`, projectID, most)
}

func (s *Store) times(ctx context.Context, query string, args ...any) (map[int64]time.Time, error) {
	result, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.wrap("look for changed jobs", err)
	}
	times := map[int64]time.Time{}
	err = eachRow(result, func() error {
		var id, at int64
		err := result.Scan(&id, &at)
		times[id] = timeOf(at)
		return err
	})
	return times, s.wrap("look for changed jobs", err)
}

// LightJobs returns jobs without their bodies, in the order of their last changes.
func (s *Store) LightJobs(ctx context.Context, ids []int64) ([]hook.Job, error) {
	jobs, err := s.readJobs(ctx, `SELECT `+lightColumns+` FROM webhook_job WHERE id `+fmt.Sprintf(s.d.In, "$1")+` ORDER BY update_time, id`, s.d.IDs(ids))
	return jobs, s.wrap("read jobs", err)
}

// longestLife is how long before its last change a job may have been created and
// still be told to somebody who comes back.
const longestLife = 26 * time.Hour

// JobsChangedAfter returns up to most of a project's jobs, without their bodies,
// that changed after a time, or at it and with greater ids, in this order. Jobs
// that changed more than a day after they were created may be missing.
func (s *Store) JobsChangedAfter(ctx context.Context, projectID int64, at time.Time, id int64, most int) ([]hook.Job, error) {
	first, err := firstJobAfter(ctx, s.read, at.Add(-longestLife))
	if err != nil || first == 0 {
		return nil, s.wrap("look for changed jobs", err)
	}
	jobs, err := s.readJobs(ctx, `SELECT `+lightColumns+` FROM webhook_job WHERE project_id = $1 AND id >= $2
		AND (update_time > $3 OR update_time = $3 AND id > $4) ORDER BY update_time, id LIMIT $5`, projectID, first, micros(at), id, most)
	return jobs, s.wrap("look for changed jobs", err)
}

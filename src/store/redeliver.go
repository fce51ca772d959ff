package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/harborhook/harborhook/src/hook"
)

// Redeliver stores a new job for each of the project's jobs with these ids: for
// the same event, with the same body and the same place in the policy, so that
// receivers see the same webhook-id, and to the policy's target of today. Jobs
// that cannot be delivered again now are left out, with the reason; ids that are
// not the project's are left out in silence. Nothing is recorded of nothing.
func (s *Store) Redeliver(ctx context.Context, projectID int64, ids []int64, by *hook.AuditEntry) (hook.Redelivery, error) {
	var r hook.Redelivery
	err := s.inTx(ctx, func(tx *sql.Tx) (err error) {
		r, err = s.redeliverIn(ctx, tx, projectID, ids, func(j hook.Job, fresh string) string {
			return hook.RedeliveryKey(j.EventID, j.PolicyID, j.TargetPosition, fresh)
		})
		if err != nil || len(r.IDs) == 0 {
			return err
		}
		return s.audit(ctx, tx, by.With(r.String()))
	})
	return r, s.wrap("redeliver jobs", err)
}

// redeliverIn is Redeliver within a transaction; key returns the key of the new
// job with this uuid for an old one.
func (s *Store) redeliverIn(ctx context.Context, tx *sql.Tx, projectID int64, ids []int64, key func(old hook.Job, fresh string) string) (hook.Redelivery, error) {
	r := hook.Redelivery{Refused: map[int64]string{}}
	old, err := s.jobsByID(ctx, tx, projectID, ids)
	if err != nil || len(old) == 0 {
		return r, err
	}
	policies, err := s.policiesNow(ctx, tx, old)
	if err != nil {
		return r, err
	}
	fresh := make(map[string]*hook.Job, len(old))
	for _, j := range old {
		p := policies[j.PolicyID]
		if why := obstacle(j, p); why != "" {
			r.Refused[j.ID] = why
			continue
		}
		again := redelivery(j, p)
		again.Key = key(j, again.UUID)
		fresh[again.Key] = &again
	}
	stored, err := s.insertJobRows(ctx, tx, fresh)
	for _, k := range sortedKeys(stored) {
		r.IDs = append(r.IDs, stored[k])
	}
	return r, err
}

func (s *Store) jobsByID(ctx context.Context, tx *sql.Tx, projectID int64, ids []int64) ([]hook.Job, error) {
	result, err := tx.QueryContext(ctx, `SELECT `+jobColumns+` FROM webhook_job
		WHERE project_id = $1 AND id `+fmt.Sprintf(s.d.In, "$2")+` ORDER BY id`, projectID, s.d.IDs(ids))
	if err != nil {
		return nil, fmt.Errorf("read %d jobs: %w", len(ids), err)
	}
	var jobs []hook.Job
	err = eachRow(result, func() error {
		j, err := scanJob(result)
		jobs = append(jobs, j)
		return err
	})
	return jobs, err
}

// policiesNow returns the policies of jobs, by id, as far as they exist in this
// transaction.
func (s *Store) policiesNow(ctx context.Context, tx *sql.Tx, jobs []hook.Job) (map[int64]*hook.Policy, error) {
	var ids []int64
	for _, j := range jobs {
		if !slices.Contains(ids, j.PolicyID) {
			ids = append(ids, j.PolicyID)
		}
	}
	policies, err := s.queryPolicies(ctx, tx, `id `+fmt.Sprintf(s.d.In, "$1"), s.d.IDs(ids))
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*hook.Policy, len(policies))
	for i := range policies {
		byID[policies[i].ID] = &policies[i]
	}
	return byID, nil
}

// obstacle says what keeps a job from being delivered again; p is nil if its
// policy is gone.
func obstacle(j hook.Job, p *hook.Policy) string {
	switch {
	case j.Status == hook.StatusRunning:
		return "the job is running"
	case len(j.Detail) == 0:
		return "the job has no body, since its template failed"
	case p == nil:
		return "the job's policy was deleted"
	case !p.Enabled:
		return "the job's policy is disabled"
	case j.TargetPosition >= len(p.Targets):
		return "the job's target was removed from the policy"
	default:
		return ""
	}
}

func redelivery(j hook.Job, p *hook.Policy) hook.Job {
	target := p.Targets[j.TargetPosition]
	again := j
	again.UUID = uuid.NewString()
	again.PolicyName, again.NotifyType = p.Name, target.Type
	again.Target, again.Origin = hook.MaskTarget(target.Address), hook.TargetOrigin(target.Address)
	again.RedeliveryOf = j.ID
	again.Status, again.StatusMessage = hook.StatusPending, ""
	return again
}

// JobIDs returns the ids of up to limit of a project's jobs, oldest first.
func (s *Store) JobIDs(ctx context.Context, projectID int64, f hook.JobFilter, limit int) ([]int64, error) {
	bounds, err := s.idBounds(ctx, f)
	if err != nil {
		return nil, s.wrap("look up jobs", err)
	}
	ids, err := s.jobIDs(ctx, projectID, f, bounds, limit)
	return ids, s.wrap("look up jobs", err)
}

func (s *Store) jobIDs(ctx context.Context, projectID int64, f hook.JobFilter, bounds idBounds, limit int) ([]int64, error) {
	if f.Text != "" {
		ids, err := s.searchIDs(ctx, projectID, f, bounds, true, limit)
		return ids[:min(limit, len(ids))], err
	}
	w := s.jobsWhere(projectID, f, bounds)
	result, err := s.read.QueryContext(ctx, `SELECT id FROM webhook_job WHERE `+w.String()+` ORDER BY id LIMIT `+w.arg(limit), w.args...)
	if err != nil {
		return nil, err
	}
	return column[int64](result)
}

// StopJob stops a waiting job of a project. A job that runs or is over is a
// hook.ConflictError.
func (s *Store) StopJob(ctx context.Context, projectID, id int64, why string, by *hook.AuditEntry) error {
	stopped := false
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE webhook_job SET status = 'stopped', status_message = $3, update_time = `+s.d.Now+`
			WHERE id = $1 AND project_id = $2 AND status IN ('pending', 'scheduled')`, id, projectID, storable(why))
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if stopped = n > 0; err != nil || !stopped {
			return err
		}
		return s.audit(ctx, tx, by)
	})
	if err != nil || stopped {
		return s.wrap("stop a job", err)
	}
	j, err := s.Job(ctx, projectID, id)
	if err != nil {
		return err
	}
	if j.Status.Final() {
		return hook.Conflict("the job is over")
	}
	return hook.Conflict("the job is running")
}

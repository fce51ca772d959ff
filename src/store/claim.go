package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/harborhook/harborhook/src/hook"
)

type claimIn struct {
	ids    []int64
	lease  time.Duration
	except []string
}

// Claim takes those of the jobs that wait and are due, for the length of the
// lease, and returns them with what their policies say now. Jobs that are not
// due, taken by somebody else or final are left out, and so are those of the
// excepted origins. A job whose policy or
// target is gone, or whose policy is disabled, is stopped and left out.
func (s *Store) Claim(ctx context.Context, ids []int64, lease time.Duration, except ...string) ([]hook.Delivery, error) {
	claimed, err := s.claim.Do(ctx, claimIn{ids: ids, lease: lease, except: except})
	return claimed, s.wrap("claim jobs", err)
}

func (s *Store) claimBatch(ctx context.Context, in []claimIn) ([][]hook.Delivery, error) {
	var ids []int64
	var lease time.Duration
	var except []string
	askedBy := map[int64]int{}
	for i, c := range in {
		lease = max(lease, c.lease)
		except = append(except, c.except...)
		for _, id := range c.ids {
			if _, again := askedBy[id]; !again {
				askedBy[id] = i
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	slices.Sort(except)
	except = slices.Compact(except)

	claimed, version, err := s.claimRows(ctx, ids, lease, except)
	if err != nil {
		return nil, err
	}
	ready, err := s.addPolicies(ctx, claimed, version)
	if err != nil {
		return nil, errors.Join(err, s.Release(ctx, claimed))
	}
	out := make([][]hook.Delivery, len(in))
	for _, d := range ready {
		i := askedBy[d.ID]
		out[i] = append(out[i], d)
	}
	return out, nil
}

// claimRows also returns the version that the policies had at that moment. The
// status is hidden from the planner, which would otherwise go through all waiting
// jobs, by their index, to find these few.
func (s *Store) claimRows(ctx context.Context, ids []int64, lease time.Duration, except []string) (claimed []hook.Delivery, version int64, err error) {
	token := uuid.NewString()
	result, err := s.hotQuery(ctx, s.leases, `UPDATE webhook_job
		SET status = 'running', lease_token = $2, lease_until = `+s.d.Now+` + $3, update_time = `+s.d.Now+`
		WHERE id IN (SELECT id FROM webhook_job WHERE id `+fmt.Sprintf(s.d.In, "$1")+`
			AND status || '' IN ('pending', 'scheduled') AND next_at <= `+s.d.Now+`
			AND NOT origin `+fmt.Sprintf(s.d.In, "$4")+` ORDER BY id `+s.d.SkipLocked+`)
		RETURNING id, job_uuid, project_id, policy_id, target_position, origin, event_id, hook_type, content_type, job_detail,
			attempts, attempts + interruptions + 1, event_name, creation_time, next_at, traceparent, (SELECT version FROM cache_version WHERE name = 'policies')`,
		s.d.IDs(ids), token, lease.Microseconds(), s.d.Texts(except))
	if err != nil {
		return nil, 0, fmt.Errorf("claim %d jobs: %w", len(ids), err)
	}
	err = eachRow(result, func() error {
		d := hook.Delivery{Lease: token}
		d.Status = hook.StatusRunning
		var created, next int64
		err := result.Scan(&d.ID, &d.UUID, &d.ProjectID, &d.PolicyID, &d.TargetPosition, &d.Origin, &d.EventID, &d.HookType, &d.ContentType,
			&d.Detail, &d.Attempts, &d.Number, &d.EventName, &created, &next, &d.Traceparent, &version)
		d.CreationTime, d.NextAt = timeOf(created), timeOf(next)
		claimed = append(claimed, d)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("claim %d jobs: %w", len(ids), err)
	}
	return claimed, version, nil
}

// addPolicies gives each claimed job its policy's target and secret of this
// moment, and stops the jobs that have none any more.
func (s *Store) addPolicies(ctx context.Context, claimed []hook.Delivery, version int64) ([]hook.Delivery, error) {
	if len(claimed) == 0 {
		return nil, nil
	}
	byID, err := s.policiesOf(ctx, claimed, version)
	if err != nil {
		return nil, err
	}
	ready := make([]hook.Delivery, 0, len(claimed))
	stop := map[string][]int64{}
	for _, d := range claimed {
		p := byID[d.PolicyID]
		switch {
		case p == nil:
			stop["policy was deleted"] = append(stop["policy was deleted"], d.ID)
		case !p.Enabled:
			stop["policy is disabled"] = append(stop["policy is disabled"], d.ID)
		case d.TargetPosition >= len(p.Targets):
			stop["target was removed from the policy"] = append(stop["target was removed from the policy"], d.ID)
		default:
			d.PolicyName, d.SendTo, d.Secret = p.Name, p.Targets[d.TargetPosition], p.Secret
			d.OldSecret, d.OldSecretUntil = p.OldSecret, p.OldSecretUntil
			ready = append(ready, d)
		}
	}
	for _, why := range sortedKeys(stop) {
		if err := s.stopJobs(ctx, s.write, why, `status = 'running' AND id `+fmt.Sprintf(s.d.In, "$2"), s.d.IDs(stop[why])); err != nil {
			return nil, err
		}
	}
	return ready, nil
}

// stopJobs stops the jobs of a condition, whose placeholder is $2.
func (s *Store) stopJobs(ctx context.Context, db execer, why, condition string, arg any) error {
	_, err := db.ExecContext(ctx, `UPDATE webhook_job
		SET status = 'stopped', status_message = $1, lease_token = '', update_time = `+s.d.Now+`
		WHERE `+condition, why, arg)
	if err != nil {
		return fmt.Errorf("stop jobs: %w", err)
	}
	return nil
}

// Release gives claimed jobs back untried, as after a graceful stop. They are
// due at once.
func (s *Store) Release(ctx context.Context, claimed []hook.Delivery) error {
	if len(claimed) == 0 {
		return nil
	}
	var w where
	for _, d := range claimed {
		if w.sql.Len() > 0 {
			w.sql.WriteString(" OR ")
		}
		w.sql.WriteString("id = " + w.arg(d.ID) + " AND lease_token = " + w.arg(d.Lease))
	}
	_, err := s.write.ExecContext(ctx, `UPDATE webhook_job
		SET status = CASE WHEN attempts > 0 THEN 'scheduled' ELSE 'pending' END, lease_token = '', update_time = `+s.d.Now+`
		WHERE status = 'running' AND (`+w.String()+`)`, w.args...)
	return s.wrap("release jobs", err)
}

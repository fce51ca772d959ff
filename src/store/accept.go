package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/harborhook/harborhook/src/hook"
)

// acceptIn is one notification with the jobs it gives rise to.
type acceptIn struct {
	notification hook.Notification
	jobs         []hook.Job
}

// Accept stores the events, their jobs and what they teach the tag memory in one
// transaction. It returns the ids of the jobs that are new and not final: an event
// whose id is stored already is left out, with its jobs, unless it was stored
// incomplete and now comes complete. A job without a status is pending. When it returns nil, everything is committed. It may also be
// committed when it fails: callers repeat. A notification that expects something
// else of the tag memory than it holds is a hook.ErrConflict.
func (s *Store) Accept(ctx context.Context, n hook.Notification, jobs []hook.Job) ([]int64, error) {
	if len(n.Events) == 0 && len(n.Facts) == 0 {
		return nil, nil
	}
	in := acceptIn{notification: n, jobs: jobs}
	if len(n.Expect) > 0 { // seldom, and it may fail, which must not fail others
		out, err := s.acceptBatch(ctx, []acceptIn{in})
		if err != nil {
			return nil, s.wrap("store a notification", err)
		}
		return out[0], nil
	}
	ids, err := s.accept.Do(ctx, in)
	return ids, s.wrap("store a notification", err)
}

func (s *Store) acceptBatch(ctx context.Context, in []acceptIn) ([][]int64, error) {
	if err := s.ready(ctx, s.sql.events, s.sql.jobs, s.sql.manifests, s.sql.tags, s.sql.heads); err != nil {
		return nil, err
	}
	out := make([][]int64, len(in))
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if err := s.expect(ctx, tx, in); err != nil {
			return err
		}
		fresh, err := s.insertEvents(ctx, tx, in)
		if err != nil {
			return err
		}
		ids, err := s.insertJobs(ctx, tx, in, fresh)
		if err != nil {
			return err
		}
		for i := range in {
			for _, job := range in[i].jobs {
				if id, ok := ids[job.Key]; ok && !job.Status.Final() {
					out[i] = append(out[i], id)
				}
			}
		}
		return s.learn(ctx, tx, in)
	})
	return out, err
}

// insertEvents returns the ids of the events that were not stored before, or only
// incomplete. Rows are written in the order of their keys, here and below, so that
// two processes writing the same ones cannot wait for each other.
func (s *Store) insertEvents(ctx context.Context, tx *sql.Tx, in []acceptIn) (map[string]bool, error) {
	events := map[string]*hook.Event{}
	for i := range in {
		for j := range in[i].notification.Events {
			e := &in[i].notification.Events[j]
			if e.Incomplete && events[e.ID] != nil {
				continue // the same, perhaps complete
			}
			events[e.ID] = e
		}
	}
	fresh := make(map[string]bool, len(events))
	for part := range slices.Chunk(sortedKeys(events), rowsAStatement) {
		values := make([][]any, 0, len(part))
		for _, id := range part {
			e := events[id]
			data, err := json.Marshal(e)
			if err != nil {
				return nil, fmt.Errorf("event %q: %w", id, err)
			}
			completeAt := int64(0)
			if e.Incomplete {
				completeAt = 1 // long ago: it is due at once
			}
			values = append(values, []any{e.ID, e.ProjectID, string(e.Type), e.Repository, micros(e.OccurredAt), string(data), completeAt})
		}
		stored, err := s.query(ctx, tx, s.sql.events, values)
		if err != nil {
			return nil, fmt.Errorf("insert %d events: %w", len(part), err)
		}
		var eventID string
		err = eachRow(stored, func() error {
			err := stored.Scan(&eventID)
			fresh[eventID] = true
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("insert %d events: %w", len(part), err)
		}
	}
	return fresh, nil
}

// insertJobs inserts the jobs of fresh events and returns their ids by key.
func (s *Store) insertJobs(ctx context.Context, tx *sql.Tx, in []acceptIn, fresh map[string]bool) (map[string]int64, error) {
	jobs := map[string]*hook.Job{}
	for i := range in {
		for j := range in[i].jobs {
			if job := &in[i].jobs[j]; fresh[job.EventID] {
				jobs[job.Key] = job
			}
		}
	}
	return s.insertJobRows(ctx, tx, jobs)
}

// insertJobRows inserts waiting jobs, by their keys, and returns the ids of those
// whose key was not stored before.
func (s *Store) insertJobRows(ctx context.Context, tx *sql.Tx, jobs map[string]*hook.Job) (map[string]int64, error) {
	ids := make(map[string]int64, len(jobs))
	for part := range slices.Chunk(sortedKeys(jobs), rowsAStatement) {
		values := make([][]any, 0, len(part))
		for _, key := range part {
			j := jobs[key]
			values = append(values, []any{
				j.UUID, j.Key, j.ProjectID, j.PolicyID, j.PolicyName, j.TargetPosition, j.EventID, string(j.HookType),
				j.NotifyType, j.Target, j.Origin, j.PayloadFormat, j.ContentType, string(j.Detail), j.Repository, j.Tag, j.Digest, j.RedeliveryOf,
				string(cmp.Or(j.Status, hook.StatusPending)), j.StatusMessage, j.EventName,
			})
		}
		stored, err := s.query(ctx, tx, s.sql.jobs, values)
		if err != nil {
			return nil, fmt.Errorf("insert %d jobs: %w", len(part), err)
		}
		err = eachRow(stored, func() error {
			var id int64
			var key string
			if err := stored.Scan(&id, &key); err != nil {
				return err
			}
			ids[key] = id
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("insert %d jobs: %w", len(part), err)
		}
	}
	return ids, nil
}

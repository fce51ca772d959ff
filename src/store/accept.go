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

// acceptBatch stores a batch in one statement where it can.
func (s *Store) acceptBatch(ctx context.Context, in []acceptIn) ([][]int64, error) {
	events, err := eventRows(in)
	if err != nil {
		return nil, err
	}
	m := memoryOfBatch(in)
	memory, err := m.rows()
	if err != nil {
		return nil, err
	}
	jobs := jobsOf(in, func(string) bool { return true })
	var ids map[string]int64
	if s.d.OneStatement && !expecting(in) && len(m.gone()) == 0 && max(len(events), len(jobs), memory.most()) <= rowsAStatement {
		ids, err = s.acceptAtOnce(ctx, events, jobs, memory)
	} else {
		ids, err = s.acceptInSteps(ctx, in, events, m, memory)
	}
	if err != nil {
		return nil, err
	}
	out := make([][]int64, len(in))
	for i := range in {
		for _, job := range in[i].jobs {
			if id, ok := ids[job.Key]; ok && !job.Status.Final() {
				out[i] = append(out[i], id)
			}
		}
	}
	return out, nil
}

// acceptAtOnce returns the ids of the jobs that are new, by key.
func (s *Store) acceptAtOnce(ctx context.Context, events [][]any, jobs map[string]*hook.Job, memory memoryRows) (map[string]int64, error) {
	rest := `SELECT 0, '' WHERE false`
	if len(jobs) > 0 {
		rest = storedJobs
	}
	stored, err := s.joined(ctx, s.hot, []part{
		{"fresh", s.sql.events, events},
		{"stored", s.sql.jobsOfFresh, jobRows(sortedKeys(jobs), jobs)},
		{"manifests", s.sql.manifests, memory.manifests},
		{"tags", s.sql.tags, memory.tags},
		{"heads", s.sql.heads, memory.heads},
	}, rest)
	if err != nil {
		return nil, fmt.Errorf("insert %d events with %d jobs: %w", len(events), len(jobs), err)
	}
	ids := make(map[string]int64, len(jobs))
	if err := eachRow(stored, func() error { return addID(ids, stored) }); err != nil {
		return nil, fmt.Errorf("insert %d events with %d jobs: %w", len(events), len(jobs), err)
	}
	return ids, nil
}

const storedJobs = `SELECT id, job_key FROM stored`

// acceptInSteps is acceptAtOnce, as a transaction of several statements: for what
// is seldom or very large, and for databases that cannot join them.
func (s *Store) acceptInSteps(ctx context.Context, in []acceptIn, events [][]any, m *memoryOf, memory memoryRows) (ids map[string]int64, err error) {
	if err := s.prepareEach(ctx, s.sql.events, s.sql.jobs, s.sql.manifests, s.sql.tags, s.sql.heads); err != nil {
		return nil, err
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		if err := s.expect(ctx, tx, in); err != nil {
			return err
		}
		fresh, err := s.insertEvents(ctx, tx, events)
		if err != nil {
			return err
		}
		if ids, err = s.insertJobRows(ctx, tx, jobsOf(in, func(id string) bool { return fresh[id] })); err != nil {
			return err
		}
		return s.learn(ctx, tx, m, memory)
	})
	return ids, err
}

func expecting(in []acceptIn) bool {
	return slices.ContainsFunc(in, func(a acceptIn) bool { return len(a.notification.Expect) > 0 })
}

// eventRows are the rows of the events of a batch. Rows are written in the order
// of their keys, here and below, so that two processes writing the same ones
// cannot wait for each other.
func eventRows(in []acceptIn) ([][]any, error) {
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
	rows := make([][]any, 0, len(events))
	for _, id := range sortedKeys(events) {
		e := events[id]
		data, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("event %q: %w", id, err)
		}
		completeAt := int64(0)
		if e.Incomplete {
			completeAt = 1 // long ago: it is due at once
		}
		rows = append(rows, []any{e.ID, e.ProjectID, string(e.Type), e.Repository, micros(e.OccurredAt), string(data), completeAt})
	}
	return rows, nil
}

// insertEvents returns the ids of the events that were not stored before, or only
// incomplete.
func (s *Store) insertEvents(ctx context.Context, tx *sql.Tx, rows [][]any) (map[string]bool, error) {
	fresh := make(map[string]bool, len(rows))
	err := s.writeRows(ctx, tx, s.sql.events, rows, func(stored *sql.Rows) error {
		var id string
		err := stored.Scan(&id)
		fresh[id] = true
		return err
	}, func(row []any, _ int64) { fresh[row[0].(string)] = true })
	if err != nil {
		return nil, fmt.Errorf("insert %d events: %w", len(rows), err)
	}
	return fresh, nil
}

// jobsOf returns the jobs of the events that are wanted, by key. Of an event that came
// twice, with a time of its own each, one job to each target of a policy is left.
func jobsOf(in []acceptIn, wanted func(eventID string) bool) map[string]*hook.Job {
	type lineage struct {
		event  string
		policy int64
		target int
	}
	jobs, keys := map[string]*hook.Job{}, map[lineage]string{}
	for i := range in {
		for j := range in[i].jobs {
			job := &in[i].jobs[j]
			if !wanted(job.EventID) {
				continue
			}
			l := lineage{job.EventID, job.PolicyID, job.TargetPosition}
			delete(jobs, keys[l])
			jobs[job.Key], keys[l] = job, job.Key
		}
	}
	return jobs
}

// insertJobRows inserts waiting jobs, by their keys, and returns the ids of those
// whose key was not stored before.
func (s *Store) insertJobRows(ctx context.Context, tx *sql.Tx, jobs map[string]*hook.Job) (map[string]int64, error) {
	ids := make(map[string]int64, len(jobs))
	err := s.writeRows(ctx, tx, s.sql.jobs, jobRows(sortedKeys(jobs), jobs),
		func(stored *sql.Rows) error { return addID(ids, stored) },
		func(row []any, id int64) { ids[row[1].(string)] = id })
	if err != nil {
		return nil, fmt.Errorf("insert %d jobs: %w", len(jobs), err)
	}
	return ids, nil
}

func jobRows(keys []string, jobs map[string]*hook.Job) [][]any {
	rows := make([][]any, 0, len(keys))
	for _, key := range keys {
		j := jobs[key]
		rows = append(rows, []any{
			j.UUID, j.Key, j.ProjectID, j.PolicyID, j.PolicyName, j.TargetPosition, j.EventID, string(j.HookType),
			j.NotifyType, j.Target, j.Origin, j.PayloadFormat, j.ContentType, string(j.Detail), j.Repository, j.Tag, j.Digest, j.RedeliveryOf,
			string(cmp.Or(j.Status, hook.StatusPending)), j.StatusMessage, j.EventName, j.Traceparent,
		})
	}
	return rows
}

// addID reads the id and the key of a job that was stored.
func addID(ids map[string]int64, stored *sql.Rows) error {
	var id int64
	var key string
	err := stored.Scan(&id, &key)
	ids[key] = id
	return err
}

package store

import (
	"context"
	"database/sql"
	"time"
)

// OnBatch has f told of every batch that is written: its kind (accept, recall,
// claim or finish), and how many calls it joins. It must be called before the
// first of them; f must return at once.
func (s *Store) OnBatch(f func(kind string, calls int)) { s.batched = f }

// BatchKinds lists what OnBatch tells of.
func BatchKinds() []string { return []string{"accept", "recall", "claim", "finish"} }

func counting[In, Out any](s *Store, kind string, run func(context.Context, []In) ([]Out, error)) func(context.Context, []In) ([]Out, error) {
	return func(ctx context.Context, in []In) ([]Out, error) {
		s.batched(kind, len(in))
		return run(ctx, in)
	}
}

// Pools returns how the connections are used: those of write, read, hot and
// leases, where they are not the same.
func (s *Store) Pools() map[string]sql.DBStats {
	pools, seen := map[string]sql.DBStats{}, map[*sql.DB]bool{}
	for _, p := range []struct {
		name string
		db   *sql.DB
	}{{"write", s.write}, {"read", s.read}, {"hot", s.hot}, {"leases", s.leases}} {
		if !seen[p.db] {
			seen[p.db] = true
			pools[p.name] = p.db.Stats()
		}
	}
	return pools
}

// OldestDue returns for how long the oldest due job has been due, 0 if there is
// none. Jobs of origins that do not answer are left out. It steps from origin to
// origin, so that its cost grows with the origins and not with the backlog.
func (s *Store) OldestDue(ctx context.Context) (time.Duration, error) {
	var due int64
	err := s.read.QueryRowContext(ctx, waitingTable+`SELECT coalesce(max(`+s.d.Now+` - first), 0) FROM (
			SELECT (SELECT min(next_at) FROM webhook_job j WHERE j.status IN ('pending', 'scheduled') AND j.origin = waiting.origin) AS first
			FROM waiting WHERE waiting.origin NOT IN (SELECT origin FROM webhook_circuit WHERE opened_at > 0)
		) AS firsts WHERE first IS NOT NULL`).Scan(&due)
	return max(0, time.Duration(due)*time.Microsecond), s.wrap("look for the oldest due job", err)
}

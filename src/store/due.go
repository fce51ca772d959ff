package store

import (
	"context"
	"fmt"

	"github.com/harborhook/harborhook/src/hook"
)

// Due returns the ids of up to limit jobs that wait and are due: the oldest of
// each origin, origins in turn, and of each as many as it has room for. Jobs that
// are hinted already are left out. It claims nothing.
func (s *Store) Due(ctx context.Context, limit int, hinted []int64, room func(origin string) int) ([]int64, error) {
	origins, err := s.waitingOrigins(ctx)
	if err != nil {
		return nil, s.wrap("look up due jobs", err)
	}
	queues := make([][]int64, 0, len(origins))
	for _, origin := range origins {
		most := min(limit, room(origin))
		if most <= 0 {
			continue
		}
		ids, err := s.dueOf(ctx, origin, hinted, most)
		if err != nil {
			return nil, s.wrap("look up due jobs", err)
		}
		queues = append(queues, ids)
	}
	return inTurn(queues, limit), nil
}

// waitingTable is the table waiting, of the origins that have waiting jobs.
const waitingTable = `WITH RECURSIVE waiting (origin) AS (
		SELECT min(origin) FROM webhook_job WHERE status IN ('pending', 'scheduled')
		UNION ALL
		SELECT (SELECT min(j.origin) FROM webhook_job j WHERE j.status IN ('pending', 'scheduled') AND j.origin > waiting.origin)
		FROM waiting WHERE waiting.origin IS NOT NULL
	) `

// waitingOrigins lists the origins that have waiting jobs. It steps through the
// index from origin to origin, so that its cost grows with the origins and not
// with the backlog.
func (s *Store) waitingOrigins(ctx context.Context) ([]string, error) {
	result, err := s.read.QueryContext(ctx, waitingTable+`SELECT origin FROM waiting WHERE origin IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("list origins: %w", err)
	}
	return column[string](result)
}

func (s *Store) dueOf(ctx context.Context, origin string, hinted []int64, limit int) ([]int64, error) {
	result, err := s.read.QueryContext(ctx, `SELECT id FROM webhook_job
		WHERE status IN ('pending', 'scheduled') AND origin = $1 AND next_at <= `+s.d.Now+` AND NOT id `+fmt.Sprintf(s.d.In, "$2")+`
		ORDER BY next_at, id LIMIT $3`, origin, s.d.IDs(hinted), limit)
	if err != nil {
		return nil, fmt.Errorf("list due jobs of an origin: %w", err)
	}
	return column[int64](result)
}

// inTurn takes one id of each queue in turn, up to limit.
func inTurn(queues [][]int64, limit int) []int64 {
	var ids []int64
	for place := 0; len(ids) < limit; place++ {
		before := len(ids)
		for _, q := range queues {
			if place < len(q) && len(ids) < limit {
				ids = append(ids, q[place])
			}
		}
		if len(ids) == before {
			break
		}
	}
	return ids
}

// Backlog counts the unfinished jobs by status.
func (s *Store) Backlog(ctx context.Context) (map[hook.Status]int, error) {
	result, err := s.read.QueryContext(ctx, `SELECT status, count(*) FROM webhook_job
		WHERE status IN ('pending', 'scheduled') GROUP BY status
		UNION ALL SELECT 'running', count(*) FROM webhook_job WHERE status = 'running'`)
	if err != nil {
		return nil, s.wrap("count the backlog", err)
	}
	counts := map[hook.Status]int{}
	err = eachRow(result, func() error {
		var status hook.Status
		var n int
		err := result.Scan(&status, &n)
		counts[status] = n
		return err
	})
	return counts, s.wrap("count the backlog", err)
}

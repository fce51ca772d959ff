package store

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// countKept is how long a large count is good for.
const countKept = 10 * time.Second

// countsKept bounds how many are remembered.
const countsKept = 1000

// countCache remembers large counts for a while.
type countCache struct {
	mu     sync.Mutex
	counts map[string]counted
}

type counted struct {
	n  int
	at time.Time
}

func (c *countCache) get(key string) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.counts[key]
	return known.n, ok && time.Since(known.at) < countKept
}

func (c *countCache) put(key string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil || len(c.counts) >= countsKept {
		c.counts = map[string]counted{}
	}
	c.counts[key] = counted{n, time.Now()}
}

// countJobs counts the jobs of a condition. Above countUpTo the answer may be as
// old as countKept.
func (s *Store) countJobs(ctx context.Context, w *where) (int, error) {
	key := fmt.Sprint(w.String(), w.args)
	var n int
	if known, ok := s.counts.get(key); ok {
		return known, nil
	}
	condition, args := w.String(), w.args
	err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM webhook_job WHERE `+condition+` LIMIT `+w.arg(countUpTo+1)+`) AS first`, w.args...).Scan(&n)
	if err != nil || n <= countUpTo {
		return n, err
	}
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM webhook_job WHERE `+condition, args...).Scan(&n); err != nil {
		return 0, err
	}
	s.counts.put(key, n)
	return n, nil
}

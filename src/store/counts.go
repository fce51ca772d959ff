package store

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// countUpTo is how many jobs are counted exactly, whatever it takes.
	countUpTo = 10_000
	// countKept is how long a larger count is good for. After that it is counted
	// anew, and good until that is done.
	countKept = 10 * time.Second
	// countPatience is how long a list waits for a larger count.
	countPatience = 25 * time.Millisecond
	// countLimit bounds the time that counting takes.
	countLimit = 30 * time.Second
	// countsKept bounds how many counts are remembered.
	countsKept = 1000
)

// countCache remembers large counts.
type countCache struct {
	mu     sync.Mutex
	counts map[string]*counted
}

// counted is a count that is known, or under way.
type counted struct {
	n        int // 0: not known yet
	at       time.Time
	underWay chan struct{} // closed when it is done; nil if none is
}

// get returns a count if it is known to be large. If it is not known or old, it is
// counted in the background; the first caller waits for a moment.
func (c *countCache) get(key string, count func() (int, error)) (n int, known bool) {
	c.mu.Lock()
	if c.counts == nil || len(c.counts) >= countsKept {
		c.counts = map[string]*counted{}
	}
	k := c.counts[key]
	if k == nil {
		k = &counted{}
		c.counts[key] = k
	}
	if k.n > 0 && time.Since(k.at) < countKept {
		defer c.mu.Unlock()
		return k.n, true
	}
	if k.underWay != nil {
		defer c.mu.Unlock()
		return k.n, k.n > 0
	}
	done := make(chan struct{})
	k.underWay = done
	go c.recount(k, count)
	c.mu.Unlock()
	patience := time.NewTimer(countPatience)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return k.n, k.n > 0
}

func (c *countCache) recount(k *counted, count func() (int, error)) {
	n, err := count()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		k.n, k.at = n, time.Now()
	}
	close(k.underWay)
	k.underWay = nil
}

// countJobs counts the jobs of a condition. Above countUpTo, the answer is what
// was counted last, or countUpTo and one while it is counted for the first time.
func (s *Store) countJobs(ctx context.Context, w *where) (int, error) {
	condition, args := w.String(), w.args
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM webhook_job WHERE `+condition+` LIMIT `+w.arg(countUpTo+1)+`) AS first`, w.args...).Scan(&n)
	if err != nil || n <= countUpTo {
		return n, err
	}
	counting := context.WithoutCancel(ctx)
	large, known := s.counts.get(fmt.Sprint(condition, args), func() (n int, err error) {
		counting, cancel := context.WithTimeout(counting, countLimit)
		defer cancel()
		err = s.read.QueryRowContext(counting, `SELECT count(*) FROM webhook_job WHERE `+condition, args...).Scan(&n)
		return n, err
	})
	if known {
		return max(large, n), nil
	}
	return n, nil
}

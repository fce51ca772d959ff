package store

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/harborhook/harborhook/src/hook"
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

// countJobs counts the jobs of a filter. Above countUpTo, the answer is what was counted
// last, or countUpTo and one while it is counted for the first time.
func (s *Store) countJobs(ctx context.Context, projectID int64, f hook.JobFilter, bounds idBounds) (int, error) {
	w, err := s.jobsToCount(ctx, projectID, f, bounds)
	if err != nil {
		return 0, err
	}
	jobs, args := w.String(), w.args
	var n int
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM (`+jobs+` LIMIT `+w.arg(countUpTo+1)+`) AS first`, w.args...).Scan(&n)
	if err != nil || n <= countUpTo {
		return n, err
	}
	counting := context.WithoutCancel(ctx)
	asked := s.jobsWhere(projectID, f, bounds)
	large, known := s.counts.get(fmt.Sprint(asked, asked.args), func() (n int, err error) {
		counting, cancel := context.WithTimeout(counting, countLimit)
		defer cancel()
		err = s.read.QueryRowContext(counting, `SELECT count(*) FROM (`+jobs+`) AS every`, args...).Scan(&n)
		return n, err
	})
	if known {
		return max(large, n), nil
	}
	return n, nil
}

// jobsToCount is a SELECT of one row for each job of a filter. An index of the log knows
// no times: in a span of time, only jobs near its ends are looked at for theirs.
func (s *Store) jobsToCount(ctx context.Context, projectID int64, f hook.JobFilter, b idBounds) (*where, error) {
	selected := &where{}
	add := func(f hook.JobFilter, b idBounds) {
		w := s.jobsWhereFrom(selected.args, projectID, f, b)
		if selected.sql.Len() > 0 {
			selected.sql.WriteString(" UNION ALL ")
		}
		selected.sql.WriteString("SELECT 1 FROM webhook_job WHERE " + w.String())
		selected.args = w.args
	}
	if f.Repository == "" && f.Tag == "" && len(f.Statuses) == 0 {
		add(f, b)
		return selected, nil
	}
	inside, some, err := insideOf(ctx, s.read, f, b)
	if err != nil || !some {
		add(f, b)
		return selected, err
	}
	timeless := f
	timeless.Since, timeless.Until = time.Time{}, time.Time{}
	add(timeless, inside)
	if inside.after > b.after {
		add(f, idBounds{after: b.after, upTo: inside.after})
	}
	if inside.upTo != b.upTo {
		add(f, idBounds{after: inside.upTo, upTo: b.upTo})
	}
	return selected, nil
}

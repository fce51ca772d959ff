package webhook

import (
	"maps"
	"sync"
	"time"
)

// Limit lets so many calls of each key through in a span of time. It forgets a
// key when its calls have aged.
type Limit struct {
	most int
	per  time.Duration
	now  func() time.Time

	mu    sync.Mutex
	calls map[int64][]time.Time
}

// NewLimit returns a limit of so many calls in so much time.
func NewLimit(most int, per time.Duration, now func() time.Time) *Limit {
	return &Limit{most: most, per: per, now: now, calls: map[int64][]time.Time{}}
}

// Take lets one call through and returns 0, or returns how long to wait.
func (l *Limit) Take(key int64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	old := func(calls []time.Time) bool { return len(calls) == 0 || now.Sub(calls[len(calls)-1]) >= l.per }
	maps.DeleteFunc(l.calls, func(_ int64, calls []time.Time) bool { return old(calls) })
	calls := l.calls[key]
	if len(calls) < l.most {
		l.calls[key] = append(calls, now)
		return 0
	}
	if wait := l.per - now.Sub(calls[0]); wait > 0 {
		return wait
	}
	l.calls[key] = append(calls[1:], now)
	return 0
}

// A project's members may have so many policies tested in a minute: more would
// make this a tool for looking around in the network.
const (
	MaxTests = 10
	testSpan = time.Minute
)

// NewTestLimit returns the limit of tests of each project, by its id.
func NewTestLimit(now func() time.Time) *Limit { return NewLimit(MaxTests, testSpan, now) }

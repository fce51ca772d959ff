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
	if wait := l.wait(key, now); wait > 0 {
		return wait
	}
	calls := append(l.calls[key], now)
	l.calls[key] = calls[max(0, len(calls)-l.most):]
	return 0
}

// Wait returns what Take would, and lets nothing through.
func (l *Limit) Wait(key int64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wait(key, l.now())
}

func (l *Limit) wait(key int64, now time.Time) time.Duration {
	calls := l.calls[key]
	if len(calls) < l.most {
		return 0
	}
	return max(0, l.per-now.Sub(calls[0]))
}

// Members of a project may have so many policies tested in a minute, and those of
// all projects together so many: more would make this a tool for looking around in
// the network.
const (
	MaxTests    = 10
	MaxAllTests = 60
	testSpan    = time.Minute
)

// TestLimit bounds the tests of each project, and of all of them together.
type TestLimit struct {
	mu      sync.Mutex
	project *Limit
	all     *Limit
}

// NewTestLimit returns the limit of tests.
func NewTestLimit(now func() time.Time) *TestLimit {
	return &TestLimit{project: NewLimit(MaxTests, testSpan, now), all: NewLimit(MaxAllTests, testSpan, now)}
}

// Take lets one test of a project through and returns 0, or returns how long to
// wait. A test that is not let through counts for nobody.
func (l *TestLimit) Take(projectID int64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := max(l.project.Wait(projectID), l.all.Wait(0)); wait > 0 {
		return wait
	}
	l.project.Take(projectID)
	l.all.Take(0)
	return 0
}

package auth

import (
	"fmt"
	"sync"
	"time"
)

// Guessing is slowed down once this many attempts in a row have failed.
const freeFailures = 5

const (
	firstBackOff = 30 * time.Second
	maxBackOff   = 15 * time.Minute
	// maxStreaks bounds the memory that strangers can fill.
	maxStreaks = 10_000
)

// BackOffError says that an account or a client has failed too often, or that too
// many sign-ins are being checked, and how long to wait before the next attempt.
type BackOffError struct{ RetryAfter time.Duration }

func (e *BackOffError) Error() string {
	return fmt.Sprintf("too many attempts to sign in: retry after %s", e.RetryAfter)
}

// backOff returns how long to wait after so many failures in a row.
func backOff(count int) time.Duration {
	if count < freeFailures {
		return 0
	}
	wait := firstBackOff
	for range count - freeFailures {
		if wait *= 2; wait >= maxBackOff {
			return maxBackOff
		}
	}
	return wait
}

// failures counts failed sign-ins in a row, for accounts and client addresses. A
// streak is forgotten maxBackOff after its last wait was over.
type failures struct {
	now func() time.Time

	mu      sync.Mutex
	streaks map[key]streak
}

type streak struct {
	count int
	// until is when the next attempt may be made.
	until time.Time
}

// check returns a BackOffError if any of the keys has to wait.
func (f *failures) check(keys []key) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var wait time.Duration
	for _, k := range keys {
		wait = max(wait, f.streaks[k].until.Sub(f.now()))
	}
	if wait > 0 {
		return &BackOffError{RetryAfter: wait}
	}
	return nil
}

// add counts one failure for each key.
func (f *failures) add(keys []key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	for _, k := range keys {
		s, known := f.streaks[k]
		if !known {
			f.makeRoom(now)
		}
		if known && expired(s, now) {
			s = streak{}
		}
		s.count++
		s.until = now.Add(backOff(s.count))
		f.streaks[k] = s
	}
}

// forget ends the streak of a key.
func (f *failures) forget(k key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.streaks, k)
}

func expired(s streak, now time.Time) bool { return now.Sub(s.until) > maxBackOff }

// makeRoom drops streaks that are over, and the shortest one if that does not
// help, so that a flood of invented names cannot wash out the streak of an
// account under attack.
func (f *failures) makeRoom(now time.Time) {
	if len(f.streaks) < maxStreaks {
		return
	}
	var (
		shortest key
		least    streak
	)
	for k, s := range f.streaks {
		if expired(s, now) {
			delete(f.streaks, k)
			continue
		}
		if least.count == 0 || s.count < least.count || s.count == least.count && s.until.Before(least.until) {
			shortest, least = k, s
		}
	}
	if len(f.streaks) >= maxStreaks {
		delete(f.streaks, shortest)
	}
}

package api

import (
	"sync"
	"time"
)

// seldom lets something happen at most once in a period, and counts the rest.
type seldom struct {
	period time.Duration
	now    func() time.Time

	mu    sync.Mutex
	next  time.Time
	count int
}

func newSeldom(period time.Duration, now func() time.Time) *seldom {
	return &seldom{period: period, now: now}
}

// ask returns how often it was asked since it last said yes, this time included,
// and whether it is time again.
func (s *seldom) ask() (count int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	count = s.count
	now := s.now()
	if now.Before(s.next) {
		return count, false
	}
	s.next, s.count = now.Add(s.period), 0
	return count, true
}

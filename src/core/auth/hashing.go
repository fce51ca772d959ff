package auth

import (
	"context"
	"runtime"
	"time"
)

// maxWaiting bounds the sign-ins that wait for their turn; more are turned away.
const maxWaiting = 64

// hashing limits how many passwords are checked at once: hashing is slow on
// purpose, and strangers decide how often it is asked for.
type hashing struct {
	waiting chan struct{}
	running chan struct{}
}

func newHashing() hashing {
	return hashing{
		waiting: make(chan struct{}, maxWaiting),
		running: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
	}
}

// turn waits for a turn and returns what ends it. It fails with a BackOffError
// when too many wait already, and when ctx ends.
func (h hashing) turn(ctx context.Context) (done func(), err error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, &BackOffError{RetryAfter: time.Second}
	}
	select {
	case h.running <- struct{}{}:
		return func() { <-h.running }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

package embedded

import (
	"context"
	"fmt"
	"sync"
)

// requests counts what is under way, so that a stop can wait for it.
type requests struct {
	mu      sync.Mutex
	running int
	// idle is set while draining, and closed when the last request is answered.
	idle chan struct{}
}

// enter says whether a request may start; leave ends it.
func (r *requests) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.idle != nil {
		return false
	}
	r.running++
	return true
}

func (r *requests) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running--
	if r.running == 0 && r.idle != nil {
		close(r.idle)
	}
}

func (r *requests) drain(ctx context.Context) error {
	idle := r.close()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for registry requests under way: %w", ctx.Err())
	}
}

func (r *requests) close() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.idle == nil {
		r.idle = make(chan struct{})
		if r.running == 0 {
			close(r.idle)
		}
	}
	return r.idle
}

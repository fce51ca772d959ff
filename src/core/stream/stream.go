// Package stream tells listeners what happens to deliveries, as it happens. It
// reads the database, so that it sees what other processes do, and only while
// somebody listens. What this process does wakes it; the rest is found by looking
// now and then.
package stream

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Store is where deliveries are read. No job comes with its body.
type Store interface {
	NewestJob(ctx context.Context) (int64, error)
	// JobsAfter returns up to most jobs with greater ids, and those of the others.
	JobsAfter(ctx context.Context, after int64, others []int64, most int) ([]hook.Job, error)
	// JobTimes returns when each of the jobs last changed.
	JobTimes(ctx context.Context, ids []int64) (map[int64]time.Time, error)
	// UnfinishedJobs returns the same of a project's jobs that are not over.
	UnfinishedJobs(ctx context.Context, projectID int64, most int) (map[int64]time.Time, error)
	// LightJobs returns jobs in the order of their last changes.
	LightJobs(ctx context.Context, ids []int64) ([]hook.Job, error)
}

// Limits of what listeners may take.
const (
	// MaxListeners is how many may listen at once.
	MaxListeners = 100
	// buffered is how many changes wait for a listener that is slow.
	buffered = 1000
)

// The reasons for which a listener is not served, or not any longer.
var (
	ErrTooMany = errors.New("too many listeners")
	ErrSlow    = errors.New("the listener is too slow")
	ErrStopped = errors.New("the server stops")
)

// Hub passes on every change of a delivery to those who listen to its project.
type Hub struct {
	store Store
	log   *slog.Logger
	// pollEvery is how often the database is read while somebody listens.
	pollEvery time.Duration
	wake      chan struct{}
	// audible says that somebody listens.
	audible atomic.Bool

	mu        sync.Mutex
	listeners map[*Listener]bool
	stopped   bool
}

// New returns a Hub. It is of use while Run runs.
func New(store Store, log *slog.Logger) *Hub {
	return &Hub{store: store, log: log, pollEvery: pollEvery, wake: make(chan struct{}, 1), listeners: map[*Listener]bool{}}
}

// Wake says that deliveries have changed, and that the change is committed: it is
// told at once, not only with the next look. It does not block, and costs next to
// nothing while nobody listens.
func (h *Hub) Wake() {
	if !h.audible.Load() {
		return
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Listener gets the changes of one project's deliveries.
type Listener struct {
	// Changes are the jobs as they are after a change, without their bodies. The
	// channel is closed when there will be no more.
	Changes <-chan hook.Job

	hub     *Hub
	project int64
	changes chan hook.Job
	ready   chan struct{} // closed when changes are seen
	known   bool          // that it is ready
	err     error
}

// Listen returns a listener that gets every change from now on.
func (h *Hub) Listen(ctx context.Context, projectID int64) (*Listener, error) {
	l := &Listener{hub: h, project: projectID, changes: make(chan hook.Job, buffered), ready: make(chan struct{})}
	l.Changes = l.changes
	h.mu.Lock()
	err := h.add(l)
	h.mu.Unlock()
	if err != nil {
		return nil, err
	}
	h.Wake()
	select {
	case <-l.ready:
		return l, nil
	case <-l.changes: // closed: nothing is sent before it is ready
		return nil, l.Err()
	case <-ctx.Done():
		l.Close()
		return nil, ctx.Err()
	}
}

func (h *Hub) add(l *Listener) error {
	switch {
	case h.stopped:
		return ErrStopped
	case len(h.listeners) >= MaxListeners:
		return ErrTooMany
	}
	h.listeners[l] = true
	h.audible.Store(true)
	return nil
}

// Close ends the listening. It may be called several times.
func (l *Listener) Close() { l.hub.drop(l, nil) }

// Err says why there are no more changes.
func (l *Listener) Err() error {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	return l.err
}

func (h *Hub) drop(l *Listener, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropLocked(l, why)
}

func (h *Hub) dropLocked(l *Listener, why error) {
	if h.listeners[l] {
		delete(h.listeners, l)
		h.audible.Store(len(h.listeners) > 0)
		l.err = why
		close(l.changes)
	}
}

// tell passes a job on. A listener with no room left is dropped.
func (h *Hub) tell(j hook.Job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		if l.project != j.ProjectID || !l.known {
			continue
		}
		select {
		case l.changes <- j:
		default:
			h.dropLocked(l, ErrSlow)
		}
	}
}

// stop drops everybody.
func (h *Hub) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for l := range h.listeners {
		h.dropLocked(l, ErrStopped)
	}
}

// Package enrich completes events whose registry did not tell what they are
// about: it reads the manifest from the registry, after the event was stored and
// the registry answered.
package enrich

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

// Store keeps events that are incomplete.
type Store interface {
	// ClaimIncomplete takes up to limit of them, which nobody else gets until the
	// lease ends. Handling one complete ends it for good.
	ClaimIncomplete(ctx context.Context, limit int, lease time.Duration) ([]hook.Event, error)
}

// Completer says what an event amounts to once its manifest can be read.
// *registry.Interpreter is one.
type Completer interface {
	Complete(ctx context.Context, e hook.Event, contents registry.Contents) (hook.Notification, error)
}

// Handler takes notifications: core/event's Handler does.
type Handler interface {
	Handle(ctx context.Context, n hook.Notification) error
}

// Config is what an Enricher needs; all but Contents is required.
type Config struct {
	Store     Store
	Completer Completer
	Handler   Handler
	// Contents reads manifests; nil completes events without reading, which is for
	// those that were stored before the registry was taken out of the configuration.
	Contents registry.Contents
	Log      *slog.Logger
}

const (
	// readTimeout is the longest that one event waits for the registry.
	readTimeout = 2 * time.Second
	// lease is how long an event is left to who claimed it: reading, and storing.
	lease = readTimeout + 3*time.Second
	// sideBySide is how many events are completed at the same time.
	sideBySide = 16
	// sweepEvery is how soon an event is found that its Core did not get to; without
	// a registry there is hardly ever one.
	sweepEvery     = time.Second
	sweepWithoutIt = time.Minute
)

// Enricher completes events. Several processes may do so over one database.
type Enricher struct {
	Config
	wake chan struct{}
}

// New returns an Enricher. It works while Run runs.
func New(c Config) *Enricher { return &Enricher{Config: c, wake: make(chan struct{}, 1)} }

// Handle implements event.NotificationHandler: it wakes the Enricher if an event
// of the notification, which has been stored before, is incomplete.
func (e *Enricher) Handle(_ context.Context, n hook.Notification) error {
	for i := range n.Events {
		if n.Events[i].Incomplete {
			select {
			case e.wake <- struct{}{}:
			default:
			}
			break
		}
	}
	return nil
}

// Run completes events until ctx ends: those that Handle announces at once, those
// that other processes left behind within a second.
func (e *Enricher) Run(ctx context.Context) error {
	every := sweepEvery
	if e.Contents == nil {
		every = sweepWithoutIt
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	failing := false
	for {
		err := e.sweep(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			e.Log.Warn("events wait to be completed", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-e.wake:
		case <-ticker.C:
		}
	}
}

// sweep completes every event that nobody has claimed.
func (e *Enricher) sweep(ctx context.Context) error {
	for {
		events, err := e.Store.ClaimIncomplete(ctx, sideBySide, lease)
		if err != nil || len(events) == 0 {
			return err
		}
		var all sync.WaitGroup
		for _, incomplete := range events {
			all.Go(func() { e.complete(ctx, incomplete) })
		}
		all.Wait()
	}
}

// complete completes one event. If that fails, the event comes again when its
// lease ends.
func (e *Enricher) complete(ctx context.Context, incomplete hook.Event) {
	n, err := e.Completer.Complete(ctx, incomplete, reader{e.Contents, time.Now().Add(readTimeout), e.Log, incomplete.ID})
	if err == nil {
		err = e.Handler.Handle(ctx, n)
	}
	if err != nil && ctx.Err() == nil {
		e.Log.Warn("cannot complete an event; it is tried again", "event", incomplete.ID, "error", err)
	}
}

// reader reads manifests for one event, until a time, and says why one cannot be
// read.
type reader struct {
	contents registry.Contents
	until    time.Time
	log      *slog.Logger
	event    string
}

// Manifest implements registry.Contents.
func (r reader) Manifest(ctx context.Context, repository, digest string) (registry.Content, error) {
	if r.contents == nil {
		return registry.Content{}, hook.ErrNotFound
	}
	ctx, cancel := context.WithDeadline(ctx, r.until)
	defer cancel()
	content, err := r.contents.Manifest(ctx, repository, digest)
	if err != nil {
		r.log.Warn("cannot read a manifest; the event goes on without", "event", r.event, "error", err)
	}
	return content, err
}

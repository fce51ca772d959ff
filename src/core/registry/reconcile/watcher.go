package reconcile

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

const (
	// atMostEvery is how often registries may be compared by themselves.
	atMostEvery = time.Minute
	// maxSources bounds the registries that are remembered in this process.
	maxSources = 1000
)

// Watcher compares when a registry has been started again: its events come with a
// new instance id then.
type Watcher struct {
	reconciler *Reconciler
	store      Store
	log        *slog.Logger

	mu    sync.Mutex
	known map[hook.RegistrySource]bool
	fresh map[hook.RegistrySource]bool
	wake  chan struct{}
}

// NewWatcher returns a Watcher. It compares while Run runs.
func NewWatcher(r *Reconciler) *Watcher {
	return &Watcher{
		reconciler: r, store: r.Store, log: r.Log,
		known: map[hook.RegistrySource]bool{}, fresh: map[hook.RegistrySource]bool{}, wake: make(chan struct{}, 1),
	}
}

// Seen is told from which registry a notification came. It returns at once.
func (w *Watcher) Seen(source hook.RegistrySource) {
	if source.InstanceID == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known[source] || w.fresh[source] || len(w.fresh) >= maxSources {
		return
	}
	w.fresh[source] = true
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run compares whenever there are sources that nobody has compared for, once a
// minute at most, until ctx ends. What fails is tried again.
func (w *Watcher) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		}
		compared, err := w.compare(ctx)
		if err != nil && ctx.Err() == nil {
			w.log.Warn("cannot compare the registry with the tag memory; it is tried again", "error", err)
		}
		if !compared && err == nil {
			continue
		}
		if !wait(ctx, atMostEvery) {
			return nil
		}
		if err != nil {
			w.again()
		}
	}
}

func (w *Watcher) again() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// compare compares if one of the fresh sources is not known to the store.
func (w *Watcher) compare(ctx context.Context) (compared bool, err error) {
	fresh := w.freshOnes()
	known, _, err := w.store.SourcesKnown(ctx, fresh)
	if err != nil {
		return false, err
	}
	var unknown []hook.RegistrySource
	for _, source := range fresh {
		if !known[source] {
			unknown = append(unknown, source)
		}
	}
	if len(unknown) > 0 {
		w.log.Info("a registry was started; comparing it with the tag memory", "addr", unknown[0].Addr, "instance", unknown[0].InstanceID)
		s, err := w.reconciler.Reconcile(ctx, unknown...)
		if err != nil {
			return true, err
		}
		w.log.Info("compared the registry with the tag memory", "first", s.First,
			"repositories", s.Repositories, "tags", s.Tags, "learned", s.Learned, "raised", s.Raised)
	}
	w.remember(fresh)
	return len(unknown) > 0, nil
}

func (w *Watcher) freshOnes() []hook.RegistrySource {
	w.mu.Lock()
	defer w.mu.Unlock()
	fresh := make([]hook.RegistrySource, 0, len(w.fresh))
	for source := range w.fresh {
		fresh = append(fresh, source)
	}
	return fresh
}

// remember keeps that these need no comparison any more.
func (w *Watcher) remember(sources []hook.RegistrySource) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.known) > maxSources {
		clear(w.known)
	}
	for _, source := range sources {
		delete(w.fresh, source)
		w.known[source] = true
	}
}

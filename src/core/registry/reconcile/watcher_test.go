package reconcile_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/core/registry/reconcile"
	"github.com/harborhook/harborhook/src/hook"
)

// empty is a registry without images, and a memory without tags.
type empty struct {
	mu       sync.Mutex
	compared int
	fail     error // of the next comparison
	known    map[hook.RegistrySource]bool
}

func (e *empty) Repositories(context.Context) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.compared++
	err := e.fail
	e.fail = nil
	return nil, err
}

func (*empty) Tags(context.Context, string) ([]string, error)            { return nil, nil }
func (*empty) TagDigest(context.Context, string, string) (string, error) { return "", hook.ErrNotFound }

func (*empty) Manifest(context.Context, string, string) (registry.Content, error) {
	return registry.Content{}, hook.ErrNotFound
}

func (*empty) TaggedRepositories(context.Context, string, int) ([]string, error) { return nil, nil }
func (*empty) TagsIn(context.Context, string) ([]hook.Tag, error)                { return nil, nil }

func (e *empty) SourcesKnown(context.Context, []hook.RegistrySource) (map[hook.RegistrySource]bool, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := map[hook.RegistrySource]bool{}
	for source := range e.known {
		known[source] = true
	}
	return known, len(known) > 0, nil
}

func (e *empty) LearnSources(_ context.Context, sources []hook.RegistrySource) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, source := range sources {
		e.known[source] = true
	}
	return nil
}

func (e *empty) remembers(source hook.RegistrySource) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.known[source]
}

func (e *empty) want(t *testing.T, compared int) {
	t.Helper()
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.compared != compared {
		t.Errorf("compared %d times, want %d", e.compared, compared)
	}
}

func life(instance string) hook.RegistrySource {
	return hook.RegistrySource{Addr: "registry:5000", InstanceID: instance}
}

// watch runs a Watcher while test runs, on a clock of its own.
func watch(t *testing.T, e *empty, test func(w *reconcile.Watcher)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := reconcile.NewWatcher(reconcile.New(reconcile.Config{Registry: e, Store: e, Log: slog.New(slog.DiscardHandler)}))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		test(w)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestARegistryThatWasStartedIsComparedOnce(t *testing.T) {
	t.Parallel()
	e := &empty{known: map[hook.RegistrySource]bool{life("1"): true}}
	watch(t, e, func(w *reconcile.Watcher) {
		w.Seen(life("1"))
		w.Seen(life(""))
		e.want(t, 0)
		w.Seen(life("2"))
		w.Seen(life("2"))
		e.want(t, 1)
		<-time.After(2 * time.Minute)
		w.Seen(life("2"))
		e.want(t, 1)
	})
	if !e.remembers(life("2")) {
		t.Error("it is not remembered")
	}
}

func TestRegistriesAreComparedOnceAMinuteAtMost(t *testing.T) {
	t.Parallel()
	e := &empty{known: map[hook.RegistrySource]bool{}}
	watch(t, e, func(w *reconcile.Watcher) {
		w.Seen(life("1"))
		e.want(t, 1)
		w.Seen(life("2"))
		w.Seen(life("3"))
		<-time.After(59 * time.Second)
		e.want(t, 1)
		<-time.After(time.Second)
		e.want(t, 2)
	})
}

func TestAComparisonThatFailedIsTriedAgain(t *testing.T) {
	t.Parallel()
	e := &empty{known: map[hook.RegistrySource]bool{}, fail: errors.New("away")}
	watch(t, e, func(w *reconcile.Watcher) {
		w.Seen(life("1"))
		e.want(t, 1)
		if e.remembers(life("1")) {
			t.Error("it is remembered although it failed")
		}
		<-time.After(time.Minute)
		e.want(t, 2)
	})
}

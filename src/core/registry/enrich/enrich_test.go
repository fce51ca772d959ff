package enrich_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/core/registry/enrich"
	"github.com/harborhook/harborhook/src/hook"
)

// queue is a store of incomplete events, and what completes and takes them.
type queue struct {
	mu        sync.Mutex
	waiting   map[string]time.Time // until when it is claimed
	completed []string
	claims    int
	fail      error // of the next completion
	contents  registry.Contents
}

func (q *queue) ClaimIncomplete(_ context.Context, limit int, lease time.Duration) ([]hook.Event, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.claims++
	var events []hook.Event
	for id, until := range q.waiting {
		if len(events) < limit && !time.Now().Before(until) {
			q.waiting[id] = time.Now().Add(lease)
			events = append(events, hook.Event{ID: id, Incomplete: true})
		}
	}
	return events, nil
}

// Complete reads a manifest and ignores the outcome.
func (q *queue) Complete(ctx context.Context, e hook.Event, contents registry.Contents) (hook.Notification, error) {
	if _, err := contents.Manifest(ctx, "prj/app", "sha256:aa"); err == nil {
		e.Operator = "read"
	}
	if err := ctx.Err(); err != nil {
		return hook.Notification{}, err
	}
	e.Incomplete = false
	return hook.Notification{Events: []hook.Event{e}}, nil
}

func (q *queue) Handle(_ context.Context, n hook.Notification) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.fail; err != nil {
		q.fail = nil
		return err
	}
	for _, e := range n.Events {
		q.completed = append(q.completed, strings.TrimSpace(e.ID+" "+e.Operator))
		delete(q.waiting, e.ID)
	}
	return nil
}

// contentsFunc is a registry.
type contentsFunc func(ctx context.Context) (registry.Content, error)

func (f contentsFunc) Manifest(ctx context.Context, _, _ string) (registry.Content, error) {
	return f(ctx)
}

func readable(context.Context) (registry.Content, error) { return registry.Content{}, nil }

// run runs an Enricher over a queue while test runs, on a clock of its own.
func run(t *testing.T, q *queue, test func(e *enrich.Enricher)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := enrich.New(enrich.Config{Store: q, Completer: q, Handler: q, Contents: q.contents, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- e.Run(ctx) }()
		synctest.Wait()
		test(e)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func (q *queue) add(ids ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		q.waiting[id] = time.Time{}
	}
}

func (q *queue) want(t *testing.T, completed string) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	if got := strings.Join(q.completed, ", "); got != completed {
		t.Errorf("completed %q, want %q", got, completed)
	}
}

func newQueue(contents registry.Contents) *queue {
	return &queue{waiting: map[string]time.Time{}, contents: contents}
}

func incomplete(id string) hook.Notification {
	return hook.Notification{Events: []hook.Event{{ID: "other"}, {ID: id, Incomplete: true}}}
}

func TestAnAnnouncedEventIsCompletedAtOnce(t *testing.T) {
	t.Parallel()
	q := newQueue(contentsFunc(readable))
	run(t, q, func(e *enrich.Enricher) {
		q.add("e1")
		if err := e.Handle(t.Context(), incomplete("e1")); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		q.want(t, "e1 read")
	})
}

func TestACompleteEventWakesNobody(t *testing.T) {
	t.Parallel()
	q := newQueue(contentsFunc(readable))
	run(t, q, func(e *enrich.Enricher) {
		if err := e.Handle(t.Context(), hook.Notification{Events: []hook.Event{{ID: "e1"}}}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if q.claims != 1 { // the one at the start
			t.Errorf("%d claims", q.claims)
		}
	})
}

func TestWhatAnotherCoreLeftBehindIsFoundWithinASecond(t *testing.T) {
	t.Parallel()
	q := newQueue(contentsFunc(readable))
	run(t, q, func(*enrich.Enricher) {
		q.add("e1")
		<-time.After(time.Second)
		synctest.Wait()
		q.want(t, "e1 read")
	})
}

func TestARegistryThatDoesNotAnswerHoldsAnEventForTwoSeconds(t *testing.T) {
	t.Parallel()
	q := newQueue(contentsFunc(func(ctx context.Context) (registry.Content, error) {
		<-ctx.Done()
		return registry.Content{}, ctx.Err()
	}))
	run(t, q, func(e *enrich.Enricher) {
		q.add("e1")
		if err := e.Handle(t.Context(), incomplete("e1")); err != nil {
			t.Error(err)
		}
		<-time.After(2*time.Second - time.Millisecond)
		q.want(t, "")
		<-time.After(time.Millisecond)
		synctest.Wait()
		q.want(t, "e1")
	})
}

func TestWhatCannotBeStoredComesAgainAfterItsLease(t *testing.T) {
	t.Parallel()
	q := newQueue(contentsFunc(readable))
	q.fail = errors.New("the database is away")
	q.add("e1")
	run(t, q, func(*enrich.Enricher) {
		<-time.After(4 * time.Second)
		q.want(t, "")
		<-time.After(2 * time.Second)
		synctest.Wait()
		q.want(t, "e1 read")
	})
}

func TestWithoutARegistryWhatIsLeftGoesOn(t *testing.T) {
	t.Parallel()
	q := newQueue(nil)
	q.add("e1")
	run(t, q, func(*enrich.Enricher) { q.want(t, "e1") })
}

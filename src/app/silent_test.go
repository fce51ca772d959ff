package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice"
	"github.com/harborhook/harborhook/src/jobservice/delivery"
	"github.com/harborhook/harborhook/src/jobservice/queue"
	"github.com/harborhook/harborhook/src/store"
	"github.com/harborhook/harborhook/src/store/sqlite"
)

// An endpoint that never answers, with 500 jobs, beside one that gets 20 a
// second. A worker that waited for the silent one would be held for 10 s.
func TestASilentEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	const silentJobs, goodJobs, every = 500, 100, 50 * time.Millisecond
	s := newStore(t)
	service := startJobService(t, s)
	silent, good := newEndpoint(t, true), newEndpoint(t, false)
	toSilent, toGood := newPolicy(t, s, "silent", silent.URL), newPolicy(t, s, "good", good.URL)

	submit(t, s, service, toSilent, "silent", silentJobs)
	<-silent.got
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var waits []time.Duration
	for i := range goodJobs {
		<-ticker.C
		start := time.Now()
		submit(t, s, service, toGood, fmt.Sprint("good", i), 1)
		select {
		case at := <-good.got:
			waits = append(waits, at.Sub(start))
		case <-time.After(30 * time.Second):
			t.Fatal("the good endpoint's job does not start")
		}
	}
	slices.Sort(waits)
	p99 := waits[len(waits)*99/100-1]
	t.Logf("start at the good endpoint: p50 %s, p99 %s, max %s", waits[len(waits)/2], p99, waits[len(waits)-1])
	// On a quiet machine of 2 cores it is 20 to 65 ms. If the silent endpoint's 500
	// jobs held the workers for 10 s each, it would be a minute.
	if p99 > 5*time.Second {
		t.Errorf("p99 of the start is %s", p99)
	}
	if n := silent.most(); n > 8 {
		t.Errorf("%d requests were at the silent endpoint at once, want an eighth of 64 workers at most", n)
	}
}

// endpoint receives webhooks; a silent one does not answer them.
type endpoint struct {
	*httptest.Server
	got chan time.Time

	mu          sync.Mutex
	now, atOnce int
}

func newEndpoint(t *testing.T, silent bool) *endpoint {
	t.Helper()
	e, end := &endpoint{got: make(chan time.Time, 10_000)}, make(chan struct{})
	e.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		e.got <- time.Now()
		e.count(1)
		defer e.count(-1)
		if silent {
			io.Copy(io.Discard, r.Body) // so that the server notices a client that hangs up
			select {
			case <-r.Context().Done():
			case <-end:
			}
		}
	}))
	t.Cleanup(func() {
		close(end)
		e.Close()
	})
	return e
}

func (e *endpoint) count(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now += n
	e.atOnce = max(e.atOnce, e.now)
}

func (e *endpoint) most() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.atOnce
}

func newStore(t *testing.T) *store.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "harborhook.db")
	if err := sqlite.Migrate(path); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(path, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// startJobService runs JobService until the test ends. The endpoints must be
// closed before, and the store after that.
func startJobService(t *testing.T, s *store.Store) *jobservice.Service {
	t.Helper()
	embedded, err := queue.StartEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	q, err := queue.New(queue.Config{URL: embedded.URL(), Namespace: "test", Workers: 64, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := delivery.NewGuard(delivery.GuardConfig{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	service := jobservice.New(jobservice.Config{
		Store: s, Queue: q, Sender: delivery.New(delivery.Config{Guard: guard, Timeout: 10 * time.Second, UserAgent: "test"}),
		Observer: newMetrics(config.Standalone, "test"), Log: log, Workers: 64, DeliveryTimeout: 10 * time.Second,
		RetryWaits: []time.Duration{time.Hour}, CircuitProbe: time.Hour, MaxWait: time.Hour,
		ReconcileInterval: time.Second, Grace: time.Second,
	})
	redisCtx, stopRedis := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { embedded.Run(redisCtx) })
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		stopRedis()
		group.Wait()
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return service
}

func newPolicy(t *testing.T, s *store.Store, name, target string) hook.Policy {
	t.Helper()
	project := hook.Project{Name: name}
	if err := s.CreateProject(t.Context(), &project); err != nil {
		t.Fatal(err)
	}
	p := hook.Policy{
		Name: name, ProjectID: project.ID, Enabled: true, HookTypes: []hook.EventType{hook.PushImage},
		Targets: []hook.Target{{Type: hook.TargetHTTP, Address: target, PayloadFormat: "Events"}},
	}
	if err := s.CreatePolicy(t.Context(), &p, nil); err != nil {
		t.Fatal(err)
	}
	return p
}

// submit stores n events with one job each and hints the jobs.
func submit(t *testing.T, s *store.Store, service *jobservice.Service, p hook.Policy, name string, n int) {
	t.Helper()
	var note hook.Notification
	var jobs []hook.Job
	for i := range n {
		e := hook.Event{ID: fmt.Sprint(name, "/", i), Type: hook.PushImage, ProjectID: p.ProjectID, OccurredAt: time.Now()}
		note.Events = append(note.Events, e)
		jobs = append(jobs, hook.Job{
			Key: hook.JobKey(e, p.ID, 0), ProjectID: p.ProjectID, PolicyID: p.ID, EventID: e.ID, HookType: e.Type,
			Origin: hook.TargetOrigin(p.Targets[0].Address), ContentType: "application/json", Detail: []byte("{}"),
		})
	}
	ids, err := s.Accept(t.Context(), note, jobs)
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Submit(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
}

package jobservice

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice/job"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	waits := []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute}
	answered := func(result hook.Result, status int) hook.Attempt {
		return hook.Attempt{Result: result, Response: &hook.Response{Status: status}}
	}
	cases := []struct {
		name    string
		before  int // attempts that ended already
		attempt hook.Attempt
		waits   []time.Duration
		random  float64
		status  hook.Status
		message string
		retryIn time.Duration
	}{
		{"success", 0, answered(hook.ResultOK, 204), waits, 0.5, hook.StatusFinished, "", 0},
		{"success at the last attempt", 3, answered(hook.ResultOK, 200), waits, 0.5, hook.StatusFinished, "", 0},
		{"an answer is final", 0, answered(hook.ResultHTTPError, 503), waits, 0.5, hook.StatusError, "HTTP status 503", 0},
		{"first network error", 0, hook.Attempt{Result: hook.ResultTimeout}, waits, 0.5, hook.StatusScheduled, "attempt 1 of 4 failed: timeout", 5 * time.Second},
		{"second network error", 1, hook.Attempt{Result: hook.ResultReset}, waits, 0.5, hook.StatusScheduled, "attempt 2 of 4 failed: reset", 30 * time.Second},
		{"third network error", 2, hook.Attempt{Result: hook.ResultDNSError}, waits, 0.5, hook.StatusScheduled, "attempt 3 of 4 failed: dns_error", 2 * time.Minute},
		{"fourth network error", 3, hook.Attempt{Result: hook.ResultConnectFailed}, waits, 0.5, hook.StatusError, "all 4 attempts failed, the last: connect_failed", 0},
		{"shortest wait", 0, hook.Attempt{Result: hook.ResultTimeout}, waits, 0, hook.StatusScheduled, "attempt 1 of 4 failed: timeout", 4 * time.Second},
		{"longest wait", 0, hook.Attempt{Result: hook.ResultTimeout}, waits, 1, hook.StatusScheduled, "attempt 1 of 4 failed: timeout", 6 * time.Second},
		{"no retries configured", 0, hook.Attempt{Result: hook.ResultTimeout}, nil, 0.5, hook.StatusError, "all 1 attempts failed, the last: timeout", 0},
		{"blocked", 0, hook.Attempt{Result: hook.ResultBlocked}, waits, 0.5, hook.StatusError, "blocked", 0},
		{"certificate refused", 0, hook.Attempt{Result: hook.ResultTLSError}, waits, 0.5, hook.StatusError, "tls_error", 0},
		{"not sendable", 0, hook.Attempt{Result: hook.ResultInvalidRequest}, waits, 0.5, hook.StatusError, "invalid_request", 0},
		{"unreadable answer", 0, hook.Attempt{Result: hook.ResultInvalidResponse}, waits, 0.5, hook.StatusError, "invalid_response", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := hook.Delivery{Lease: "lease", Job: hook.Job{ID: 7, Attempts: c.before}}
			want := hook.Outcome{JobID: 7, Lease: "lease", Attempt: c.attempt, Status: c.status, StatusMessage: c.message, RetryIn: c.retryIn}
			if diff := cmp.Diff(want, decide(d, c.attempt, c.waits, c.random)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// table is a store in memory: ids that wait, all of one origin, and what became
// of them.
type table struct {
	circuitTable
	purgeTable
	switchTable
	bulkTable
	searchTable

	mu        sync.Mutex
	due       []int64
	claimed   []int64
	finished  []hook.Outcome
	released  []int64
	recovered int
	finishErr []error // one for each call of Finish, then nil
	changed   chan struct{}
}

func newTable(due ...int64) *table {
	return &table{due: slices.Clone(due), changed: make(chan struct{}, 1000)}
}

func (s *table) Claim(_ context.Context, ids []int64, _ time.Duration, except ...string) ([]hook.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(except, "") {
		return nil, nil
	}
	var claimed []hook.Delivery
	for _, id := range ids {
		if i := slices.Index(s.due, id); i >= 0 {
			s.due = slices.Delete(s.due, i, i+1)
			s.claimed = append(s.claimed, id)
			claimed = append(claimed, hook.Delivery{Lease: "lease", Number: 1, Job: hook.Job{ID: id}})
		}
	}
	return claimed, nil
}

func (s *table) Finish(_ context.Context, o hook.Outcome) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.finishErr) > 0 {
		err := s.finishErr[0]
		s.finishErr = s.finishErr[1:]
		if err != nil {
			return false, err
		}
	}
	s.finished = append(s.finished, o)
	s.changed <- struct{}{}
	return true, nil
}

func (s *table) Release(_ context.Context, claimed []hook.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range claimed {
		s.released = append(s.released, d.ID)
		s.due = append(s.due, d.ID)
	}
	return nil
}

func (s *table) Recover(context.Context, time.Duration) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recovered++
	return 0, nil
}

func (s *table) Due(_ context.Context, limit int, hinted []int64, room func(string) int) ([]int64, error) {
	limit = min(limit, room(""))
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.due)
	due := slices.DeleteFunc(slices.Clone(s.due), func(id int64) bool { return slices.Contains(hinted, id) })
	return due[:min(limit, len(due))], nil
}

func (s *table) outcomes() []hook.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.finished)
}

// wait waits for n changes.
func (s *table) wait(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for range n {
		select {
		case <-s.changed:
		case <-deadline:
			t.Fatal("it did not come to an end")
		}
	}
}

// line is a queue in memory. It can lose every hint.
type line struct {
	mu    sync.Mutex
	hints chan []int64
	lossy bool
	most  int
	// others are hints of other kinds, which nobody takes.
	others []string
}

func newLine() *line { return &line{hints: make(chan []int64, 10_000)} }

func (q *line) Push(_ context.Context, kind string, ids []int64) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if kind != kindWebhook {
		q.others = append(q.others, kind)
		return 1, nil
	}
	if !q.lossy {
		for _, id := range ids {
			q.hints <- []int64{id}
		}
	}
	q.most = max(q.most, len(q.hints))
	return len(q.hints), nil
}

func (q *line) Waiting(context.Context, string) (int, error) { return len(q.hints), nil }

func (q *line) Run(ctx context.Context, kinds ...job.Interface) error {
	var group sync.WaitGroup
	for {
		select {
		case <-ctx.Done():
			group.Wait()
			return nil
		case ids := <-q.hints:
			group.Go(func() { kinds[0].Run(context.WithoutCancel(ctx), ids) })
		}
	}
}

type sendFunc func(context.Context, hook.Delivery) hook.Attempt

func (f sendFunc) Send(ctx context.Context, d hook.Delivery) hook.Attempt { return f(ctx, d) }

type nobody struct{}

func (nobody) Attempted(hook.Delivery, hook.Outcome) {}
func (nobody) CircuitsOpen(int)                      {}

func ok(context.Context, hook.Delivery) hook.Attempt {
	return hook.Attempt{Number: 1, Result: hook.ResultOK, Response: &hook.Response{Status: 200}}
}

// startService runs a service until the test ends and returns a way to stop it.
func startService(t *testing.T, s *table, q *line, send sendFunc, change func(*Config)) (service *Service, stop func()) {
	t.Helper()
	cfg := Config{
		Store: s, Queue: q, Sender: send, Observer: nobody{}, Log: slog.New(slog.DiscardHandler), Workers: 4,
		DeliveryTimeout: time.Second, CircuitProbe: time.Hour, MaxWait: time.Hour, ReconcileInterval: 20 * time.Millisecond, Grace: 10 * time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	service = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return service, stop
}

func TestSubmittedJobsAreDelivered(t *testing.T) {
	t.Parallel()
	s := newTable(1, 2, 3)
	service, _ := startService(t, s, newLine(), ok, func(c *Config) { c.ReconcileInterval = time.Hour })
	if err := service.Submit(t.Context(), []int64{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	s.wait(t, 3)
}

func TestAHintLargerThanWhatAProcessClaimsIsWorkedOff(t *testing.T) {
	t.Parallel()
	const jobs = 4*seatsAWorker + 1
	ids := make([]int64, jobs)
	for i := range ids {
		ids[i] = int64(i + 1)
	}
	s, q := newTable(ids...), newLine()
	service, _ := startService(t, s, q, ok, func(c *Config) { c.Workers = 1 })
	s.wait(t, 1) // it runs
	done := make(chan struct{})
	go func() {
		defer close(done)
		service.webhook.Run(t.Context(), ids)
	}()
	s.wait(t, jobs-1)
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("the queue's worker is stuck")
	}
}

func TestJobsWhoseHintWasNeverGivenAreDelivered(t *testing.T) {
	t.Parallel()
	s := newTable(1, 2, 3)
	startService(t, s, newLine(), ok, nil)
	s.wait(t, 3)
}

func TestABacklogPassesThroughABoundedWindow(t *testing.T) {
	t.Parallel()
	var ids []int64
	for id := range int64(900) {
		ids = append(ids, id+1)
	}
	s, q := newTable(ids...), newLine()
	service, _ := startService(t, s, q, ok, func(c *Config) { c.ReconcileInterval = 50 * time.Millisecond })
	for _, id := range ids {
		if err := service.Submit(t.Context(), []int64{id}); err != nil {
			t.Fatal(err)
		}
	}
	s.wait(t, len(ids))
	// A submission may come in between the look at the window and the filling of it.
	if most := windowIDs*4 + windowFull*4; q.most > most {
		t.Errorf("%d hints were in the window at once, want at most %d", q.most, most)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if given := len(s.claimed) - len(s.released); given != len(ids) || len(s.finished) != len(ids) {
		t.Errorf("claimed and kept %d, finished %d, want %d", given, len(s.finished), len(ids))
	}
}

func TestAnAttemptIsRecordedWhenTheDatabaseComesBack(t *testing.T) {
	t.Parallel()
	s := newTable(1)
	s.finishErr = []error{hook.ErrUnavailable, hook.ErrUnavailable}
	sent := 0
	startService(t, s, newLine(), func(ctx context.Context, d hook.Delivery) hook.Attempt { sent++; return ok(ctx, d) }, nil)
	s.wait(t, 1)
	if sent != 1 {
		t.Errorf("sent %d times, want once", sent)
	}
}

func TestAStopLetsWorkInHandEnd(t *testing.T) {
	t.Parallel()
	s := newTable(1)
	begun, finish := make(chan struct{}), make(chan struct{})
	_, stop := startService(t, s, newLine(), func(ctx context.Context, d hook.Delivery) hook.Attempt {
		close(begun)
		<-finish
		return ok(ctx, d)
	}, nil)
	<-begun
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(finish)
	<-stopped
	if len(s.finished) != 1 || len(s.released) != 0 {
		t.Errorf("finished %d, released %d; want the attempt recorded", len(s.finished), len(s.released))
	}
}

func TestAStopGivesBackWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	s := newTable(1)
	begun := make(chan struct{})
	_, stop := startService(t, s, newLine(), func(ctx context.Context, _ hook.Delivery) hook.Attempt {
		close(begun)
		<-ctx.Done()
		return hook.Attempt{Result: hook.ResultInterrupted}
	}, func(c *Config) { c.Grace = 10 * time.Millisecond })
	<-begun
	stop()
	if !slices.Equal(s.released, []int64{1}) || len(s.finished) != 0 {
		t.Errorf("released %v, finished %d; want the job given back", s.released, len(s.finished))
	}
}

func TestNoMoreDeliveriesAtOnceThanWorkers(t *testing.T) {
	t.Parallel()
	var ids []int64
	for id := range int64(60) {
		ids = append(ids, id+1)
	}
	s := newTable(ids...)
	var mu sync.Mutex
	atOnce, most := 0, 0
	startService(t, s, newLine(), func(ctx context.Context, d hook.Delivery) hook.Attempt {
		mu.Lock()
		atOnce++
		most = max(most, atOnce)
		mu.Unlock()
		defer func() { mu.Lock(); atOnce--; mu.Unlock() }()
		return ok(ctx, d)
	}, nil)
	s.wait(t, len(ids))
	if most > 4 {
		t.Errorf("%d deliveries at once, want at most 4", most)
	}
}

func TestALostQueueIsAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("redis is away")
	d := newDispatcher(Config{Store: newTable(), Queue: &brokenQueue{line: newLine(), err: broken}, Workers: 1, Log: slog.New(slog.DiscardHandler)})
	if err := d.submit(t.Context(), []int64{1}); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if n := len(d.underWay()); n != 0 {
		t.Errorf("%d hints count as under way, want none", n)
	}
}

type brokenQueue struct {
	*line
	err error
}

func (q *brokenQueue) Push(context.Context, string, []int64) (int, error) { return 0, q.err }

package queue

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/harborhook/harborhook/src/jobservice/job"
)

// eachRedis runs a test on the embedded Redis and, when there is one, on a real one.
func eachRedis(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		embedded, err := StartEmbedded()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- embedded.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done })
		test(t, embedded.URL())
	})
	t.Run("redis", func(t *testing.T) {
		addr := os.Getenv("TEST_REDIS_ADDR")
		if addr == "" {
			t.Skip("TEST_REDIS_ADDR is not set; `make test` starts a Redis and sets it")
		}
		t.Parallel()
		test(t, "redis://"+addr)
	})
}

// recorder is a kind of job that tells which ids it was given.
type recorder struct {
	name     string
	priority uint
	got      chan int64
}

func (r *recorder) Name() string   { return r.name }
func (r *recorder) Priority() uint { return r.priority }
func (r *recorder) Run(_ context.Context, ids []int64) {
	for _, id := range ids {
		r.got <- id
	}
}

// start runs a queue until the test ends.
func start(t *testing.T, url string, workers int, kinds ...job.Interface) *Queue {
	t.Helper()
	q, err := New(Config{URL: url, Namespace: "test-" + uuid.NewString(), Workers: workers, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx, kinds...) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Error("the queue did not stop")
		}
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

func receive(t *testing.T, from <-chan int64, n int) []int64 {
	t.Helper()
	deadline := time.After(30 * time.Second)
	var got []int64
	for range n {
		select {
		case id := <-from:
			got = append(got, id)
		case <-deadline:
			t.Fatalf("got %d ids, want %d", len(got), n)
		}
	}
	return got
}

func TestEveryIDReachesAWorkerOnce(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, url string) {
		r := &recorder{name: "WEBHOOK", priority: job.JobPriorityHigh, got: make(chan int64, 1000)}
		q := start(t, url, 4, r)
		var want []int64
		for i := range int64(300) {
			want = append(want, 9_007_199_254_740_993+i) // beyond what a float64 can hold
		}
		if _, err := q.Push(t.Context(), "WEBHOOK", want); err != nil {
			t.Fatal(err)
		}
		got := receive(t, r.got, len(want))
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ids (-want +got):\n%s", diff)
		}
	})
}

func TestAnIdleWorkerStartsAtOnce(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, url string) {
		r := &recorder{name: "WEBHOOK", priority: job.JobPriorityHigh, got: make(chan int64, 10)}
		q := start(t, url, 8, r)
		// The first one also waits for the workers to connect.
		if _, err := q.Push(t.Context(), "WEBHOOK", []int64{0}); err != nil {
			t.Fatal(err)
		}
		receive(t, r.got, 1)
		var waits []time.Duration
		for i := range int64(9) {
			began := time.Now()
			if _, err := q.Push(t.Context(), "WEBHOOK", []int64{i}); err != nil {
				t.Fatal(err)
			}
			receive(t, r.got, 1)
			waits = append(waits, time.Since(began))
		}
		slices.Sort(waits)
		// Stock gocraft/work takes seconds; the bound leaves room for a busy machine.
		if median := waits[len(waits)/2]; median > 100*time.Millisecond {
			t.Errorf("an idle worker started after %v (median)", median)
		}
	})
}

func TestMalformedHintsAreDropped(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, url string) {
		r := &recorder{name: "WEBHOOK", priority: job.JobPriorityHigh, got: make(chan int64, 10)}
		q := start(t, url, 2, r)
		for _, hint := range []string{`{"name":"WEBHOOK","id":"1","args":{"ids":7}}`, `{"name":"WEBHOOK","id":"2","args":{"ids":"1,x"}}`, `{"name":"WEBHOOK","id":"3"}`} {
			if _, err := q.do(t.Context(), "LPUSH", q.listKey("WEBHOOK"), hint); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := q.Push(t.Context(), "WEBHOOK", []int64{42}); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, r.got, 1); got[0] != 42 {
			t.Errorf("got %d, want 42", got[0])
		}
	})
}

func TestHighPriorityOvertakes(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, url string) {
		var mu sync.Mutex
		var order []string
		done := make(chan struct{}, 500)
		note := func(name string) func(ids []int64) {
			return func(ids []int64) {
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				for range ids {
					done <- struct{}{}
				}
			}
		}
		low := &funcKind{"PURGE", job.JobPriorityLow, note("low")}
		high := &funcKind{"WEBHOOK", job.JobPriorityHigh, note("high")}
		q, err := New(Config{URL: url, Namespace: "test-" + uuid.NewString(), Workers: 1, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { q.Close() })
		for i := range int64(200) {
			if _, err := q.Push(t.Context(), "PURGE", []int64{i}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := q.Push(t.Context(), "WEBHOOK", []int64{1}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- q.Run(ctx, low, high) }()
		for range 201 {
			<-done
		}
		cancel()
		<-stopped
		mu.Lock()
		defer mu.Unlock()
		if at := slices.Index(order, "high"); at > 5 {
			t.Errorf("the webhook came as number %d behind a backlog of low priority", at+1)
		}
	})
}

type funcKind struct {
	name     string
	priority uint
	run      func([]int64)
}

func (k *funcKind) Name() string                       { return k.name }
func (k *funcKind) Priority() uint                     { return k.priority }
func (k *funcKind) Run(_ context.Context, ids []int64) { k.run(ids) }

func TestStopWaitsForWorkInHand(t *testing.T) {
	t.Parallel()
	eachRedis(t, func(t *testing.T, url string) {
		begun, finish := make(chan struct{}), make(chan struct{})
		ended := false
		q, err := New(Config{URL: url, Namespace: "test-" + uuid.NewString(), Workers: 2, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() {
			stopped <- q.Run(ctx, &funcKind{"WEBHOOK", job.JobPriorityHigh, func([]int64) { close(begun); <-finish; ended = true }})
		}()
		if _, err := q.Push(t.Context(), "WEBHOOK", []int64{1}); err != nil {
			t.Fatal(err)
		}
		<-begun
		cancel()
		close(finish)
		<-stopped
		if !ended {
			t.Error("the queue stopped before its worker was done")
		}
	})
}

func TestAURLThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "localhost:6379", "http://localhost", "redis://", "%"} {
		if _, err := New(Config{URL: url, Namespace: "x", Workers: 1}); err == nil {
			t.Errorf("%q was taken", url)
		}
	}
}

func BenchmarkHints(b *testing.B) {
	embedded, err := StartEmbedded()
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go embedded.Run(ctx)
	done := make(chan struct{}, 64)
	q, err := New(Config{URL: embedded.URL(), Namespace: fmt.Sprint("bench", b.N), Workers: 16, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	go q.Run(ctx, &funcKind{"WEBHOOK", job.JobPriorityHigh, func([]int64) { done <- struct{}{} }})
	b.ResetTimer()
	for b.Loop() {
		if _, err := q.Push(ctx, "WEBHOOK", []int64{1}); err != nil {
			b.Fatal(err)
		}
		<-done
	}
}

func TestKeysOfAnotherTypeAreRepaired(t *testing.T) {
	eachRedis(t, func(t *testing.T, url string) {
		for _, key := range []string{"jobs:WEBHOOK", "jobs:WEBHOOK:lock", "jobs:WEBHOOK:lock_info", "jobs:WEBHOOK:max_concurrency", "jobs:WEBHOOK:paused"} {
			for what, command := range map[string]string{"a set": "SADD", "a text": "SET"} {
				if key == "jobs:WEBHOOK:paused" && what == "a text" {
					continue // which is how somebody pauses it
				}
				t.Run(key+" is "+what, func(t *testing.T) {
					t.Parallel()
					kind := &recorder{name: "WEBHOOK", got: make(chan int64, 100)}
					q := start(t, url, 2, kind)
					pushAndWait(t, q, kind, 1) // it runs
					const script = `redis.call('DEL', KEYS[1]); redis.call(ARGV[1], KEYS[1], 'poison')`
					if _, err := q.do(t.Context(), "EVAL", script, 1, q.cfg.Namespace+":"+key, command); err != nil {
						t.Fatal(err)
					}
					pushAndWait(t, q, kind, 2)
				})
			}
		}
	})
}

// pushAndWait does what the dispatcher does until the id arrives: it looks at the
// queue, and hints again.
func pushAndWait(t *testing.T, q *Queue, kind *recorder, id int64) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		if _, err := q.Waiting(t.Context(), kind.name); err == nil {
			q.Push(t.Context(), kind.name, []int64{id})
		}
		again := time.NewTimer(100 * time.Millisecond)
		select {
		case got := <-kind.got:
			if got == id {
				return
			}
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("job %d did not run", id)
		}
	}
}

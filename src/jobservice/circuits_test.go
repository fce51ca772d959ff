package jobservice

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// circuitTable is a CircuitStore in memory, of one origin.
type circuitTable struct {
	circuitMu sync.Mutex
	failures  int
	open      bool
	probes    int // that may be taken
	told      []string
	old       int // jobs to give up
}

func (s *circuitTable) CircuitFailed(_ context.Context, _ string, threshold int, _ time.Duration) (bool, error) {
	s.circuitMu.Lock()
	defer s.circuitMu.Unlock()
	s.failures++
	opened := s.failures == threshold
	s.open = s.open || opened
	return opened, nil
}

func (s *circuitTable) CircuitAnswered(context.Context, string) (bool, error) {
	s.circuitMu.Lock()
	defer s.circuitMu.Unlock()
	closed := s.open
	s.failures, s.open = 0, false
	return closed, nil
}

func (s *circuitTable) Failing(context.Context) ([]hook.Circuit, error) {
	s.circuitMu.Lock()
	defer s.circuitMu.Unlock()
	if s.failures == 0 {
		return nil, nil
	}
	c := hook.Circuit{Origin: "", Failures: s.failures}
	if s.open {
		c.OpenSince = time.Unix(1, 0)
	}
	return []hook.Circuit{c}, nil
}

func (s *circuitTable) TakeProbe(context.Context, string, time.Duration) (bool, error) {
	s.circuitMu.Lock()
	defer s.circuitMu.Unlock()
	if s.probes == 0 {
		return false, nil
	}
	s.probes--
	return true, nil
}

func (s *circuitTable) TellWaiting(_ context.Context, origin, _ string) error {
	s.circuitMu.Lock()
	defer s.circuitMu.Unlock()
	s.told = append(s.told, origin)
	return nil
}

func (s *circuitTable) GiveUp(context.Context, string, time.Duration, string) (int, error) {
	return s.old, nil
}

func (s *circuitTable) allow(probes int) {
	s.circuitMu.Lock()
	defer s.circuitMu.Unlock()
	s.probes = probes
}

// openings counts what an Observer is told.
type openings struct {
	nobody
	mu   sync.Mutex
	seen []int
}

func (o *openings) CircuitsOpen(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.seen) == 0 || o.seen[len(o.seen)-1] != n {
		o.seen = append(o.seen, n)
	}
}

// syncBuffer is a log that goroutines write.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestJobsOfADeadEndpointWaitUntilAProbeIsAnswered(t *testing.T) {
	t.Parallel()
	var ids []int64
	for id := range int64(50) {
		ids = append(ids, id+1)
	}
	s, observer, log := newTable(ids...), &openings{}, &syncBuffer{}
	sent := make(chan int64, 200)
	var mu sync.Mutex
	alive := false
	startService(t, s, newLine(), func(ctx context.Context, d hook.Delivery) hook.Attempt {
		mu.Lock()
		defer mu.Unlock()
		sent <- d.ID
		if alive {
			return ok(ctx, d)
		}
		return hook.Attempt{Number: 1, Result: hook.ResultConnectFailed}
	}, func(c *Config) {
		c.Workers = 1
		c.Observer, c.Log = observer, slog.New(slog.NewTextHandler(log, nil))
	})
	s.wait(t, circuitOpensAfter)

	// One job more is tried for each probe, besides those that were in hand when the
	// circuit opened. A failed one leaves it open.
	s.allow(1)
	s.wait(t, 1)
	if n := len(s.outcomes()); n > circuitOpensAfter+seatsAWorker+1 {
		t.Errorf("%d attempts were made, want %d, what was in hand, and one probe", n, circuitOpensAfter)
	}
	mu.Lock()
	alive = true
	mu.Unlock()
	s.allow(1)
	s.wait(t, len(ids)-circuitOpensAfter-1)

	// Those of one window may overtake each other.
	for place := range ids {
		if id := <-sent; id > int64(place+1+windowIDs) {
			t.Errorf("job %d was tried as number %d, before older ones", id, place+1)
		}
	}
	observer.mu.Lock()
	defer observer.mu.Unlock()
	if !slices.Equal(observer.seen, []int{0, 1, 0}) {
		t.Errorf("open circuits were counted as %v", observer.seen)
	}
	for _, line := range []string{"an endpoint does not answer", "an endpoint answers again"} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%q was logged %d times", line, n)
		}
	}
}

func TestWhatCountsAsAFailureOfTheEndpoint(t *testing.T) {
	t.Parallel()
	cases := []struct {
		result   hook.Result
		failures int // after one before
	}{
		{hook.ResultTimeout, 2},
		{hook.ResultConnectFailed, 2},
		{hook.ResultDNSError, 2},
		{hook.ResultReset, 2},
		{hook.ResultInterrupted, 1},
		{hook.ResultOK, 0},
		{hook.ResultHTTPError, 0},
		{hook.ResultTLSError, 0},
		{hook.ResultInvalidResponse, 0},
	}
	for _, tc := range cases {
		t.Run(string(tc.result), func(t *testing.T) {
			t.Parallel()
			s := newTable()
			c := New(Config{Store: s, Observer: nobody{}, Log: slog.New(slog.DiscardHandler), Workers: 1}).webhook.circuits
			c.attempted(t.Context(), "", hook.ResultTimeout)
			c.attempted(t.Context(), "", tc.result)
			if s.failures != tc.failures {
				t.Errorf("%d failures in a row, want %d", s.failures, tc.failures)
			}
		})
	}
}

func TestACircuitThatAnotherProcessClosedLetsJobsGoOn(t *testing.T) {
	t.Parallel()
	s := newTable()
	c := New(Config{Store: s, Observer: nobody{}, Log: slog.New(slog.DiscardHandler), Workers: 1}).webhook.circuits
	c.hold = never
	s.failures, s.open = circuitOpensAfter, true
	c.watch(t.Context())
	if !c.isOpen("") || !slices.Equal(s.told, []string{""}) {
		t.Fatalf("open: %v, told: %q", c.isOpen(""), s.told)
	}
	var closed []string
	c.closed = func(origin string) { closed = append(closed, origin) }
	s.failures, s.open = 0, false
	c.watch(t.Context())
	if c.isOpen("") || !slices.Equal(closed, []string{""}) {
		t.Errorf("open: %v, closed: %q", c.isOpen(""), closed)
	}
}

package store

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// gatedRun is a database that writes when it is told to, and refuses negative numbers.
type gatedRun struct {
	gate    chan struct{}
	begun   chan int // the size of each batch that was begun
	mu      sync.Mutex
	batches [][]int
}

var errNegative = errors.New("negative")

func (g *gatedRun) run(_ context.Context, in []int) ([]int, error) {
	g.begun <- len(in)
	<-g.gate
	g.mu.Lock()
	g.batches = append(g.batches, in)
	g.mu.Unlock()
	out := make([]int, len(in))
	for i, n := range in {
		if n < 0 {
			return nil, errNegative
		}
		out[i] = 10 * n
	}
	return out, nil
}

func newGatedRun() *gatedRun { return &gatedRun{gate: make(chan struct{}), begun: make(chan int, 100)} }

type answer struct {
	in, out int
	err     error
}

func do(b *batcher[int, int], in int, to chan<- answer) {
	out, err := b.Do(context.Background(), in)
	to <- answer{in, out, err}
}

// waitFor waits until n calls wait in the batcher.
func waitFor(b *batcher[int, int], n int) {
	for {
		b.mu.Lock()
		waiting := len(b.waiting)
		b.mu.Unlock()
		if waiting == n {
			return
		}
	}
}

func TestCallsThatComeMeanwhileAreWrittenTogether(t *testing.T) {
	t.Parallel()
	g := newGatedRun()
	b := newBatcher(1, 100, g.run)
	answers := make(chan answer, 100)
	go do(b, 1, answers)
	<-g.begun // a lone call does not wait for company
	for n := 2; n <= 20; n++ {
		go do(b, n, answers)
	}
	waitFor(b, 19)
	close(g.gate)
	for range 20 {
		if a := <-answers; a.err != nil || a.out != 10*a.in {
			t.Errorf("%d: got %d, %v", a.in, a.out, a.err)
		}
	}
	if len(g.batches) != 2 || len(g.batches[1]) != 19 {
		t.Errorf("%d batches, the second of %d; want 2 and 19", len(g.batches), len(g.batches[1]))
	}
}

func TestOneBadCallDoesNotFailItsNeighbours(t *testing.T) {
	t.Parallel()
	g := newGatedRun()
	b := newBatcher(1, 100, g.run)
	answers := make(chan answer, 100)
	go do(b, 1, answers)
	<-g.begun
	for _, n := range []int{2, -3, 4} {
		go do(b, n, answers)
	}
	waitFor(b, 3)
	close(g.gate)
	for range 4 {
		a := <-answers
		if bad := a.in < 0; bad != errors.Is(a.err, errNegative) {
			t.Errorf("%d: got %v", a.in, a.err)
		}
	}
}

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	g := newGatedRun()
	b := newBatcher(2, 5, g.run)
	answers := make(chan answer, 100)
	for n := range 30 {
		go do(b, n, answers)
	}
	close(g.gate)
	for range 30 {
		<-answers
	}
	for _, batch := range g.batches {
		if len(batch) > 5 {
			t.Errorf("a batch of %d, want at most 5", len(batch))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) != 0 {
		t.Errorf("%d calls still wait", len(b.waiting))
	}
}

func TestACallerThatGivesUpDoesNotCancelTheBatch(t *testing.T) {
	t.Parallel()
	g := newGatedRun()
	b := newBatcher(1, 100, g.run)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := b.Do(ctx, 1)
		done <- err
	}()
	<-g.begun
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	answers := make(chan answer, 1)
	go do(b, 2, answers)
	close(g.gate)
	if a := <-answers; a.out != 20 {
		t.Errorf("the next call got %d, %v", a.out, a.err)
	}
	if len(g.batches[0]) != 1 || g.batches[0][0] != 1 {
		t.Errorf("batches: %v, want the abandoned call to be written", g.batches)
	}
}

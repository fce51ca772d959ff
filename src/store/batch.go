package store

import (
	"context"
	"sync"
	"time"
)

// batcher joins concurrent calls into few: while one batch is being written, the
// calls that come in wait and make up the next one. A lone call is written at
// once, so that joining costs nothing when there is no load.
type batcher[In, Out any] struct {
	// run writes one batch and answers each call in its place. It fails as a whole.
	run func(context.Context, []In) ([]Out, error)
	max int
	// gather is how long every batch is given to fill, even for a lone call. For
	// calls that nobody waits for.
	gather time.Duration

	mu      sync.Mutex
	waiting []*call[In, Out]
	idle    int // runners that may still be started
}

type call[In, Out any] struct {
	in   In
	out  Out
	err  error
	done chan struct{}
}

func newBatcher[In, Out any](runners, most int, run func(context.Context, []In) ([]Out, error)) *batcher[In, Out] {
	return &batcher[In, Out]{run: run, max: most, idle: runners}
}

// Do waits until its call has been written or ctx ends. In the latter case the
// call may still be written: a caller that repeats it must be idempotent.
func (b *batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	c := &call[In, Out]{in: in, done: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, c)
	start := b.idle > 0
	if start {
		b.idle--
	}
	b.mu.Unlock()
	if start {
		// A batch serves several callers, so no single caller's end may cancel it.
		go b.work(context.WithoutCancel(ctx))
	}
	select {
	case <-c.done:
		return c.out, c.err
	case <-ctx.Done():
		var none Out
		return none, ctx.Err()
	}
}

func (b *batcher[In, Out]) work(ctx context.Context) {
	for {
		if b.gather > 0 {
			<-time.After(b.gather)
		}
		calls := b.take()
		if calls == nil {
			return
		}
		b.write(ctx, calls)
	}
}

// take returns the next batch, or nil after giving the runner back.
func (b *batcher[In, Out]) take() []*call[In, Out] {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), b.max)
	if n == 0 {
		b.idle++
		return nil
	}
	calls := b.waiting[:n:n]
	b.waiting = b.waiting[n:]
	if len(b.waiting) == 0 {
		b.waiting = nil
	}
	return calls
}

// write runs one batch. When it fails, its calls are tried one by one, so that
// one bad call cannot fail its neighbours.
func (b *batcher[In, Out]) write(ctx context.Context, calls []*call[In, Out]) {
	in := make([]In, len(calls))
	for i, c := range calls {
		in[i] = c.in
	}
	out, err := b.run(ctx, in)
	if err != nil && len(calls) > 1 {
		for _, c := range calls {
			b.write(ctx, []*call[In, Out]{c})
		}
		return
	}
	for i, c := range calls {
		if err != nil {
			c.err = err
		} else {
			c.out = out[i]
		}
		close(c.done)
	}
}

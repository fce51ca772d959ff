package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

// backlogEvery is how often the waiting deliveries are counted. A registry sends
// one envelope at a time, so that little is taken in between.
const backlogEvery = 5 * time.Second

// gate refuses new events while too many deliveries wait: the registry keeps
// them, and repeats. What was taken is delivered meanwhile.
type gate struct {
	intake *registry.Intake
	// waiting counts the waiting deliveries, up to most.
	waiting func(ctx context.Context, most int) (int, error)
	limit   int
	// begin is told when events come in, and what came of it.
	begin func(ctx context.Context, source string) (context.Context, func(error))
	log   *slog.Logger
	full  atomic.Bool
}

// Envelope implements api.Intake.
func (g *gate) Envelope(ctx context.Context, body []byte) (accepted, skipped int, err error) {
	if err := g.pass(); err != nil {
		return 0, 0, err
	}
	ctx, done := g.begin(ctx, sourceRegistry)
	accepted, skipped, err = g.intake.Envelope(ctx, body)
	done(err)
	return accepted, skipped, err
}

// gated puts a gate before what takes the events of the registry in this process.
func gated[E any](g *gate, take func(context.Context, []E) error) func(context.Context, []E) error {
	return func(ctx context.Context, events []E) error {
		if err := g.pass(); err != nil {
			return err
		}
		ctx, done := g.begin(ctx, sourceRegistry)
		err := take(ctx, events)
		done(err)
		return err
	}
}

// pass fails while the backlog is too large.
func (g *gate) pass() error {
	if g.full.Load() {
		return fmt.Errorf("more than %d deliveries wait: %w", g.limit, hook.ErrUnavailable)
	}
	return nil
}

// Run counts until ctx ends.
func (g *gate) Run(ctx context.Context) error {
	ticker := time.NewTicker(backlogEvery)
	defer ticker.Stop()
	for {
		g.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// look counts. A database that does not answer changes nothing: it takes no
// events either.
func (g *gate) look(ctx context.Context) {
	n, err := g.waiting(ctx, g.limit+1)
	if err != nil {
		if ctx.Err() == nil {
			g.log.Warn("cannot count the waiting deliveries", "error", err)
		}
		return
	}
	full := n > g.limit
	switch was := g.full.Swap(full); {
	case full && !was:
		g.log.Error("too many deliveries wait; new events are refused with 503", "limit", g.limit)
	case was && !full:
		g.log.Info("new events are taken again", "limit", g.limit)
	}
}

// Package app puts the parts together, starts and stops them: everything in one
// process (standalone), Core alone, or JobService alone.
package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/core/registry/embedded"
	"github.com/harborhook/harborhook/src/tracing"
)

// Options is what an app is told besides its configuration.
type Options struct {
	// Version is shown to clients and sent to targets.
	Version string
	// Out is where people read what to do next.
	Out io.Writer
	Log *slog.Logger
	// Tracing makes the spans; nil makes none. Run has its own.
	Tracing *tracing.Tracing
}

// grace is how long work in hand may go on after a stop.
const grace = 15 * time.Second

// Run leads what libraries log in this process into o.Log, runs a shape until ctx ends,
// finishes what it has begun, within 15 seconds, and returns. The configuration must be
// valid for the shape.
func Run(ctx context.Context, shape config.Shape, cfg config.Config, o Options) (err error) {
	if err := api.TakeLog(o.Log); err != nil {
		return err
	}
	embedded.TakeLog(o.Log)
	if cfg.Tracing == config.TracingOTLP {
		if o.Tracing, err = tracing.Start(ctx, tracing.Config{Service: serviceName(shape), Version: o.Version, Log: o.Log}); err != nil {
			return err
		}
		defer func() {
			if err := o.Tracing.Close(ctx); err != nil {
				o.Log.Warn("traces are lost", "error", err)
			}
		}()
	}
	switch shape {
	case config.Standalone:
		return runStandalone(ctx, cfg, o)
	case config.Core:
		return runCore(ctx, cfg, o)
	case config.JobService:
		return runJobService(ctx, cfg, o)
	default:
		return fmt.Errorf("there is no shape %q to run", shape)
	}
}

// serviceName is what traces are told to come from.
func serviceName(shape config.Shape) string {
	if shape == config.Standalone {
		return "harborhook"
	}
	return "harborhook-" + string(shape)
}

// parts are what runs side by side until the app ends.
type parts struct{ all []func(context.Context) error }

// add adds a part, which begins with run.
func (p *parts) add(name string, run func(context.Context) error) {
	p.all = append(p.all, func(ctx context.Context) error {
		if err := run(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

// run runs all parts until ctx ends. When one fails, all stop.
func (p *parts) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range p.all {
		group.Go(func() error { return part(ctx) })
	}
	return group.Wait()
}

package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/harborhook/harborhook/src/config"
)

// Embedded is Core and JobService inside another program.
type Embedded struct {
	together *together
	mirror   mirror
}

// NewEmbedded opens the database and puts Core and JobService together, without
// listening anywhere. The configuration must be valid for the standalone shape, and
// has the encryption key and both tokens.
func NewEmbedded(ctx context.Context, cfg config.Config, h Host, o Options) (*Embedded, error) {
	if cfg.DatabaseURL == "" {
		if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
	}
	t, err := newTogether(ctx, config.Core, cfg, &h, o)
	if err != nil {
		return nil, err
	}
	return &Embedded{t, mirror{t.store, h.Projects}}, nil
}

// Handler returns Core's routes. What it takes is delivered while Run runs.
func (e *Embedded) Handler() http.Handler { return e.together.core.handler }

// Run works until ctx ends, finishes what it has begun, within 15 seconds, and
// closes the database. It may be called once.
func (e *Embedded) Run(ctx context.Context) error {
	return errors.Join(e.together.parts.run(ctx), e.together.close())
}

// SyncProject takes over what the host says of a project now.
func (e *Embedded) SyncProject(ctx context.Context, name string) error {
	if err := e.mirror.sync(ctx, name); err != nil {
		return fmt.Errorf("take over the project %s: %w", name, err)
	}
	return nil
}

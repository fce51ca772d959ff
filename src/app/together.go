package app

import (
	"context"
	"errors"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/jobservice"
	"github.com/harborhook/harborhook/src/jobservice/queue"
	"github.com/harborhook/harborhook/src/store"
)

// together is Core and JobService in one process, over SQLite and a Redis inside it
// unless others are configured.
type together struct {
	store   *store.Store
	metrics *metrics
	service *jobservice.Service
	core    *core
	parts   *parts
	closers []func() error
}

// newTogether puts both together. Without a host the first users and projects are
// made.
func newTogether(ctx context.Context, shape config.Shape, cfg config.Config, h *Host, o Options) (*together, error) {
	t := &together{parts: &parts{}}
	if err := t.open(ctx, shape, cfg, h, o); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

func (t *together) open(ctx context.Context, shape config.Shape, cfg config.Config, h *Host, o Options) (err error) {
	if t.store, err = openStore(ctx, cfg); err != nil {
		return err
	}
	t.closers = append(t.closers, t.store.Close)
	warmed(t.store.WarmIntake(ctx), o.Log)
	warmed(t.store.WarmDelivery(ctx), o.Log)
	if h == nil {
		if err := bootstrap(ctx, cfg, t.store); err != nil {
			return err
		}
	}
	redisURL, stopRedis, err := startRedis(ctx, cfg)
	if err != nil {
		return err
	}
	t.closers = append(t.closers, func() error { stopRedis(); return nil })
	t.metrics = newMetrics(shape, o.Version)
	t.metrics.watchStore(t.store)
	t.metrics.watchTracing(o.Tracing)
	var q *queue.Queue
	if t.service, q, err = newJobService(cfg, t.store, redisURL, t.metrics, o); err != nil {
		return err
	}
	t.closers = append(t.closers, q.Close)
	health := map[string]func(context.Context) error{"redis": q.Ping}
	t.core, err = newCore(ctx, t.parts, shape, cfg, t.store, h, t.service, health, t.metrics, o)
	t.parts.add("delivery", t.service.Run)
	return err
}

// close closes what was opened, last first, once all parts have ended.
func (t *together) close() error {
	var errs []error
	for i := len(t.closers) - 1; i >= 0; i-- {
		errs = append(errs, t.closers[i]())
	}
	return errors.Join(errs...)
}

// startRedis starts a Redis in this process unless one is configured. It must be
// stopped last: workers tell it what they have done.
func startRedis(ctx context.Context, cfg config.Config) (url string, stop func(), err error) {
	if cfg.RedisURL != "" {
		return cfg.RedisURL.Reveal(), func() {}, nil
	}
	e, err := queue.StartEmbedded()
	if err != nil {
		return "", nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Run(running) //nolint:errcheck // it ends when it is told to
	}()
	return e.URL(), func() { cancel(); <-done }, nil
}

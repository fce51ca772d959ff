package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/jobservice"
	"github.com/harborhook/harborhook/src/jobservice/delivery"
	"github.com/harborhook/harborhook/src/jobservice/queue"
	"github.com/harborhook/harborhook/src/store"
)

// newGuard returns what decides where deliveries may go.
func newGuard(cfg config.Config) (*delivery.Guard, error) {
	return delivery.NewGuard(delivery.GuardConfig{
		Allowed: cfg.AllowedNetworks.Prefixes(), Denied: cfg.DeniedNetworks.Prefixes(), Ports: cfg.AllowedPorts,
	})
}

// newSender returns the client that calls users' addresses.
func newSender(cfg config.Config, o Options) (*delivery.Client, error) {
	guard, err := newGuard(cfg)
	if err != nil {
		return nil, err
	}
	proxy, err := cfg.EgressProxyURL()
	if err != nil {
		return nil, err
	}
	return delivery.New(delivery.Config{Guard: guard, Timeout: cfg.DeliveryTimeout, UserAgent: userAgent(o), Proxy: proxy}), nil
}

// newJobService puts JobService together over a Redis.
func newJobService(cfg config.Config, s *store.Store, redisURL string, m *metrics, o Options) (*jobservice.Service, *queue.Queue, error) {
	sender, err := newSender(cfg, o)
	if err != nil {
		return nil, nil, err
	}
	q, err := queue.New(queue.Config{URL: redisURL, Namespace: cfg.RedisNamespace, Workers: cfg.Workers, Log: o.Log})
	if err != nil {
		return nil, nil, err
	}
	service := jobservice.New(jobservice.Config{
		Store: tracedJobs(repairs{s, m}, o.Tracing), Queue: q, Observer: m, Log: o.Log,
		Sender:  o.Tracing.Sender(sender),
		Workers: cfg.Workers, DeliveryTimeout: cfg.DeliveryTimeout, RetryWaits: cfg.RetryBackoff,
		CircuitProbe: cfg.CircuitProbe, MaxWait: cfg.MaxWait, Retention: cfg.Retention, RetentionCount: cfg.RetentionCount,
		ReconcileInterval: cfg.ReconcileInterval, Grace: grace,
	})
	m.watchService(service, cfg.Workers)
	return service, q, nil
}

// jobServiceHandler serves the API behind the secret, and beside it, for
// everybody who can reach the address, whether the process lives. API and metrics
// are for the networks of HARBORHOOK_INTERNAL_NETWORKS.
func jobServiceHandler(cfg config.Config, service *jobservice.Service, s *store.Store, m *metrics, o Options) http.Handler {
	mux := http.NewServeMux()
	served := jobservice.NewAPI(jobservice.APIConfig{
		Service: service, Reader: s, Secret: cfg.Secret.Reveal(), Insider: insider(cfg.InternalNetworks.Prefixes()),
		AuthFailed: func() { m.countAuthFailure("jobservice") }, Log: o.Log,
	})
	mux.Handle("/api/v1/", served.Handler())
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Ping(r.Context()); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /metrics", served.OnlyInsiders(m.handler()))
	return behindProxies(cfg.TrustedProxies.Prefixes(), mux)
}

func runJobService(ctx context.Context, cfg config.Config, o Options) (err error) {
	l, err := listen(ctx, "HARBORHOOK_JOBSERVICE_ADDR", cfg.JobServiceAddr)
	if err != nil {
		return err
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	warmed(s.WarmDelivery(ctx), o.Log)
	m := newMetrics(config.JobService, o.Version)
	m.watchStore(s)
	m.watchTracing(o.Tracing)
	service, q, err := newJobService(cfg, s, cfg.RedisURL.Reveal(), m, o)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	p := &parts{}
	p.add("delivery", service.Run)
	p.add("jobservice", serve(internalServer(jobServiceHandler(cfg, service, s, m, o)), l, o.Log))
	if err := startDebug(ctx, p, cfg.DebugAddr, o.Log); err != nil {
		return err
	}
	o.Log.Info("jobservice is ready", "addr", l.Addr().String(), "version", o.Version, "workers", cfg.Workers)
	return p.run(ctx)
}

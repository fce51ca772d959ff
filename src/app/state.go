package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice"
	"github.com/harborhook/harborhook/src/store"
)

const (
	// stateKept is how long what was found is shown again: scrapers, however many,
	// must not cost a database that is busy.
	stateKept = 5 * time.Second
	// stateLimit bounds how long a dependency is asked.
	stateLimit = 2 * time.Second
)

// state shows what a dependency knows, asked for when it is scraped. While the
// dependency does not answer its metrics are missing, but for harborhook_dependency_up.
type state struct {
	up   *prometheus.Desc
	look func(context.Context) ([]prometheus.Metric, error)

	mu    sync.Mutex
	found []prometheus.Metric
	at    time.Time
}

// watch adds the state of a dependency.
func (m *metrics) watch(dependency string, look func(context.Context) ([]prometheus.Metric, error)) {
	m.registry.MustRegister(&state{
		up: prometheus.NewDesc("harborhook_dependency_up", "1 while the dependency answers this process.", nil,
			prometheus.Labels{"dependency": dependency}),
		look: look,
	})
}

// Describe implements prometheus.Collector.
func (s *state) Describe(to chan<- *prometheus.Desc) { to <- s.up }

// Collect implements prometheus.Collector.
func (s *state) Collect(to chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.IsZero() || time.Since(s.at) > stateKept {
		s.refresh()
	}
	for _, metric := range s.found {
		to <- metric
	}
}

func (s *state) refresh() {
	ctx, cancel := context.WithTimeout(context.Background(), stateLimit)
	defer cancel()
	found, err := s.look(ctx)
	up := 1.0
	if err != nil {
		found, up = nil, 0
	}
	s.found = append(found, prometheus.MustNewConstMetric(s.up, prometheus.GaugeValue, up))
	s.at = time.Now()
}

// value returns a gauge that was looked up, with pairs of label and value.
func value(name, help string, v float64, labels prometheus.Labels) prometheus.Metric {
	return prometheus.MustNewConstMetric(prometheus.NewDesc("harborhook_"+name, help, nil, labels), prometheus.GaugeValue, v)
}

// watchStore shows the backlog, which is the same for every process over one
// database, and how this process uses its connections.
func (m *metrics) watchStore(s *store.Store) {
	s.OnBatch(func(kind string, calls int) { m.batches.WithLabelValues(kind).Observe(float64(calls)) })
	m.registry.MustRegister(pools{s})
	m.watch("database", func(ctx context.Context) ([]prometheus.Metric, error) {
		backlog, err := s.Backlog(ctx)
		if err != nil {
			return nil, err
		}
		oldest, err := s.OldestDue(ctx)
		if err != nil {
			return nil, err
		}
		failing, err := s.Failing(ctx)
		if err != nil {
			return nil, err
		}
		found := []prometheus.Metric{
			value("jobs_oldest_due_seconds", "For how long the oldest due delivery has been due; those of endpoints that do not answer are left out.", oldest.Seconds(), nil),
			value("circuits_failing", "Endpoints whose last attempt was a network error, those that are left alone included.", float64(len(failing)), nil),
		}
		for _, status := range []hook.Status{hook.StatusPending, hook.StatusScheduled, hook.StatusRunning} {
			found = append(found, value("jobs", "Unfinished deliveries in the database, by status.", float64(backlog[status]), prometheus.Labels{"status": string(status)}))
		}
		return found, nil
	})
}

// watchService shows the queue and how busy this process is.
func (m *metrics) watchService(service *jobservice.Service, workers int) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts(named("workers", "Deliveries that this process makes side by side at most.")),
			func() float64 { return float64(workers) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts(named("workers_busy", "Deliveries that this process makes now.")),
			func() float64 { return float64(service.Busy()) }),
	)
	m.watch("redis", func(ctx context.Context) ([]prometheus.Metric, error) {
		n, err := service.Hints(ctx)
		if err != nil {
			return nil, err
		}
		return []prometheus.Metric{value("queue_hints", "Hints in the queue that no worker has taken yet.", float64(n), nil)}, nil
	})
}

// pools shows how the connections to the database are used.
type pools struct{ store *store.Store }

// Describe implements prometheus.Collector: which pools there are shows at a scrape.
func (pools) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (p pools) Collect(to chan<- prometheus.Metric) {
	for pool, stats := range p.store.Pools() {
		const connections = "Open connections to the database, by pool and state."
		labels := prometheus.Labels{"pool": pool}
		to <- value("database_connections", connections, float64(stats.InUse), prometheus.Labels{"pool": pool, "state": "in_use"})
		to <- value("database_connections", connections, float64(stats.Idle), prometheus.Labels{"pool": pool, "state": "idle"})
		to <- value("database_connections_max", "Most connections that a pool opens; 0 = no limit.", float64(stats.MaxOpenConnections), labels)
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("harborhook_database_waits_total", "Times that somebody waited for a connection.", nil, labels),
			prometheus.CounterValue, float64(stats.WaitCount))
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("harborhook_database_wait_seconds_total", "Time that was spent waiting for a connection.", nil, labels),
			prometheus.CounterValue, stats.WaitDuration.Seconds())
	}
}

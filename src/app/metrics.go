package app

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

// metrics are the process's own, served at /metrics.
type metrics struct {
	registry  *prometheus.Registry
	accepted  prometheus.Counter
	skipped   *prometheus.CounterVec
	refused   *prometheus.CounterVec
	component *prometheus.CounterVec
	strangers *prometheus.CounterVec
	attempts  *prometheus.HistogramVec
	circuits  prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "harborhook_registry_events_accepted_total", Help: "Events of registries that were used.",
		}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "harborhook_registry_events_skipped_total", Help: "Events of registries of which no use was made, by reason.",
		}, []string{"reason"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "harborhook_notifications_refused_total",
			Help: "Notifications that were not answered with 200, by status. The registry repeats them and sends nothing else meanwhile.",
		}, []string{"status"}),
		component: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "harborhook_component_events_accepted_total", Help: "Events of other components that were taken, by type.",
		}, []string{"type"}),
		strangers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "harborhook_internal_auth_failures_total", Help: "Calls of internal endpoints without the right token or secret, by endpoint.",
		}, []string{"endpoint"}),
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "harborhook_delivery_attempt_seconds", Help: "Attempts to deliver, by result.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"result"}),
		circuits: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "harborhook_circuits_open", Help: "Endpoints that do not answer: their deliveries wait.",
		}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.accepted, m.skipped, m.refused, m.component, m.strangers, m.attempts, m.circuits)
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) countIntake(accepted int, skipped registry.Skipped) {
	m.accepted.Add(float64(accepted))
	for reason, n := range skipped {
		m.skipped.WithLabelValues(string(reason)).Add(float64(n))
	}
}

func (m *metrics) countRefused(status int) { m.refused.WithLabelValues(strconv.Itoa(status)).Inc() }

func (m *metrics) countAuthFailure(endpoint string) { m.strangers.WithLabelValues(endpoint).Inc() }

func (m *metrics) countComponent(t hook.EventType) { m.component.WithLabelValues(string(t)).Inc() }

// countLostPulls shows how many pulls the registry in this process has served
// whose event could not be stored.
func (m *metrics) countLostPulls(lost func() int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "harborhook_registry_pulls_lost_total", Help: "Pulls that were served although their event could not be stored.",
	}, func() float64 { return float64(lost()) }))
}

// Attempted implements jobservice.Observer.
func (m *metrics) Attempted(result hook.Result, took time.Duration) {
	m.attempts.WithLabelValues(string(result)).Observe(took.Seconds())
}

// CircuitsOpen implements jobservice.Observer.
func (m *metrics) CircuitsOpen(n int) { m.circuits.Set(float64(n)) }

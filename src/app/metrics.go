package app

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/store"
	"github.com/harborhook/harborhook/src/tracing"
)

// metrics are the process's own, served at /metrics. No label has a value that
// somebody outside can choose, and a series that can be there is there from the
// start, so that its first increase is seen.
type metrics struct {
	registry *prometheus.Registry

	received   prometheus.Counter
	accepted   prometheus.Counter
	skipped    *prometheus.CounterVec
	refused    *prometheus.CounterVec
	component  *prometheus.CounterVec
	recovered  prometheus.Counter
	strangers  *prometheus.CounterVec
	acceptTime *prometheus.HistogramVec

	attempts   *prometheus.HistogramVec
	deliveries *prometheus.CounterVec
	endToEnd   prometheus.Histogram
	tries      prometheus.Histogram
	takenBack  prometheus.Counter
	givenUp    prometheus.Counter
	circuits   prometheus.Gauge

	batches *prometheus.HistogramVec
}

// attemptBuckets reach from a receiver next door to the longest that an attempt
// may take.
var attemptBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// endToEndBuckets reach from milliseconds to the retries' end and beyond.
var endToEndBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400}

// newMetrics returns the metrics of a process of this shape and version, all 0.
func newMetrics(shape config.Shape, version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),

		received: counter("registry_events_received_total", "Events in notifications of registries that could be read, repetitions included."),
		accepted: counter("registry_events_accepted_total", "Events of registries that were used."),
		skipped:  counters("registry_events_skipped_total", "Events of registries of which no use was made, by reason.", "reason"),
		refused: counters("notifications_refused_total",
			"Notifications that were not answered with 200, by status. The registry repeats them and sends nothing else meanwhile.", "status"),
		component:  counters("component_events_accepted_total", "Events of other components that were taken, by type.", "type"),
		recovered:  counter("registry_events_recovered_total", "Events that a registry had lost, and that comparing with it has raised."),
		strangers:  counters("internal_auth_failures_total", "Calls of internal endpoints without the right token or secret, by endpoint.", "endpoint"),
		acceptTime: histograms("accept_seconds", "Time from reading a notification to its commit, by who sent it.", attemptBuckets, "source"),

		attempts: histograms("delivery_attempt_seconds", "Attempts to deliver, by result.", attemptBuckets, "result"),
		deliveries: counters("deliveries_total",
			"Deliveries that have come to their end by an attempt, by the class of its result.", "class"),
		endToEnd: histogram("delivery_end_to_end_seconds", "Time from the acceptance of an event to the answer of its target, waits between attempts included.", endToEndBuckets),
		tries:    histogram("delivery_attempts", "Attempts that a delivery took to come to its end.", []float64{1, 2, 3, 4}),

		takenBack: counter("reconciler_jobs_taken_back_total", "Deliveries that were taken back because their worker died."),
		givenUp:   counter("reconciler_jobs_given_up_total", "Deliveries that were ended untried because their target did not answer for too long."),
		circuits:  gauge("circuits_open", "Endpoints that do not answer: their deliveries wait."),

		batches: histograms("store_batch_size", "Calls that were written in one batch, by kind.", prometheus.ExponentialBuckets(1, 2, 9), "kind"),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(shape, version),
		m.received, m.accepted, m.skipped, m.refused, m.component, m.recovered, m.strangers, m.acceptTime,
		m.attempts, m.deliveries, m.endToEnd, m.tries, m.takenBack, m.givenUp, m.circuits, m.batches)
	m.begin()
	return m
}

// begin makes the series that there can be.
func (m *metrics) begin() {
	for _, reason := range registry.Reasons() {
		m.skipped.WithLabelValues(string(reason))
	}
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable} {
		m.refused.WithLabelValues(strconv.Itoa(status))
	}
	for _, t := range event.DefaultCatalog().Types() {
		m.component.WithLabelValues(string(t.Name))
	}
	for _, source := range []string{sourceRegistry, sourceComponent} {
		m.acceptTime.WithLabelValues(source)
	}
	for _, result := range hook.Results() {
		m.attempts.WithLabelValues(string(result))
		if result != hook.ResultHTTPError {
			m.deliveries.WithLabelValues(classOf(hook.Attempt{Result: result}))
		}
	}
	for status := 300; status <= 600; status += 100 {
		m.deliveries.WithLabelValues(classOf(hook.Attempt{Result: hook.ResultHTTPError, Response: &hook.Response{Status: status}}))
	}
	for _, kind := range store.BatchKinds() {
		m.batches.WithLabelValues(kind)
	}
}

// named puts the module's name before a metric's, as Prometheus asks for.
func named(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: "harborhook", Name: name, Help: help}
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts(named(name, help)))
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts(named(name, help)), labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts(named(name, help)))
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "harborhook", Name: name, Help: help, Buckets: buckets})
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "harborhook", Name: name, Help: help, Buckets: buckets}, labels)
}

// buildInfo is 1, and says by its labels what runs.
func buildInfo(shape config.Shape, version string) prometheus.Collector {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts(named("build_info", "1; the labels say what runs.")), []string{"shape", "version", "goversion"})
	g.WithLabelValues(string(shape), version, runtime.Version()).Set(1)
	return g
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) countReceived(events int) { m.received.Add(float64(events)) }

func (m *metrics) countIntake(accepted int, skipped registry.Skipped) {
	m.accepted.Add(float64(accepted))
	for reason, n := range skipped {
		m.skipped.WithLabelValues(string(reason)).Add(float64(n))
	}
}

func (m *metrics) countRefused(status int) { m.refused.WithLabelValues(strconv.Itoa(status)).Inc() }

func (m *metrics) countAuthFailure(endpoint string) { m.strangers.WithLabelValues(endpoint).Inc() }

func (m *metrics) countComponent(t hook.EventType) { m.component.WithLabelValues(string(t)).Inc() }

// The sources of events.
const (
	sourceRegistry  = "registry"
	sourceComponent = "component"
)

// accepting observes how long what was accepted took; call the result with the
// error that came of it.
func (m *metrics) accepting(source string) func(error) {
	start := time.Now()
	return func(err error) {
		if err == nil {
			m.acceptTime.WithLabelValues(source).Observe(time.Since(start).Seconds())
		}
	}
}

// limit shows how many deliveries may wait.
func (m *metrics) limit(jobs int) {
	g := gauge("jobs_limit", "Waiting deliveries above which this process refuses new events.")
	g.Set(float64(jobs))
	m.registry.MustRegister(g)
}

// countLostPulls shows how many pulls the registry in this process has served
// whose event could not be stored.
func (m *metrics) countLostPulls(lost func() int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(
		prometheus.CounterOpts(named("registry_pulls_lost_total", "Pulls that were served although their event could not be stored.")),
		func() float64 { return float64(lost()) }))
}

// watchTracing shows what became of spans.
func (m *metrics) watchTracing(t *tracing.Tracing) {
	for result, count := range map[string]func(tracing.Counts) int64{
		"exported": func(c tracing.Counts) int64 { return c.Exported },
		"dropped":  func(c tracing.Counts) int64 { return c.Dropped },
		"failed":   func(c tracing.Counts) int64 { return c.Failed },
	} {
		o := prometheus.CounterOpts(named("trace_spans_total", "Spans that are over, by what became of them: the collector took them, there was no room for them, or sending them failed."))
		o.ConstLabels = prometheus.Labels{"result": result}
		m.registry.MustRegister(prometheus.NewCounterFunc(o, func() float64 { return float64(count(t.Counts())) }))
	}
}

// Attempted implements jobservice.Observer.
func (m *metrics) Attempted(d hook.Delivery, o hook.Outcome) {
	m.attempts.WithLabelValues(string(o.Attempt.Result)).Observe(o.Attempt.Duration.Seconds())
	if o.Status == hook.StatusScheduled {
		return
	}
	m.deliveries.WithLabelValues(classOf(o.Attempt)).Inc()
	m.tries.Observe(float64(d.Attempts + 1))
	if o.Attempt.Response != nil {
		// The clocks of the database and of this process may differ.
		m.endToEnd.Observe(max(0, time.Since(d.CreationTime)).Seconds())
	}
}

// classOf is what an attempt's result counts as: the hundred of its status, or the
// result's own name.
func classOf(a hook.Attempt) string {
	if a.Result != hook.ResultHTTPError || a.Response == nil {
		return string(a.Result)
	}
	if hundred := a.Response.Status / 100; hundred >= 1 && hundred <= 5 {
		return fmt.Sprintf("http_%dxx", hundred)
	}
	return "http_other"
}

// CircuitsOpen implements jobservice.Observer.
func (m *metrics) CircuitsOpen(n int) { m.circuits.Set(float64(n)) }

// repairs counts what the reconciler of deliveries puts right in a store.
type repairs struct {
	*store.Store
	metrics *metrics
}

// Recover implements jobservice.Store.
func (r repairs) Recover(ctx context.Context, lease time.Duration) (int, error) {
	n, err := r.Store.Recover(ctx, lease)
	r.metrics.takenBack.Add(float64(n))
	return n, err
}

// GiveUp implements jobservice.Store.
func (r repairs) GiveUp(ctx context.Context, origin string, age time.Duration, message string) (int, error) {
	n, err := r.Store.GiveUp(ctx, origin, age, message)
	r.metrics.givenUp.Add(float64(n))
	return n, err
}

// recoveries counts the events that comparing with a registry raises.
type recoveries struct {
	handler registry.Handler
	metrics *metrics
}

// Handle implements reconcile.Handler.
func (r recoveries) Handle(ctx context.Context, n hook.Notification) error {
	err := r.handler.Handle(ctx, n)
	if err == nil {
		r.metrics.recovered.Add(float64(len(n.Events)))
	}
	return err
}

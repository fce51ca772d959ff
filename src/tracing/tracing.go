// Package tracing makes one trace of what becomes of a notification: from the
// request that brings it, through the rows it is stored as and the queue, to the
// attempts to deliver. It is the only package that knows OpenTelemetry. Who is
// traced knows nothing of it: the parts are wrapped, and without tracing they are
// not.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope is the name under which backends show where spans come from.
const scope = "github.com/harborhook/harborhook"

// Tracing makes the spans of a process. A nil *Tracing makes none: its methods
// return what they were given. It may be used by several goroutines at once.
type Tracing struct {
	tracer trace.Tracer
	counts counts
	close  func(context.Context) error

	mu sync.Mutex
	// submitted are the accepted jobs whose ids JobService was not told yet.
	submitted map[int64]accepted
}

// Config says what spans are told to come from.
type Config struct {
	// Service is the name of the service, unless OTEL_SERVICE_NAME or
	// OTEL_RESOURCE_ATTRIBUTES has another.
	Service string
	Version string
	Log     *slog.Logger
}

// Start returns a Tracing that sends spans to a collector, by OTLP over HTTP. Where
// and how, the OTEL_ variables of the environment say, as the OpenTelemetry
// specification has them. A collector that does not answer holds up nothing: spans
// that find no room are dropped and counted. Close sends what is left.
//
// It makes OpenTelemetry's own messages, which go to standard error otherwise, lines
// of the log; that holds for the whole process.
func Start(ctx context.Context, c Config) (*Tracing, error) {
	otel.SetLogger(logr.FromSlogHandler(c.Log.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { c.Log.Warn("tracing", "error", err) }))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare the export of traces: %w", err)
	}
	of, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", c.Service), attribute.String("service.version", c.Version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read what is to be told of this process: %w", err)
	}
	return over(exporter, of, c.Log), nil
}

// over returns a Tracing that sends spans to an exporter.
func over(exporter sdk.SpanExporter, of *resource.Resource, log *slog.Logger) *Tracing {
	t := &Tracing{submitted: map[int64]accepted{}}
	batches := sdk.NewBatchSpanProcessor(&counting{SpanExporter: exporter, counts: &t.counts, log: log}, sdk.WithMaxQueueSize(mostUnderWay))
	provider := sdk.NewTracerProvider(sdk.WithResource(of), sdk.WithSpanProcessor(bounded{batches, &t.counts}))
	t.tracer, t.close = provider.Tracer(scope), provider.Shutdown
	return t
}

// Over returns a Tracing that hands its spans to somebody else's provider, who
// samples, counts and sends them. Nil is no tracing.
func Over(p trace.TracerProvider) *Tracing {
	if p == nil {
		return nil
	}
	return &Tracing{tracer: p.Tracer(scope), submitted: map[int64]accepted{}, close: func(context.Context) error { return nil }}
}

// closeWithin is how long the last spans may take to be sent.
const closeWithin = 3 * time.Second

// Close sends the spans that are left, for three seconds at most.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWithin)
	defer cancel()
	if err := t.close(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

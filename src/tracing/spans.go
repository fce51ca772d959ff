package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The names of the spans, in the order of a delivery's life.
const (
	spanReceive = "receive"
	spanMatch   = "match"
	spanAccept  = "accept"
	spanSubmit  = "submit"
	spanQueue   = "queue"
	spanAttempt = "attempt"
	spanRecord  = "record"
)

// header is the one that carries a trace in HTTP.
const header = "traceparent"

// textOf writes the span of ctx as a traceparent; empty if there is none.
func textOf(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[header]
}

// under returns ctx with the span that a traceparent names as parent, and false if
// it names none.
func under(ctx context.Context, traceparent string) (context.Context, bool) {
	if traceparent == "" {
		return ctx, false
	}
	ctx = propagation.TraceContext{}.Extract(trace.ContextWithSpan(ctx, nil), propagation.MapCarrier{header: traceparent})
	return ctx, trace.SpanContextFromContext(ctx).IsValid()
}

// end ends a span, as an error if there is one.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// Incoming has the traces of requests go on: what next does with a request's context
// is a part of the trace that its header traceparent names, unless the context has a
// span already.
func (t *Tracing) Incoming(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if r.Header.Get(header) != "" && !trace.SpanContextFromContext(ctx).IsValid() {
			r = r.WithContext(propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header)))
		}
		next.ServeHTTP(w, r)
	})
}

// Receive begins the span of a message from a source. Call the result with what came
// of it.
func (t *Tracing) Receive(ctx context.Context, source string) (context.Context, func(error)) {
	if t == nil {
		return ctx, ignore
	}
	ctx, span := t.tracer.Start(ctx, spanReceive, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("harborhook.source", source)))
	return ctx, func(err error) { end(span, err) }
}

func ignore(error) {}

// ID returns the id of the trace that ctx is a part of, or nothing.
func (t *Tracing) ID(ctx context.Context) string {
	if t == nil {
		return ""
	}
	if of := trace.SpanContextFromContext(ctx); of.HasTraceID() {
		return of.TraceID().String()
	}
	return ""
}

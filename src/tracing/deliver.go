package tracing

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/harborhook/harborhook/src/hook"
)

// Claimed tells of deliveries that were taken just now: the span "queue" is how long
// each was due before.
func (t *Tracing) Claimed(deliveries []hook.Delivery) {
	now := time.Now()
	for i := range deliveries {
		d := &deliveries[i]
		ctx, ok := under(context.Background(), d.Traceparent)
		if !ok {
			continue
		}
		since := d.NextAt
		if since.IsZero() || since.After(now) { // by the database's clock
			since = now
		}
		_, span := t.tracer.Start(ctx, spanQueue, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(since),
			trace.WithAttributes(attribute.Int64("harborhook.job.id", d.ID), attribute.Int("harborhook.attempt.number", d.Number)))
		span.End(trace.WithTimestamp(now))
	}
}

// Sender makes one attempt.
type Sender interface {
	Send(ctx context.Context, d hook.Delivery) hook.Attempt
}

// Sender has each attempt of next be a span, which the target is told of. A delivery
// that was accepted without tracing has none.
func (t *Tracing) Sender(next Sender) Sender {
	if t == nil {
		return next
	}
	return sending{t, next}
}

type sending struct {
	t    *Tracing
	next Sender
}

// Send implements Sender.
func (s sending) Send(ctx context.Context, d hook.Delivery) hook.Attempt {
	in, ok := under(ctx, d.Traceparent)
	if !ok {
		return s.next.Send(ctx, d)
	}
	in, span := s.t.tracer.Start(in, spanAttempt, trace.WithSpanKind(trace.SpanKindClient))
	d.Traceparent = textOf(in)
	a := s.next.Send(in, d)
	if span.IsRecording() {
		span.SetAttributes(attributesOf(&d, &a)...)
		if a.Result != hook.ResultOK {
			span.SetStatus(codes.Error, a.Error)
		}
	}
	span.End()
	return a
}

// attributesOf says what an attempt was, as the conventions of OpenTelemetry for
// HTTP clients have it, and in our words. Attempts hold no secrets.
func attributesOf(d *hook.Delivery, a *hook.Attempt) []attribute.KeyValue {
	all := []attribute.KeyValue{
		attribute.Int64("harborhook.job.id", d.ID),
		attribute.String("harborhook.event.id", d.EventID),
		attribute.String("harborhook.event.type", string(d.HookType)),
		attribute.Int64("harborhook.policy.id", d.PolicyID),
		attribute.Int("harborhook.attempt.number", a.Number),
		attribute.String("harborhook.attempt.result", string(a.Result)),
		attribute.String("http.request.method", a.Request.Method),
		attribute.String("url.full", a.Request.URL),
	}
	if u, err := url.Parse(a.Request.URL); err == nil {
		all = append(all, attribute.String("server.address", u.Hostname()), attribute.Int("server.port", portOf(u)))
	}
	if host, port, err := net.SplitHostPort(a.RemoteAddr); err == nil {
		all = append(all, attribute.String("network.peer.address", host), attribute.Int("network.peer.port", number(port)))
	}
	if a.Number > 1 {
		all = append(all, attribute.Int("http.request.resend_count", a.Number-1))
	}
	if a.Response != nil {
		all = append(all, attribute.Int("http.response.status_code", a.Response.Status))
	}
	switch {
	case a.Result == hook.ResultOK:
	case a.Result == hook.ResultHTTPError && a.Response != nil:
		all = append(all, attribute.String("error.type", strconv.Itoa(a.Response.Status)))
	default:
		all = append(all, attribute.String("error.type", string(a.Result)))
	}
	return all
}

func portOf(u *url.URL) int {
	switch {
	case u.Port() != "":
		return number(u.Port())
	case u.Scheme == "https":
		return 443
	default:
		return 80
	}
}

// number reads a port; what is none is 0.
func number(text string) int {
	n, _ := strconv.Atoi(text) // 0 then
	return n
}

// Recording begins the span "record" of an outcome, beneath its attempt. Call the
// result with what came of it.
func (t *Tracing) Recording(ctx context.Context, o hook.Outcome) (context.Context, func(error)) {
	in, ok := under(ctx, sentOf(o.Attempt))
	if !ok {
		return ctx, ignore
	}
	in, span := t.tracer.Start(in, spanRecord)
	if span.IsRecording() {
		span.SetAttributes(attribute.Int64("harborhook.job.id", o.JobID), attribute.String("harborhook.job.status", string(o.Status)))
		if o.Status == hook.StatusScheduled {
			span.SetAttributes(attribute.Int64("harborhook.retry_in_ms", o.RetryIn.Milliseconds()))
		}
	}
	return in, func(err error) { end(span, err) }
}

// sentOf returns the traceparent that an attempt has sent.
func sentOf(a hook.Attempt) string {
	if values := a.Request.Headers[hook.HeaderTraceparent]; len(values) > 0 {
		return values[0]
	}
	return ""
}

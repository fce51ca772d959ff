package tracing

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/harborhook/harborhook/src/hook"
)

// Handler takes notifications.
type Handler interface {
	Handle(ctx context.Context, n hook.Notification) error
}

// Handler has what next does before it stores anything be the span "match". An event
// that was looked up goes on with the trace in which it was received.
func (t *Tracing) Handler(next Handler) Handler {
	if t == nil {
		return next
	}
	return matching{t, next}
}

type matching struct {
	t    *Tracing
	next Handler
}

// match is a span "match" under way, and the context around it.
type match struct {
	span   trace.Span
	around context.Context //nolint:containedctx // what is stored next is beside the span, not in it
}

type matchKey struct{}

// Handle implements Handler.
func (m matching) Handle(ctx context.Context, n hook.Notification) error {
	if !trace.SpanContextFromContext(ctx).IsValid() && len(n.Events) > 0 {
		ctx, _ = under(ctx, n.Events[0].Traceparent)
	}
	inner, span := m.t.tracer.Start(ctx, spanMatch, trace.WithAttributes(attribute.Int("harborhook.events", len(n.Events))))
	err := m.next.Handle(context.WithValue(inner, matchKey{}, match{span, ctx}), n)
	end(span, err) // of no effect if it has come to the store
	return err
}

// Store stores notifications.
type Store interface {
	Accept(ctx context.Context, n hook.Notification, jobs []hook.Job) ([]int64, error)
}

// Store has what next does be the span "accept", and gives it to the jobs: what
// becomes of them is told beneath it, by whichever process.
func (t *Tracing) Store(next Store) Store {
	if t == nil {
		return next
	}
	return accepting{t, next}
}

type accepting struct {
	t    *Tracing
	next Store
}

// Accept implements Store.
func (a accepting) Accept(ctx context.Context, n hook.Notification, jobs []hook.Job) ([]int64, error) { //nolint:contextcheck // around is the context in which matching was begun
	if m, ok := ctx.Value(matchKey{}).(match); ok {
		m.span.SetAttributes(attribute.Int("harborhook.jobs", len(jobs)))
		m.span.End()
		ctx = m.around
	}
	ctx, span := a.t.tracer.Start(ctx, spanAccept)
	if span.IsRecording() {
		span.SetAttributes(attribute.StringSlice("harborhook.event.ids", eventIDs(n)), attribute.Int("harborhook.jobs", len(jobs)))
	}
	text := textOf(ctx)
	for i := range jobs {
		jobs[i].Traceparent = text
	}
	n.Events = slices.Clone(n.Events)
	for i := range n.Events {
		if n.Events[i].Incomplete {
			n.Events[i].Traceparent = text
		}
	}
	ids, err := a.next.Accept(ctx, n, jobs)
	end(span, err)
	if err == nil && span.SpanContext().IsSampled() {
		a.t.remember(ids, accepted{text, time.Now()})
	}
	return ids, err
}

// mostIDs bounds the ids of events that a span shows.
const mostIDs = 20

func eventIDs(n hook.Notification) []string {
	ids := make([]string, 0, min(len(n.Events), mostIDs))
	for i := range n.Events[:min(len(n.Events), mostIDs)] {
		ids = append(ids, n.Events[i].ID)
	}
	return ids
}

// accepted is where and when jobs were stored.
type accepted struct {
	traceparent string
	at          time.Time
}

// mostSubmitted bounds the jobs that are remembered until JobService is told of
// them. Those above have no span "submit".
const mostSubmitted = 5000

func (t *Tracing) remember(ids []int64, a accepted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		if len(t.submitted) < mostSubmitted {
			t.submitted[id] = a
		}
	}
}

// recall returns, once, how many of the jobs were stored where and when.
func (t *Tracing) recall(ids []int64) map[accepted]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := map[accepted]int{}
	for _, id := range ids {
		if a, ok := t.submitted[id]; ok {
			all[a]++
			delete(t.submitted, id)
		}
	}
	return all
}

// JobService takes hints that rows are due.
type JobService interface {
	Submit(ctx context.Context, ids []int64) error
}

// JobService has the time from the commit until next has taken the ids be the span
// "submit". Jobs of several notifications are submitted together: each has its own.
func (t *Tracing) JobService(next JobService) JobService {
	if t == nil {
		return next
	}
	return submitting{t, next}
}

type submitting struct {
	t    *Tracing
	next JobService
}

// Submit implements JobService.
func (s submitting) Submit(ctx context.Context, ids []int64) error {
	stored := s.t.recall(ids)
	err := s.next.Submit(ctx, ids)
	for a, jobs := range stored {
		in, _ := under(ctx, a.traceparent)
		_, span := s.t.tracer.Start(in, spanSubmit, trace.WithSpanKind(trace.SpanKindProducer),
			trace.WithTimestamp(a.at), trace.WithAttributes(attribute.Int("harborhook.jobs", jobs)))
		end(span, err)
	}
	return err
}

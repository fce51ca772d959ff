package tracing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/harborhook/harborhook/src/hook"
)

// incoming is the trace that a registry's request names.
const (
	incomingTrace = "0af7651916cd43dd8448eb211c80319c"
	incoming      = "00-" + incomingTrace + "-b7ad6b7169203331-01"
)

// system is what is traced: it keeps the jobs it accepts.
type system struct {
	stored []hook.Job
	events []hook.Event
	sent   []hook.Delivery
	// results are those of the attempts.
	results []hook.Attempt
	err     error
}

func (s *system) Accept(_ context.Context, n hook.Notification, jobs []hook.Job) ([]int64, error) {
	s.stored, s.events = append(s.stored, jobs...), n.Events
	ids := make([]int64, len(jobs))
	for i := range jobs {
		ids[i] = jobs[i].ID
	}
	return ids, s.err
}

func (s *system) Submit(context.Context, []int64) error { return s.err }

func (s *system) Send(_ context.Context, d hook.Delivery) hook.Attempt {
	s.sent = append(s.sent, d)
	a := s.results[len(s.sent)-1]
	a.Number = d.Number
	a.Request = hook.Request{Method: http.MethodPost, URL: hook.MaskTarget(d.SendTo.Address), Headers: map[string][]string{hook.HeaderTraceparent: {d.Traceparent}}}
	return a
}

// handler makes a job of each event, as core/webhook does.
type handler struct{ store Store }

func (h handler) Handle(ctx context.Context, n hook.Notification) error {
	var jobs []hook.Job
	for i, e := range n.Events {
		if !e.Incomplete {
			jobs = append(jobs, hook.Job{ID: int64(i + 1), EventID: e.ID})
		}
	}
	_, err := h.store.Accept(ctx, n, jobs)
	return err
}

func recorded(t *testing.T) (*Tracing, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	return Over(sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))), spans
}

// receive plays a notification with a header.
func receive(t *testing.T, tr *Tracing, s *system, traceparent string, n hook.Notification) error {
	t.Helper()
	var err error
	server := tr.Incoming(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx, done := tr.Receive(r.Context(), "registry")
		err = tr.Handler(handler{tr.Store(s)}).Handle(ctx, n)
		done(err)
	}))
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if traceparent != "" {
		r.Header.Set("traceparent", traceparent)
	}
	server.ServeHTTP(httptest.NewRecorder(), r)
	return err
}

// attempt plays what JobService does with a job.
func attempt(t *testing.T, tr *Tracing, s *system, number int, status hook.Status) {
	t.Helper()
	d := hook.Delivery{Job: s.stored[0], Number: number, SendTo: hook.Target{Address: "https://ci.example.com/hook?token=s3cret"}}
	d.NextAt = time.Now().Add(-time.Second)
	tr.Claimed([]hook.Delivery{d})
	a := tr.Sender(s).Send(t.Context(), d)
	_, done := tr.Recording(t.Context(), hook.Outcome{JobID: d.ID, Attempt: a, Status: status, RetryIn: time.Second})
	done(nil)
}

// tree writes spans as "name < parent", in the order of their ends.
func tree(spans []sdk.ReadOnlySpan) []string {
	names := map[string]string{"b7ad6b7169203331": "the registry"}
	for _, s := range spans {
		names[s.SpanContext().SpanID().String()] = s.Name()
	}
	var lines []string
	for _, s := range spans {
		line := s.Name() + " < " + names[s.Parent().SpanID().String()]
		if s.Status().Description != "" {
			line += ": " + s.Status().Description
		}
		lines = append(lines, line)
	}
	return lines
}

func TestADeliveryIsOneTrace(t *testing.T) {
	t.Parallel()
	tr, spans := recorded(t)
	s := &system{results: []hook.Attempt{
		{Result: hook.ResultTimeout, Error: "no answer in time"},
		{Result: hook.ResultOK, Response: &hook.Response{Status: 204}, RemoteAddr: "192.0.2.1:443"},
	}}
	if err := receive(t, tr, s, incoming, hook.Notification{Events: []hook.Event{{ID: "e1"}}}); err != nil {
		t.Fatal(err)
	}
	if err := tr.JobService(s).Submit(t.Context(), []int64{1, 99}); err != nil {
		t.Fatal(err)
	}
	attempt(t, tr, s, 1, hook.StatusScheduled)
	attempt(t, tr, s, 2, hook.StatusFinished)

	all := spans.Ended()
	want := []string{
		"match < receive", "accept < receive", "receive < the registry", "submit < accept",
		"queue < accept", "attempt < accept: no answer in time", "record < attempt",
		"queue < accept", "attempt < accept", "record < attempt",
	}
	if diff := cmp.Diff(want, tree(all)); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	shown := ""
	for i, span := range all {
		if got := span.SpanContext().TraceID().String(); got != incomingTrace {
			t.Errorf("%s is in the trace %s", span.Name(), got)
		}
		if took := span.EndTime().Sub(span.StartTime()); span.Name() == spanQueue && took < time.Second {
			t.Errorf("the delivery was due for %v", took)
		}
		for _, a := range span.Attributes() {
			shown += fmt.Sprintf("%d %s %s=%s\n", i, span.Name(), a.Key, a.Value.String())
		}
	}
	for _, part := range []string{
		"5 attempt error.type=timeout", "8 attempt http.request.resend_count=1", "8 attempt http.response.status_code=204",
		"8 attempt server.address=ci.example.com", "8 attempt server.port=443", "8 attempt network.peer.address=192.0.2.1",
		"6 record harborhook.job.status=scheduled", "6 record harborhook.retry_in_ms=1000", "9 record harborhook.job.status=finished",
	} {
		if !strings.Contains(shown, part+"\n") {
			t.Errorf("%q is not told:\n%s", part, shown)
		}
	}
	if strings.Contains(shown, "s3cret") {
		t.Errorf("a secret is told:\n%s", shown)
	}
	for i, n := range []int{5, 8} {
		if got, want := s.sent[i].Traceparent, "00-"+incomingTrace+"-"+all[n].SpanContext().SpanID().String()+"-01"; got != want {
			t.Errorf("attempt %d has sent %s, want %s", i+1, got, want)
		}
	}
}

func TestWhatGoesWrongIsSeen(t *testing.T) {
	t.Parallel()
	tr, spans := recorded(t)
	s := &system{err: errors.New("the database is away")}
	if err := receive(t, tr, s, "no traceparent", hook.Notification{Events: []hook.Event{{ID: "e1"}}}); err == nil {
		t.Fatal("no error")
	}
	if err := tr.JobService(s).Submit(t.Context(), []int64{1}); err == nil {
		t.Fatal("no error")
	}
	want := []string{"match < ", "accept < receive: the database is away", "receive < : the database is away"}
	got := tree(spans.Ended())
	got[0] = strings.TrimSuffix(got[0], "receive")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

func TestAnEventThatIsLookedUpGoesOnInItsTrace(t *testing.T) {
	t.Parallel()
	tr, spans := recorded(t)
	s := &system{}
	given := []hook.Event{{ID: "e1", Incomplete: true}}
	if err := receive(t, tr, s, incoming, hook.Notification{Events: given}); err != nil {
		t.Fatal(err)
	}
	if given[0].Traceparent != "" {
		t.Error("the caller's event was changed")
	}
	complete := s.events[0]
	complete.Incomplete = false
	if err := tr.Handler(handler{tr.Store(s)}).Handle(t.Context(), hook.Notification{Events: []hook.Event{complete}}); err != nil {
		t.Fatal(err)
	}
	want := []string{"match < receive", "accept < receive", "receive < the registry", "match < accept", "accept < accept"}
	if diff := cmp.Diff(want, tree(spans.Ended())); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if hook.TraceID(s.stored[0].Traceparent) != incomingTrace {
		t.Errorf("the job is in the trace %s", s.stored[0].Traceparent)
	}
}

func TestADeliveryWithoutATraceHasNoSpans(t *testing.T) {
	t.Parallel()
	tr, spans := recorded(t)
	s := &system{stored: []hook.Job{{ID: 1}}, results: []hook.Attempt{{Result: hook.ResultOK}}}
	attempt(t, tr, s, 1, hook.StatusFinished)
	if len(spans.Started()) != 0 || s.sent[0].Traceparent != "" {
		t.Errorf("%v, sent %q", tree(spans.Ended()), s.sent[0].Traceparent)
	}
}

// silent is a collector that takes nothing until the test ends.
type silent struct{ until chan struct{} }

func (s silent) ExportSpans(ctx context.Context, _ []sdk.ReadOnlySpan) error {
	select {
	case <-s.until:
	case <-ctx.Done():
	}
	return errors.New("nobody answers")
}

func (silent) Shutdown(context.Context) error { return nil }

func TestASilentCollectorHoldsUpNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	until := make(chan struct{})
	tr := over(silent{until}, nil, slog.New(slog.NewTextHandler(&log, nil)))
	const more = 1000
	for range mostUnderWay + more {
		_, done := tr.Receive(t.Context(), "registry")
		done(nil)
	}
	if got := tr.Counts(); got != (Counts{Dropped: more}) {
		t.Errorf("%+v", got)
	}
	close(until)
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := tr.Counts(); got != (Counts{Dropped: more, Failed: mostUnderWay}) {
		t.Errorf("at the end: %+v", got)
	}
	if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "nobody answers") {
		t.Errorf("%d lines are logged:\n%s", got, log.String())
	}
}

func TestSpansThatAreTakenAreCounted(t *testing.T) {
	t.Parallel()
	kept := tracetest.NewInMemoryExporter()
	tr := over(kept, nil, slog.New(slog.DiscardHandler))
	for range 10 {
		_, done := tr.Receive(t.Context(), "registry")
		done(nil)
	}
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := tr.Counts(); got != (Counts{Exported: 10}) {
		t.Errorf("%+v", got)
	}
}

// journey is what one delivery calls of tracing.
func journey(b *testing.B, tr *Tracing) {
	b.Helper()
	s := &still{}
	handle, jobs, send := tr.Handler(s), tr.JobService(s), tr.Sender(s)
	store := tr.Store(s)
	s.store = store
	n := hook.Notification{Events: []hook.Event{{ID: "e1"}}}
	ids := []int64{1}
	d := hook.Delivery{Job: hook.Job{ID: 1}}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		in, done := tr.Receive(ctx, "registry")
		err := errors.Join(handle.Handle(in, n), jobs.Submit(ctx, ids))
		done(err)
		if err != nil {
			b.Fatal(err)
		}
		d.Traceparent = s.jobs[0].Traceparent
		if tr != nil { // the store is wrapped only then
			tr.Claimed([]hook.Delivery{d})
		}
		a := send.Send(ctx, d)
		if tr != nil {
			_, recorded := tr.Recording(ctx, hook.Outcome{JobID: 1, Attempt: a})
			recorded(nil)
		}
	}
}

// still does nothing, and allocates nothing.
type still struct {
	store Store
	jobs  [1]hook.Job
	sent  hook.Attempt
}

func (s *still) Handle(ctx context.Context, n hook.Notification) error {
	_, err := s.store.Accept(ctx, n, s.jobs[:])
	return err
}

func (*still) Accept(context.Context, hook.Notification, []hook.Job) ([]int64, error) {
	return nil, nil
}
func (*still) Submit(context.Context, []int64) error              { return nil }
func (s *still) Send(context.Context, hook.Delivery) hook.Attempt { return s.sent }

func BenchmarkDelivery(b *testing.B) {
	b.Run("off", func(b *testing.B) { journey(b, nil) })
	b.Run("on", func(b *testing.B) { journey(b, Over(sdk.NewTracerProvider())) })
	b.Run("not sampled", func(b *testing.B) { journey(b, Over(sdk.NewTracerProvider(sdk.WithSampler(sdk.NeverSample())))) })
}

func TestTracingThatIsOffCostsNoMemory(t *testing.T) {
	off := testing.Benchmark(func(b *testing.B) { journey(b, nil) })
	if n := off.AllocsPerOp(); n != 0 {
		t.Errorf("%d allocations", n)
	}
}

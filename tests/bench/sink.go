package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// sink is the receivers of one run: one for each policy, each at an origin of
// its own. It notes when it first saw each event, and does as little else as it can.
type sink struct {
	start    time.Time
	servers  []*http.Server
	urls     []string
	arrivals [][]atomic.Int64 // by policy and event: time since start, 0 if it has not come
	arrived  atomic.Int64     // different deliveries
	of       []atomic.Int64   // the same by policy
	delays   []time.Duration  // by policy, until a delivery is answered
	released chan struct{}    // closed when nobody is kept waiting any more
	repeated atomic.Int64
	gaveUp   atomic.Int64 // deliveries whose sender did not wait for the answer
	strange  atomic.Int64 // deliveries that name no event of the run
	last     atomic.Int64 // time since start
	news     chan struct{}
	bodies   sync.Pool
}

// newSink listens for the deliveries of so many events to so many policies.
func newSink(ctx context.Context, events, policies int) (*sink, error) {
	s := makeSink(events, policies)
	for policy := range policies {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listen for deliveries: %w", err), s.close())
		}
		s.urls = append(s.urls, hookURL(l.Addr().String(), policy))
		s.serve(policy, l)
	}
	return s, nil
}

func makeSink(events, policies int) *sink {
	s := &sink{
		start: time.Now(), arrivals: make([][]atomic.Int64, policies), news: make(chan struct{}, 1),
		of: make([]atomic.Int64, policies), delays: make([]time.Duration, policies), released: make(chan struct{}),
		bodies: sync.Pool{New: func() any { b := make([]byte, 16<<10); return &b }},
	}
	for policy := range s.arrivals {
		s.arrivals[policy] = make([]atomic.Int64, events)
	}
	return s
}

func hookURL(address string, policy int) string {
	return "http://" + address + "/hook/" + strconv.Itoa(policy)
}

// serve takes a policy's deliveries.
func (s *sink) serve(policy int, l net.Listener) {
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.receive(policy, r)
	})}
	s.servers = append(s.servers, server)
	go server.Serve(l)
}

// answerAfter has deliveries of a policy wait for their answer. It must be called
// before the first one comes.
func (s *sink) answerAfter(policy int, delay time.Duration) { s.delays[policy] = delay }

// release answers at once from now on, also those that wait. It must be called
// once at most.
func (s *sink) release() { close(s.released) }

// keep keeps a delivery waiting as long as its policy says. It returns false if
// the sender did not wait: it has not delivered then.
func (s *sink) keep(ctx context.Context, policy int) bool {
	if s.delays[policy] == 0 {
		return true
	}
	timer := time.NewTimer(s.delays[policy])
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.released:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

func (s *sink) close() error {
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}

func (s *sink) receive(policy int, r *http.Request) {
	at := int64(time.Since(s.start))
	buffer, _ := s.bodies.Get().(*[]byte)
	defer s.bodies.Put(buffer)
	n, err := io.ReadFull(r.Body, *buffer)
	if err == nil || !errors.Is(err, io.ErrUnexpectedEOF) {
		s.strange.Add(1) // longer than any body of ours, empty, or broken off
		return
	}
	event, ok := eventIn((*buffer)[:n])
	if !ok || event >= len(s.arrivals[policy]) {
		s.strange.Add(1)
		return
	}
	if !s.keep(r.Context(), policy) {
		s.gaveUp.Add(1)
		s.tell()
		return
	}
	if !s.arrivals[policy][event].CompareAndSwap(0, at) {
		s.repeated.Add(1)
		return
	}
	for last := s.last.Load(); at > last && !s.last.CompareAndSwap(last, at); last = s.last.Load() {
		continue
	}
	s.arrived.Add(1)
	s.of[policy].Add(1)
	s.tell()
}

// tell wakes who awaits something.
func (s *sink) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// await waits until n deliveries have arrived, or none has for as long as
// patience, and says which. It fails when ctx ends.
func (s *sink) await(ctx context.Context, n int, patience time.Duration) (bool, error) {
	return s.awaitCount(ctx, &s.arrived, n, patience)
}

// awaitOf is await for one policy.
func (s *sink) awaitOf(ctx context.Context, policy, n int, patience time.Duration) (bool, error) {
	return s.awaitCount(ctx, &s.of[policy], n, patience)
}

func (s *sink) awaitCount(ctx context.Context, count *atomic.Int64, n int, patience time.Duration) (bool, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for count.Load() < int64(n) {
		select {
		case <-s.news:
			timer.Reset(patience)
		case <-timer.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return true, nil
}

// arrival is when the first delivery of an event came, on the clock of start.
func (s *sink) arrival(policy, event int) time.Time {
	return s.start.Add(time.Duration(s.arrivals[policy][event].Load()))
}

func (s *sink) lastArrival() time.Time { return s.start.Add(time.Duration(s.last.Load())) }

func (s *sink) expected() int { return len(s.arrivals) * len(s.arrivals[0]) }

// outcome is what became of the deliveries of a run.
type outcome struct{ lost, repeated, strange int }

// outcome counts what has come until now.
func (s *sink) outcome() outcome {
	return outcome{s.expected() - int(s.arrived.Load()), int(s.repeated.Load()), int(s.strange.Load())}
}

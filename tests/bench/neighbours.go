package main

import (
	"context"
	"math"
	"time"
)

const (
	// neighbourRate is how many events a second a fast endpoint and its neighbour get.
	neighbourRate = 100
	// slowAnswer is how long the slow neighbour takes.
	slowAnswer = 3 * time.Second
	// silence is how long the silent one takes: for ever.
	silence = time.Duration(math.MaxInt64)
)

// The projects of the fast endpoint.
const (
	besideNobody = "bench-alone"
	besideSlow   = "bench-slow"
	besideSilent = "bench-silent"
)

// neighbour is what a fast endpoint came to beside another one that got the same
// events.
type neighbour struct {
	ran
	// arrivals is the time from each event to its arrival at the fast endpoint.
	arrivals latencies
}

// neighboursRan is a fast endpoint alone and beside others, on a system that has
// warmed up.
type neighboursRan struct {
	warm ran
	fast []neighbour
}

// besideOthers measures a fast endpoint alone, and beside one that is slow and one
// that never answers.
func (b *bench) besideOthers(ctx context.Context) (r *neighboursRan, err error) {
	r = &neighboursRan{}
	if r.warm, err = b.warmUp(ctx); err != nil {
		return nil, err
	}
	for _, l := range []struct {
		name, title string
		answer      []time.Duration
	}{
		{besideNobody, "alone", nil},
		{besideSlow, "beside one that answers after 3 s", []time.Duration{slowAnswer}},
		{besideSilent, "beside one that never answers", []time.Duration{silence}},
	} {
		n, err := b.beside(ctx, load{
			name: l.name, title: l.title, events: b.neighbours, policies: 1 + len(l.answer),
			senders: b.senders, connections: b.senders, rate: neighbourRate,
		}, l.answer...)
		if err != nil {
			return nil, err
		}
		r.fast = append(r.fast, n)
	}
	outcomes := []*outcome{&r.warm.outcome}
	for i := range r.fast {
		outcomes = append(outcomes, &r.fast[i].outcome)
	}
	return r, b.lookAgain(ctx, outcomes...)
}

// beside offers events for a fast endpoint and others that take their time, until
// the fast one has them all. Then the others are fast, too, so that what is lost
// can be told.
func (b *bench) beside(ctx context.Context, l load, others ...time.Duration) (n neighbour, err error) {
	n.load = l
	s, err := b.newSink(ctx, l.events, l.policies)
	if err != nil {
		return n, err
	}
	for i, delay := range others {
		s.answerAfter(1+i, delay)
	}
	if err := b.sys.createProject(ctx, l.name, s.urls); err != nil {
		return n, err
	}
	registry := newNotifier(b.sys.core, b.sys.token, l.connections)
	defer registry.close()
	if err := pause(ctx, b.settle); err != nil {
		return n, err
	}
	before, err := b.sys.read()
	if err != nil {
		return n, err
	}
	b.say("a fast endpoint %s: offering %d events", l.title, l.events)
	n.offered, err = registry.offer(ctx, envelopes(l.name, l.events, time.Now()), l.senders, l.rate)
	if err == nil {
		_, err = s.awaitOf(ctx, 0, l.events, patience)
	}
	s.release()
	if err != nil {
		return n, err
	}
	after, err := b.sys.read()
	if err != nil {
		return n, err
	}
	n.others = after.othersSince(before)
	n.arrivals = s.since(0, n.due)
	b.say("a fast endpoint %s: p50 %s, p99 %s", l.title, n.arrivals.percentile(50), n.arrivals.percentile(99))
	if _, err = s.await(ctx, s.expected(), longPatience); err != nil {
		return n, err
	}
	n.took = s.lastArrival().Sub(n.start)
	n.unfinished, err = b.unfinished(ctx, l)
	return n, err
}

// since is the time from when each event was due to its arrival at a policy; what
// has not arrived is left out.
func (s *sink) since(policy int, due []time.Time) latencies {
	var all latencies
	for event, at := range due {
		if s.arrivals[policy][event].Load() > 0 {
			all = append(all, s.arrival(policy, event).Sub(at))
		}
	}
	return all
}

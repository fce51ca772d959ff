package main

import (
	"context"
	"errors"
	"slices"
	"time"
)

// waitingPolicies is over how many policies the deliveries that wait are spread,
// each with an endpoint of its own.
const waitingPolicies = 10

// waitingRan is what deliveries came to that had to wait for their endpoints.
type waitingRan struct {
	ran
	// waited is how many of them the API said were waiting.
	waited int
	// held and drained are the most memory of each process until the endpoints came
	// back, and until all was delivered.
	held, drained []int64
	// first, most and all are when the first delivery, 99 of 100 and all had arrived,
	// after the endpoints came back.
	first, most, all time.Duration
}

// drainRate is in deliveries a second, from the first arrival on. The last in a
// hundred are left out: what was tried before waits for its retry.
func (w waitingRan) drainRate() float64 { return perSecond(w.deliveries()*99/100, w.most-w.first) }

// longPatience is patience for endpoints that were away: a circuit may be tried only
// after half a minute, and the third retry waits for up to 144 s.
const longPatience = 180 * time.Second

// waitingFor is how long deliveries wait when all of them do.
const waitingFor = 10 * time.Second

// letWait has deliveries wait for endpoints that take no connections, looks at the
// memory, and lets the endpoints come back.
func (b *bench) letWait(ctx context.Context) (*waitingRan, error) {
	w := &waitingRan{}
	w.load = load{
		name: "bench-waiting", title: "waiting", events: b.waiting / waitingPolicies, policies: waitingPolicies,
		senders: b.senders, connections: b.senders,
	}
	s, listen, err := b.newRefusingSink(w.events, w.policies)
	if err != nil {
		return nil, err
	}
	if err := b.sys.createProject(ctx, w.name, s.urls); err != nil {
		return nil, errors.Join(err, listen())
	}
	b.say("offering %d events for %d policies whose endpoints take no connections", w.events, w.policies)
	registry := newNotifier(b.sys.core, b.sys.token, w.connections)
	defer registry.close()
	w.offered, err = registry.offer(ctx, envelopes(w.name, w.events, time.Now()), w.senders, 0)
	if err == nil {
		err = b.watchWaiting(ctx, w)
	}
	back := time.Now()
	if err := errors.Join(err, listen()); err != nil {
		return nil, err
	}
	if _, err := s.await(ctx, s.expected(), longPatience); err != nil {
		return nil, err
	}
	w.note(s, back)
	if w.unfinished, err = b.unfinished(ctx, w.load); err != nil {
		return nil, err
	}
	if w.drained, err = b.sys.peaks(); err != nil {
		return nil, err
	}
	b.say("%d waited, memory up to %s MiB, drained in %s, lost %d", w.waited, mib(ownSum(b.sys.names(), w.drained)), w.all.Round(time.Millisecond), s.outcome().lost)
	return w, b.lookAgain(ctx, &w.outcome)
}

// newRefusingSink returns a sink whose addresses take no connections until listen is
// called, which must be.
func (b *bench) newRefusingSink(events, policies int) (s *sink, listen func() error, err error) {
	var addresses []*refusing
	s = makeSink(events, policies)
	b.sinks = append(b.sinks, s)
	for policy := range policies {
		r, err := newRefusing()
		if err != nil {
			for _, r := range addresses {
				err = errors.Join(err, r.close())
			}
			return nil, nil, err
		}
		addresses = append(addresses, r)
		s.urls = append(s.urls, hookURL(r.address, policy))
	}
	return s, func() error {
		var errs []error
		for policy, r := range addresses {
			l, err := r.listen()
			if err != nil {
				errs = append(errs, err)
				continue
			}
			s.serve(policy, l)
		}
		return errors.Join(errs...)
	}, nil
}

// watchWaiting has the accepted deliveries wait for a while, and then asks how many
// do and how much memory was needed.
func (b *bench) watchWaiting(ctx context.Context, w *waitingRan) (err error) {
	b.say("%s wait, accepted in %s", thousands(w.deliveries()), w.offered.took.Round(time.Millisecond))
	if err := pause(ctx, min(waitingFor, max(b.circuitProbe, time.Second))); err != nil {
		return err
	}
	// A large count is done in the background: the first answer starts it.
	for range 20 {
		if w.waited, err = b.sys.count(ctx, w.name, "pending", "scheduled"); err != nil {
			return err
		}
		if w.waited >= w.deliveries()-w.policies { // some of them may be tried just now
			break
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	w.held, err = b.sys.peaks()
	return err
}

// note takes in when the deliveries arrived.
func (w *waitingRan) note(s *sink, back time.Time) {
	var at latencies
	for policy := range s.arrivals {
		for event := range s.arrivals[policy] {
			if s.arrivals[policy][event].Load() > 0 {
				at = append(at, s.arrival(policy, event).Sub(back))
			}
		}
	}
	slices.Sort(at)
	w.first, w.most, w.all = at.percentile(0), at.percentile(99), at.max()
	w.took = w.all
}

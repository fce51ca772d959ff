package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// load is one run in which events are offered as fast as they are accepted, or
// at a rate.
type load struct {
	// name is the project's, too.
	name     string
	title    string
	events   int
	policies int
	senders  int
	// connections that the senders keep open; 0 = a new one for each event.
	connections int
	// rate is in events a second; 0 = as fast as they are accepted.
	rate     float64
	profiled bool
	// beside says what is peculiar to the run.
	beside string
}

// ran is what a load came to.
type ran struct {
	load
	offered
	outcome
	// took is from the first offer to the last arrival.
	took time.Duration
	cpu  cpuTimes
	// others is the part of the processors that strangers have taken.
	others float64
	// unfinished counts the jobs that were delivered and not recorded as such.
	unfinished int
}

func (r ran) deliveries() int { return r.events * r.policies }

// measured is what one shape came to.
type measured struct {
	shape     shape
	processes []string
	idle      latencies
	idleWas   outcome
	loads     []ran
	peaks     []int64
	// What follows is nil if it was left out.
	history    *historyRan
	waiting    *waitingRan
	neighbours *neighboursRan
}

// patience is how long no delivery may arrive before the rest counts as lost.
// What a dead worker held comes back after 16 s.
const patience = 30 * time.Second

// measureShape measures a shape, with a new system for each measure that leaves
// much behind.
func measureShape(ctx context.Context, o options, s shape, dir string, progress io.Writer) (m measured, err error) {
	on := func(name string, measure func(*bench) error, env ...string) {
		if err != nil {
			return
		}
		if err = onNewSystem(ctx, o, s, filepath.Join(dir, string(s)+"-"+name), progress, measure, env...); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	on("loads", func(b *bench) (err error) { m, err = b.measure(ctx); return err })
	if s == barely {
		return m, err // the rest is beyond it
	}
	if o.history > 0 {
		on("history", func(b *bench) (err error) { m.history, err = b.compareHistory(ctx); return err })
	}
	if o.waiting > 0 {
		on("waiting", func(b *bench) (err error) { m.waiting, err = b.letWait(ctx); return err },
			"HARBORHOOK_CIRCUIT_PROBE="+o.circuitProbe.String())
	}
	if o.neighbours > 0 {
		on("neighbours", func(b *bench) (err error) { m.neighbours, err = b.besideOthers(ctx); return err })
	}
	return m, err
}

// onNewSystem starts a shape, measures it, stops it and removes its data.
func onNewSystem(ctx context.Context, o options, s shape, dir string, progress io.Writer, measure func(*bench) error, env ...string) (err error) {
	fmt.Fprintf(progress, "%s: starting\n", s)
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sys, err := startSystem(ctx, s, o.binary, dir, env...)
	defer sys.stop()
	if err != nil {
		return err
	}
	b := &bench{options: o, sys: sys, progress: progress}
	defer func() { err = errors.Join(err, b.closeSinks()) }()
	if err = measure(b); err != nil && ctx.Err() == nil {
		for _, p := range sys.processes {
			fmt.Fprintf(progress, "the last lines of %s:\n%s\n", p.name, p.tail())
		}
	}
	b.complain()
	return err
}

// bench measures one running system.
type bench struct {
	options
	sys      *system
	progress io.Writer
	// sinks stay open to the end: what comes twice may come late.
	sinks []*sink
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, string(b.sys.shape)+": "+format+"\n", args...)
}

func (b *bench) newSink(ctx context.Context, events, policies int) (*sink, error) {
	s, err := newSink(ctx, events, policies)
	if err == nil {
		b.sinks = append(b.sinks, s)
	}
	return s, err
}

func (b *bench) closeSinks() error {
	var errs []error
	for _, s := range b.sinks {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

func (b *bench) measure(ctx context.Context) (measured, error) {
	m := measured{shape: b.sys.shape, processes: b.sys.names()}
	var err error
	if m.idle, err = b.idle(ctx); err != nil {
		return m, fmt.Errorf("idle latency: %w", err)
	}
	for _, l := range b.loads() {
		if l.name == halfLoad && len(m.loads) > 0 {
			// Half of what the first run has shown, for about as long.
			l.rate = perSecond(m.loads[0].events, m.loads[0].took) / 2
		}
		r, err := b.load(ctx, l)
		if err != nil {
			return m, fmt.Errorf("%s: %w", l.title, err)
		}
		m.loads = append(m.loads, r)
	}
	if m.peaks, err = b.sys.peaks(); err != nil {
		return m, err
	}
	outcomes := []*outcome{&m.idleWas}
	for i := range m.loads {
		outcomes = append(outcomes, &m.loads[i].outcome)
	}
	return m, b.lookAgain(ctx, outcomes...)
}

// lookAgain takes a second look at what has come to each sink: a delivery that was
// forgotten comes a second time when somebody notices.
func (b *bench) lookAgain(ctx context.Context, outcomes ...*outcome) error {
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	for i, s := range b.sinks {
		*outcomes[i] = s.outcome()
	}
	return nil
}

// complain shows what the processes warned of.
func (b *bench) complain() {
	for _, p := range b.sys.processes {
		for _, line := range p.complaints() {
			b.say("%s said: %s", p.name, line)
		}
	}
}

// The projects of the loads that something is asked of.
const (
	onePolicy   = "bench-one"
	halfLoad    = "bench-half"
	tenPolicies = "bench-ten"
)

func (b *bench) loads() []load {
	return []load{
		{name: onePolicy, title: "1 policy", events: b.events, policies: 1, senders: b.senders, connections: b.senders, profiled: true},
		{name: halfLoad, title: "half load", events: b.events / 2, policies: 1, senders: b.senders, connections: b.senders},
		{name: tenPolicies, title: "10 policies", events: b.events / 5, policies: 10, senders: b.senders, connections: b.senders, profiled: true},
		{name: "bench-serial", title: "1 sender", events: b.events / 5, policies: 1, senders: 1},
	}
}

// load offers events and waits for their deliveries.
func (b *bench) load(ctx context.Context, l load) (r ran, err error) {
	r.load = l
	s, err := b.newSink(ctx, l.events, l.policies)
	if err != nil {
		return r, err
	}
	if err := b.sys.createProject(ctx, l.name, s.urls); err != nil {
		return r, err
	}
	bodies := envelopes(l.name, l.events, time.Now())
	registry := newNotifier(b.sys.core, b.sys.token, l.connections)
	defer registry.close()
	if err := pause(ctx, b.settle); err != nil { // what making the project has set off
		return r, err
	}
	before, err := b.sys.read()
	if err != nil {
		return r, err
	}
	b.say("%s: offering %d events for %d policies", l.title, l.events, l.policies)
	profiles := b.startProfiles(ctx, l)
	if r.offered, err = registry.offer(ctx, bodies, l.senders, l.rate); err != nil {
		return r, errors.Join(err, <-profiles)
	}
	if _, err := s.await(ctx, s.expected(), patience); err != nil {
		return r, errors.Join(err, <-profiles)
	}
	r.outcome, r.took = s.outcome(), s.lastArrival().Sub(r.start)
	if err := errors.Join(<-profiles, pause(ctx, b.settle)); err != nil {
		return r, err
	}
	after, err := b.sys.read()
	if err != nil {
		return r, err
	}
	r.cpu, r.others = after.processes.since(before.processes), after.othersSince(before)
	if r.unfinished, err = b.unfinished(ctx, l); err != nil {
		return r, err
	}
	b.say("%s: %d deliveries in %s, %.0f/s, lost %d, twice %d, accepted within %s (p99)", l.title,
		r.deliveries()-r.lost, r.took.Round(time.Millisecond), perSecond(r.deliveries(), r.took), r.lost, r.repeated,
		r.accept.percentile(99).Round(10*time.Microsecond))
	return r, nil
}

// unfinished counts the jobs of a load that are not recorded as delivered after
// a while.
func (b *bench) unfinished(ctx context.Context, l load) (int, error) {
	for range 200 { // a large count may be some seconds old
		finished, err := b.sys.count(ctx, l.name, "finished")
		if err != nil || finished == l.events*l.policies {
			return 0, err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
	finished, err := b.sys.count(ctx, l.name, "finished")
	return l.events*l.policies - finished, err
}

// idle measures single events. In production they are a registry's
// notifications, each on a connection of its own; in the standalone shape pushes
// to its own registry, of which the manifest's counts.
func (b *bench) idle(ctx context.Context) (latencies, error) {
	const project = "bench-idle"
	s, err := b.newSink(ctx, b.idleEvents, 1)
	if err != nil {
		return nil, err
	}
	if err := b.sys.createProject(ctx, project, s.urls); err != nil {
		return nil, err
	}
	b.say("%d single events", b.idleEvents)
	raise := b.byNotification(project)
	if b.sys.registry != "" {
		raise = b.byPush(project)
	}
	var all latencies
	for event := range b.idleEvents {
		send, err := raise(ctx, event)
		if err != nil {
			return nil, err
		}
		if err := pause(ctx, b.idleGap); err != nil {
			return nil, err
		}
		start := time.Now()
		if err := send(); err != nil {
			return nil, err
		}
		arrived, err := s.await(ctx, event+1, patience)
		if err != nil {
			return nil, err
		}
		if !arrived {
			return nil, fmt.Errorf("event %d did not arrive within %s", event, patience)
		}
		all = append(all, s.arrival(0, event).Sub(start))
	}
	b.say("idle latency p50 %s, max %s", all.percentile(50), all.max())
	return all, nil
}

// raiser prepares an event and returns what raises it.
type raiser func(ctx context.Context, event int) (send func() error, err error)

func (b *bench) byNotification(project string) raiser {
	bodies := envelopes(project, b.idleEvents, time.Now())
	registry := newNotifier(b.sys.core, b.sys.token, 0)
	return func(ctx context.Context, event int) (func() error, error) {
		return func() error {
			accepted, err := registry.notify(ctx, bodies[event])
			if err == nil && !accepted {
				err = errors.New("a notification was refused")
			}
			return err
		}, nil
	}
}

func (b *bench) byPush(project string) raiser {
	p := &pusher{base: b.sys.registry, password: b.sys.password, client: &http.Client{Timeout: time.Minute}}
	return func(ctx context.Context, event int) (func() error, error) {
		manifest, err := p.prepare(ctx, project+"/app")
		return func() error { return p.pushManifest(ctx, project+"/app", tagOf(event), manifest) }, err
	}
}

// extras are the runs besides the loads.
func (m measured) extras() []ran {
	var all []ran
	if m.history != nil {
		all = append(all, m.history.warm, m.history.empty, m.history.full)
	}
	if m.waiting != nil {
		all = append(all, m.waiting.ran)
	}
	if m.neighbours != nil {
		all = append(all, m.neighbours.warm)
		for _, n := range m.neighbours.fast {
			all = append(all, n.ran)
		}
	}
	return all
}

// faults says what must not happen: a delivery that is lost, made twice or not
// asked for, or one that is not recorded.
func faults(all []measured) error {
	var errs []error
	for _, m := range all {
		check := func(title string, o outcome, unfinished int) {
			if o != (outcome{}) || unfinished != 0 {
				errs = append(errs, fmt.Errorf("%s, %s: lost %d, twice %d, strange %d, not recorded %d",
					m.shape, title, o.lost, o.repeated, o.strange, unfinished))
			}
		}
		check("single events", m.idleWas, 0)
		for _, r := range m.loads {
			check(r.title, r.outcome, r.unfinished)
		}
		for _, r := range m.extras() {
			check(r.title, r.outcome, r.unfinished)
		}
	}
	return errors.Join(slices.Clip(errs)...)
}

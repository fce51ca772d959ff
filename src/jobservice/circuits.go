package jobservice

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// CircuitStore keeps what is known of failing origins, for all processes.
type CircuitStore interface {
	CircuitFailed(ctx context.Context, origin string, threshold int, probeIn time.Duration) (opened bool, err error)
	CircuitAnswered(ctx context.Context, origin string) (closed bool, err error)
	// Failing lists every origin whose last attempt was a network error.
	Failing(ctx context.Context) ([]hook.Circuit, error)
	// TakeProbe returns true to one caller each time an open circuit may be tried.
	TakeProbe(ctx context.Context, origin string, interval time.Duration) (bool, error)
	TellWaiting(ctx context.Context, origin, message string) error
	GiveUp(ctx context.Context, origin string, age time.Duration, message string) (int, error)
}

// circuitOpensAfter is how many network errors in a row open a circuit.
const circuitOpensAfter = 10

// circuitTimeout bounds how long a database that hangs holds up a worker.
const circuitTimeout = 5 * time.Second

// circuits keep jobs from origins that do not answer: after some network errors
// in a row the jobs of an origin wait, and one of them is tried from time to
// time. The first answer lets all others go on.
type circuits struct {
	store    CircuitStore
	observer Observer
	log      *slog.Logger
	// probeEvery is how often a job of an open circuit is tried.
	probeEvery time.Duration
	// maxWait is how old an untried job becomes.
	maxWait time.Duration
	// probe tries the oldest due job of an origin, if there is one and take agrees.
	probe func(ctx context.Context, origin string, take func() bool)
	// closed is called when the jobs of an origin may go on.
	closed func(origin string)
	// hold says that no job may start: then none is tried, and none becomes too old.
	hold func() bool

	mu      sync.Mutex
	failing map[string]bool // true: open
}

// attempted takes in how an attempt ended.
func (c *circuits) attempted(ctx context.Context, origin string, result hook.Result) {
	ctx, cancel := context.WithTimeout(ctx, circuitTimeout)
	defer cancel()
	switch {
	case result == hook.ResultInterrupted:
	case result.Retriable():
		c.failed(ctx, origin)
	case c.isFailing(origin):
		c.answered(ctx, origin)
	}
}

func (c *circuits) failed(ctx context.Context, origin string) {
	opened, err := c.store.CircuitFailed(ctx, origin, circuitOpensAfter, c.probeEvery)
	if err != nil {
		c.log.Warn("cannot count a failure of an origin", "origin", origin, "error", err)
		return
	}
	c.mu.Lock()
	c.failing[origin] = c.failing[origin] || opened
	c.mu.Unlock()
	if opened {
		c.log.Warn("an endpoint does not answer; its deliveries wait", "origin", origin, "failures", circuitOpensAfter, "next_try_in", c.probeEvery)
		c.count()
	}
}

func (c *circuits) answered(ctx context.Context, origin string) {
	closed, err := c.store.CircuitAnswered(ctx, origin)
	if err != nil {
		c.log.Warn("cannot forget the failures of an origin", "origin", origin, "error", err)
		return
	}
	c.mu.Lock()
	delete(c.failing, origin)
	c.mu.Unlock()
	if closed {
		c.log.Info("an endpoint answers again; its deliveries go on", "origin", origin)
		c.count()
		c.closed(origin)
	}
}

func (c *circuits) isFailing(origin string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.failing[origin]
	return ok
}

// isOpen says whether the jobs of an origin wait.
func (c *circuits) isOpen(origin string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failing[origin]
}

// open lists the origins whose jobs wait.
func (c *circuits) open() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var origins []string
	for origin, open := range c.failing {
		if open {
			origins = append(origins, origin)
		}
	}
	return origins
}

func (c *circuits) count() { c.observer.CircuitsOpen(len(c.open())) }

// watch learns what other processes have found out, and looks after the jobs of
// open circuits.
func (c *circuits) watch(ctx context.Context) {
	failing, err := c.store.Failing(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.log.Warn("cannot look for failing origins", "error", err)
		}
		return
	}
	for _, origin := range c.replace(failing) {
		c.closed(origin)
	}
	c.count()
	for _, f := range failing {
		if f.Open() && !c.hold() {
			c.lookAfter(ctx, f.Origin)
		}
	}
}

// replace takes over what the database says, and returns the origins whose
// circuit is not open any more.
func (c *circuits) replace(failing []hook.Circuit) (closed []string) {
	now := make(map[string]bool, len(failing))
	for _, f := range failing {
		now[f.Origin] = f.Open()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for origin, open := range c.failing {
		if open && !now[origin] {
			closed = append(closed, origin)
		}
	}
	c.failing = now
	return closed
}

func (c *circuits) lookAfter(ctx context.Context, origin string) {
	message := fmt.Sprintf("the endpoint does not answer; it is tried every %s, and this job when it answers", c.probeEvery)
	if err := c.store.TellWaiting(ctx, origin, message); err != nil {
		c.log.Warn("cannot note why jobs wait", "origin", origin, "error", err)
	}
	n, err := c.store.GiveUp(ctx, origin, c.maxWait, fmt.Sprintf("the endpoint did not answer for %s; no attempt was made", c.maxWait))
	if err != nil {
		c.log.Warn("cannot give up old jobs", "origin", origin, "error", err)
	}
	if n > 0 {
		c.log.Warn("gave up jobs of an endpoint that does not answer", "origin", origin, "jobs", n)
	}
	c.probe(ctx, origin, func() bool {
		ours, err := c.store.TakeProbe(ctx, origin, c.probeEvery)
		if err != nil {
			c.log.Warn("cannot try an endpoint", "origin", origin, "error", err)
		}
		return ours
	})
}

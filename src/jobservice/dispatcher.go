package jobservice

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// dispatcher keeps the queue's window filled. Fresh jobs are hinted as they are
// submitted. Once the window is full they wait in the database, and the
// dispatcher refills the window from there, oldest first and origins in turn. It
// also finds the jobs whose hint was lost, the retries that are due and the jobs
// of workers that died.
type dispatcher struct {
	store    Store
	queue    Queue
	log      *slog.Logger
	workers  int
	lease    time.Duration
	interval time.Duration
	wake     chan struct{}
	lanes    *lanes
	circuits *circuits
	// hold says that no job may start.
	hold func() bool
	// anew asks for everything to be looked at.
	anew chan struct{}

	mu sync.Mutex
	// backlog says that jobs wait in the database because the window was full.
	backlog bool
	// hinted are the ids pushed lately and not seen at a worker of this process.
	hinted map[int64]time.Time
	// lookAt is when a retry of this process falls due; zero if none does before
	// the next interval.
	lookAt time.Time
}

// A hint that no worker has used after hintLost counts as lost.
const hintLost = 3 * time.Second

// The window is measured in hints for each worker: it is full at windowFull and
// refilled below windowLow.
const (
	windowFull = 4
	windowLow  = 1
	// windowIDs is how many ids the window holds at most, for each worker.
	windowIDs = 10
)

func newDispatcher(cfg Config) *dispatcher {
	return &dispatcher{
		store: cfg.Store, queue: cfg.Queue, log: cfg.Log, workers: cfg.Workers, lease: cfg.DeliveryTimeout + leaseMargin,
		interval: cfg.ReconcileInterval, wake: make(chan struct{}, 1), anew: make(chan struct{}, 1), hinted: map[int64]time.Time{},
	}
}

// submit hints fresh rows, unless older ones wait. What does not fit into the
// window waits in the database.
func (d *dispatcher) submit(ctx context.Context, ids []int64) error {
	d.mu.Lock()
	backlog := d.backlog
	if len(ids) > d.window() {
		ids, d.backlog = ids[:d.window()], true
	}
	d.mu.Unlock()
	if backlog {
		return nil
	}
	return d.push(ctx, ids)
}

// window is how many ids the queue may hold.
func (d *dispatcher) window() int { return windowIDs * d.workers }

func (d *dispatcher) push(ctx context.Context, ids []int64) error {
	d.mu.Lock()
	now := time.Now()
	for _, id := range ids {
		d.hinted[id] = now
	}
	d.mu.Unlock()
	waiting, err := d.queue.Push(ctx, kindWebhook, ids)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		for _, id := range ids {
			delete(d.hinted, id)
		}
		return err
	}
	if waiting >= windowFull*d.workers {
		d.backlog = true
	}
	return nil
}

// taken notes that a worker has got a hint.
func (d *dispatcher) taken(ids []int64) {
	d.mu.Lock()
	for _, id := range ids {
		delete(d.hinted, id)
	}
	backlog := d.backlog
	d.mu.Unlock()
	if backlog {
		d.look()
	}
}

// look makes the dispatcher look at once.
func (d *dispatcher) look() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// lookAnew makes the dispatcher look at everything at once, as with the interval.
func (d *dispatcher) lookAnew() {
	select {
	case d.anew <- struct{}{}:
	default:
	}
}

// lookAgainIn makes the dispatcher look when a retry falls due, if that is
// before it would anyway.
func (d *dispatcher) lookAgainIn(wait time.Duration) {
	if wait >= d.interval {
		return
	}
	at := time.Now().Add(wait)
	d.mu.Lock()
	sooner := d.lookAt.IsZero() || at.Before(d.lookAt)
	if sooner {
		d.lookAt = at
	}
	d.mu.Unlock()
	if sooner {
		time.AfterFunc(wait, d.look)
	}
}

func (d *dispatcher) run(ctx context.Context) error {
	ticker := time.NewTicker(d.interval)
	defer ticker.Stop()
	d.reconcile(ctx) // what an earlier process has left
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			d.reconcile(ctx)
		case <-d.anew:
			d.reconcile(ctx)
		case <-d.wake:
			d.refill(ctx)
		}
	}
}

// reconcile takes back the jobs of dead workers, looks after the jobs of
// endpoints that do not answer, and looks for lost hints.
func (d *dispatcher) reconcile(ctx context.Context) {
	n, err := d.store.Recover(ctx, d.lease)
	if err != nil {
		d.log.Warn("cannot look for interrupted jobs", "error", err)
		return
	}
	if n > 0 {
		d.log.Warn("took back jobs whose worker is gone", "jobs", n)
	}
	d.circuits.watch(ctx)
	d.forget()
	waiting, err := d.queue.Waiting(ctx, kindWebhook)
	if err != nil {
		if ctx.Err() == nil {
			d.log.Warn("the queue does not answer; jobs wait in the database", "error", err)
		}
		return
	}
	d.fill(ctx, waiting)
}

// refill fills the window if it runs low, or if a retry is due.
func (d *dispatcher) refill(ctx context.Context) {
	d.mu.Lock()
	retryDue := !d.lookAt.IsZero() && !time.Now().Before(d.lookAt)
	if retryDue {
		d.lookAt = time.Time{}
	}
	d.mu.Unlock()
	waiting, err := d.queue.Waiting(ctx, kindWebhook)
	if err != nil {
		return // the next interval says that redis is away
	}
	if retryDue || waiting < windowLow*d.workers {
		d.fill(ctx, waiting)
	}
}

// fill hints the due jobs that no hint is under way for, as far as they fit into
// a window that holds so many hints already. A hint holds at least one id.
func (d *dispatcher) fill(ctx context.Context, waiting int) {
	room := d.window() - waiting
	if room <= 0 || d.hold() {
		d.setBacklog(true)
		return
	}
	fresh, err := d.store.Due(ctx, room, d.underWay(), func(origin string) int { return d.roomFor(origin, room) })
	if err != nil {
		d.log.Warn("cannot look for due jobs", "error", err)
		return
	}
	d.setBacklog(len(fresh) == room)
	if len(fresh) == 0 {
		return
	}
	if err := d.push(ctx, fresh); err != nil && ctx.Err() == nil {
		d.log.Warn("cannot hand jobs to the queue; they wait in the database", "jobs", len(fresh), "error", err)
	}
}

// roomFor is how many of the wanted jobs of an origin should be hinted.
func (d *dispatcher) roomFor(origin string, wanted int) int {
	if d.circuits.isOpen(origin) {
		return 0
	}
	return d.lanes.room(origin, wanted)
}

func (d *dispatcher) setBacklog(backlog bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.backlog = backlog
}

// underWay lists the ids that were pushed lately and not seen at a worker of
// this process.
func (d *dispatcher) underWay() []int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := make([]int64, 0, len(d.hinted))
	for id, at := range d.hinted {
		if time.Since(at) <= hintLost {
			ids = append(ids, id)
		}
	}
	return ids
}

// forget drops the notes of hints that other processes have used, or nobody.
func (d *dispatcher) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, at := range d.hinted {
		if time.Since(at) > hintLost {
			delete(d.hinted, id)
		}
	}
}

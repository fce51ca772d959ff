// Package jobservice delivers webhook jobs: it takes hints, claims the rows they
// name, sends them and records what came of it. The rows in the database are the
// jobs; a reconciler finds those whose hint was lost or whose worker died.
package jobservice

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice/job"
)

// Store keeps the jobs.
type Store interface {
	CircuitStore
	PurgeStore
	BulkStore
	SearchStore
	TallyStore
	SwitchStore
	// Claim takes those of the rows that are due and whose origin is not excepted.
	Claim(ctx context.Context, ids []int64, lease time.Duration, except ...string) ([]hook.Delivery, error)
	Finish(ctx context.Context, o hook.Outcome) (bool, error)
	Release(ctx context.Context, claimed []hook.Delivery) error
	Recover(ctx context.Context, lease time.Duration) (int, error)
	// Due names up to limit due rows that are not among the hinted, origins in
	// turn, and of each origin as many as it has room for.
	Due(ctx context.Context, limit int, hinted []int64, room func(origin string) int) ([]int64, error)
}

// Queue carries hints to the workers.
type Queue interface {
	Push(ctx context.Context, kind string, ids []int64) (waiting int, err error)
	Waiting(ctx context.Context, kind string) (int, error)
	Run(ctx context.Context, kinds ...job.Interface) error
}

// Sender makes one attempt. It answers in all cases.
type Sender interface {
	Send(ctx context.Context, d hook.Delivery) hook.Attempt
}

// Observer is told what happens, for metrics.
type Observer interface {
	// Attempted tells of a recorded attempt: of the job as it was claimed, and what
	// came of it.
	Attempted(d hook.Delivery, o hook.Outcome)
	// CircuitsOpen tells how many endpoints do not answer.
	CircuitsOpen(n int)
}

// Config is what a Service is made of.
type Config struct {
	Store    Store
	Queue    Queue
	Sender   Sender
	Observer Observer
	Log      *slog.Logger
	// Workers is how many deliveries are under way at once.
	Workers int
	// DeliveryTimeout is the longest an attempt may take.
	DeliveryTimeout time.Duration
	// RetryWaits are the waits before the second, third and fourth attempt.
	RetryWaits []time.Duration
	// CircuitProbe is how often an endpoint that does not answer is tried.
	CircuitProbe time.Duration
	// MaxWait is how long a job waits for such an endpoint that was never tried.
	MaxWait time.Duration
	// Retention is how long finished jobs are kept, a day at least; 0 keeps them all.
	Retention time.Duration
	// RetentionCount is how many finished jobs of a policy are kept within Retention,
	// besides those of the last day; 0 keeps all.
	RetentionCount int
	// ReconcileInterval is how often lost hints and lost workers are looked for.
	ReconcileInterval time.Duration
	// Grace is how long work in hand may go on after a stop.
	Grace time.Duration
}

// Service is JobService.
type Service struct {
	cfg        Config
	webhook    *webhookJob
	purge      *purgeJob
	bulk       *bulkJob
	indexers   []*indexer
	dispatcher *dispatcher
	switches   *switches
}

// New returns a Service.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg}
	s.dispatcher = newDispatcher(cfg)
	s.dispatcher.lanes = newLanes(cfg.Workers, s.dispatcher.look)
	s.switches = &switches{store: cfg.Store, log: cfg.Log, changed: s.dispatcher.lookAnew}
	hold := func() bool { return s.switches.hold(kindWebhook) }
	s.webhook = &webhookJob{
		store: cfg.Store, sender: cfg.Sender, observer: cfg.Observer, log: cfg.Log,
		// A worker that finds its delivery slow still holds the lease when it is done.
		lease: cfg.DeliveryTimeout + leaseMargin, waits: cfg.RetryWaits,
		lanes: s.dispatcher.lanes, seats: semaphore.NewWeighted(int64(seatsAWorker * cfg.Workers)), most: seatsAWorker * cfg.Workers, random: rand.Float64,
		taken: s.dispatcher.taken, later: s.dispatcher.lookAgainIn, hold: hold,
	}
	circuits := &circuits{
		store: cfg.Store, observer: cfg.Observer, log: cfg.Log, probeEvery: cfg.CircuitProbe, maxWait: cfg.MaxWait,
		failing: map[string]bool{}, probe: s.webhook.probe, closed: s.goOn, hold: hold,
	}
	s.purge = &purgeJob{
		store: cfg.Store, age: max(cfg.Retention, minRetention), keep: cfg.RetentionCount, log: cfg.Log,
		hold: func() bool { return s.switches.hold(kindPurge) }, unfinished: make(chan struct{}, 1),
	}
	s.bulk = &bulkJob{store: cfg.Store, submit: s.Submit, every: cfg.ReconcileInterval, log: cfg.Log, hold: hold}
	s.indexers = []*indexer{newSearchIndexer(cfg.Store, cfg.Log, s.busy), newTallier(cfg.Store, cfg.Log, s.busy)}
	s.webhook.circuits, s.dispatcher.circuits, s.dispatcher.hold = circuits, circuits, hold
	return s
}

// goOn brings in the jobs of an endpoint that may answer again.
func (s *Service) goOn(origin string) {
	s.dispatcher.lanes.forget(origin)
	s.dispatcher.look()
}

// leaseMargin is how much longer than a delivery a lease lasts. A job is taken
// back at most this, and a reconcile interval, after the delivery's deadline.
const leaseMargin = 5 * time.Second

// busy says whether deliveries are under way.
func (s *Service) busy() bool { return s.Busy() > 0 }

// Submit hints that these rows are due. It is a hint: an error, or a process
// that ends before the hint is used, delays the deliveries until the reconciler
// finds them.
func (s *Service) Submit(ctx context.Context, ids []int64) error {
	return s.dispatcher.submit(ctx, ids)
}

// Busy is how many deliveries are under way.
func (s *Service) Busy() int { return s.dispatcher.lanes.underWay() }

// Hints counts the hints in the queue that no worker has taken yet.
func (s *Service) Hints(ctx context.Context) (int, error) {
	n, err := s.cfg.Queue.Waiting(ctx, kindWebhook)
	if err != nil {
		return 0, fmt.Errorf("look into the queue: %w", err)
	}
	return n, nil
}

// Run delivers until ctx ends, and then finishes what it has begun, within the
// grace.
func (s *Service) Run(ctx context.Context) error {
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	s.webhook.sending = sending
	group, groupCtx := errgroup.WithContext(ctx)
	s.purge.stopping, s.bulk.stopping = groupCtx, groupCtx
	group.Go(func() error { return s.cfg.Queue.Run(groupCtx, s.webhook, s.bulk, s.purge) })
	group.Go(func() error { return s.switches.run(groupCtx) })
	group.Go(func() error { return s.bulk.schedule(groupCtx, s.cfg.Queue) })
	for _, x := range s.indexers {
		group.Go(func() error { return x.run(groupCtx) })
	}
	if s.cfg.Retention > 0 {
		group.Go(func() error { return s.purge.schedule(groupCtx, s.cfg.Queue) })
	}
	group.Go(func() error { return s.dispatcher.run(groupCtx) })
	group.Go(func() error {
		<-groupCtx.Done()
		timer := time.AfterFunc(s.cfg.Grace, cut)
		context.AfterFunc(sending, func() { timer.Stop() })
		return nil
	})
	err := group.Wait()
	s.webhook.wait()
	if err != nil {
		return fmt.Errorf("jobservice: %w", err)
	}
	return nil
}

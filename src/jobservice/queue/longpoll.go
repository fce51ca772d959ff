package queue

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// gocraft/work's workers poll, and wait longer each time they find nothing: up
// to 5 s. Here their connection waits instead. It recognises the script that
// fetches a job, and when there is none it does not answer until a doorbell
// rings, so that an idle worker starts within a millisecond and an idle Redis is
// left alone. The library is unmodified.

// pollAtMost is how long an idle worker waits for the bell before it looks by
// itself: a bell that was lost costs no more than this.
const pollAtMost = 15 * time.Second

// doorbell wakes as many waiters as it is rung for.
type doorbell struct {
	rings chan struct{}
}

func newDoorbell(waiters int) *doorbell { return &doorbell{rings: make(chan struct{}, waiters)} }

// ring wakes up to n waiters, now or when they next wait. It does not block.
func (d *doorbell) ring(n int) {
	for range n {
		select {
		case d.rings <- struct{}{}:
		default:
			return // every waiter has a ring to find
		}
	}
}

// ringAll wakes everybody.
func (d *doorbell) ringAll() { d.ring(cap(d.rings)) }

// longPollConn is a worker's connection.
type longPollConn struct {
	redis.Conn
	stop <-chan struct{}
	bell *doorbell
	// repair makes Redis answer again where it cannot for what its keys hold.
	repair func()
}

// Do waits when the command is a fetch that found nothing. A fetch that fails
// counts as one that found nothing: the pool drops the broken connection and
// makes the next one, which waits for Redis to come back.
func (c *longPollConn) Do(command string, args ...any) (any, error) {
	if !isFetch(command, args) {
		return c.Conn.Do(command, args...)
	}
	timer := time.NewTimer(pollAtMost)
	defer timer.Stop()
	for {
		answer, err := c.Conn.Do(command, args...)
		if err != nil && c.Err() != nil {
			return nil, nil //nolint:nilnil // redigo's "nothing there"
		}
		if mistyped(err) {
			c.repair()
			answer, err = c.Conn.Do(command, args...)
		}
		if err != nil || answer != nil {
			return answer, err
		}
		select {
		case <-c.bell.rings:
		case <-timer.C:
			timer.Reset(pollAtMost)
		case <-c.stop:
			return nil, nil //nolint:nilnil // redigo's "nothing there"
		}
	}
}

// isFetch knows the fetch script by its second key, which is
// <namespace>:jobs:<kind>:<pool>:inprogress.
func isFetch(command string, args []any) bool {
	if command != "EVALSHA" && command != "EVAL" || len(args) < 4 {
		return false
	}
	key, ok := args[3].(string)
	return ok && strings.HasSuffix(key, ":inprogress")
}

// workerPool is the connections of the workers. Dialling waits until Redis is
// there or ctx ends, so that workers rest instead of asking 100 times a second.
func (q *Queue) workerPool(ctx context.Context, bell *doorbell) *redis.Pool {
	gate := &gate{dial: q.dial, down: func(err error) { q.cfg.Log.Warn("redis is away; workers wait", "error", err) }, up: func() { q.cfg.Log.Info("redis is back") }}
	most := q.cfg.Workers + 8
	return &redis.Pool{MaxIdle: most, MaxActive: most + 8, Wait: true, Dial: func() (redis.Conn, error) {
		conn, err := gate.pass(ctx)
		if err != nil {
			return nil, err
		}
		return &longPollConn{Conn: conn, stop: ctx.Done(), bell: bell, repair: func() { q.repair(ctx) }}, nil
	}}
}

// gate lets dialling through one by one while Redis is away, and says once when
// it goes and once when it comes back.
type gate struct {
	dial func(context.Context) (redis.Conn, error)
	down func(error)
	up   func()

	mu     sync.Mutex
	closed bool
}

const redialEvery = 250 * time.Millisecond

func (g *gate) pass(ctx context.Context) (redis.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		// Workers that are about to stop still tell Redis what they have done.
		conn, err := g.dial(context.WithoutCancel(ctx))
		if err == nil {
			if g.closed {
				g.closed = false
				g.up()
			}
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if !g.closed {
			g.closed = true
			g.down(err)
		}
		timer := time.NewTimer(redialEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// listen rings the bell for what any process pushes. After every new
// subscription it rings for all, since a bell that nobody heard is forgotten.
func (q *Queue) listen(ctx context.Context, bell *doorbell) {
	for ctx.Err() == nil {
		if err := q.subscribe(ctx, bell); err == nil || ctx.Err() != nil {
			return
		}
		timer := time.NewTimer(redialEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// A subscription is silent while nothing happens, so that a broken one would not
// be noticed: it is asked for a sign of life.
const (
	subscriptionPing  = 10 * time.Second
	subscriptionQuiet = 25 * time.Second
)

func (q *Queue) subscribe(ctx context.Context, bell *doorbell) error {
	conn, err := q.server.dial(ctx, subscriptionQuiet)
	if err != nil {
		return err
	}
	subscription := redis.PubSubConn{Conn: conn}
	defer subscription.Close() //nolint:errcheck // it is broken or not needed any more
	if err := subscription.Subscribe(q.bellKey()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go keepAlive(ctx, subscription)
	for {
		switch m := subscription.ReceiveContext(ctx).(type) {
		case error:
			return m
		case redis.Subscription:
			bell.ringAll()
		case redis.Message:
			n, err := redis.Int(m.Data, nil)
			if err != nil {
				n = 1
			}
			bell.ring(n)
		}
	}
}

func keepAlive(ctx context.Context, subscription redis.PubSubConn) {
	ticker := time.NewTicker(subscriptionPing)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if subscription.Ping("") != nil {
				return // the receiver sees the broken connection
			}
		}
	}
}

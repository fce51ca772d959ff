// Package queue carries hints to workers: the ids of rows that may be due, and
// nothing else. It is the only package that knows gocraft/work and Redis. A hint
// that is lost costs time, not a delivery: the rows are the jobs.
package queue

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gocraft/work"
	"github.com/gomodule/redigo/redis"

	"github.com/harborhook/harborhook/src/jobservice/job"
)

// Config says which Redis and how to use it.
type Config struct {
	// URL is redis://…, rediss://… or redis+sentinel://….
	URL string
	// Namespace starts every key, so that several systems can share a Redis.
	Namespace string
	// Workers is how many hints are worked off at once.
	Workers int
	Log     *slog.Logger
}

// Queue is a priority queue of hints on Redis.
type Queue struct {
	cfg    Config
	server *server
	push   *redis.Pool
	// repairing is held by the one repair that works.
	repairing sync.Mutex
}

// Timeouts of a Redis that does not answer. redigo has none by itself.
const (
	connectTimeout = time.Second
	answerTimeout  = 3 * time.Second
)

// New returns a Queue. It does not connect: a Redis that is away shows in the
// methods.
func New(cfg Config) (*Queue, error) {
	server, err := parseServer(cfg.URL)
	if err != nil {
		return nil, err
	}
	q := &Queue{cfg: cfg, server: server}
	q.push = &redis.Pool{
		MaxIdle: 4, MaxActive: 16, Wait: true, IdleTimeout: time.Minute,
		DialContext: q.dial,
	}
	return q, nil
}

func (q *Queue) dial(ctx context.Context) (redis.Conn, error) {
	return q.server.dial(ctx, answerTimeout)
}

// Close closes the connections of Push, Waiting and Ping.
func (q *Queue) Close() error { return q.push.Close() }

// maxHint is the most ids a hint carries. A hint costs the queue and its workers
// the same however many it has, and who takes it only claims its jobs, and does not
// wait for their deliveries. Smaller hints share many jobs out among processes.
const maxHint = 16

// Push hands ids to the workers of a kind and wakes as many as are needed. It
// returns how many hints wait now, the new ones included.
func (q *Queue) Push(ctx context.Context, kind string, ids []int64) (waiting int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	hints, err := encodeHints(kind, ids)
	if err != nil {
		return 0, err
	}
	conn, err := q.push.GetContext(ctx)
	if err != nil {
		return 0, fmt.Errorf("connect to redis: %w", err)
	}
	defer conn.Close() //nolint:errcheck // gives the connection back to its pool
	// One round trip: the list's length answers how full the window is.
	if err := conn.Send("LPUSH", redis.Args{q.listKey(kind)}.AddFlat(hints)...); err != nil {
		return 0, fmt.Errorf("push %d hints: %w", len(hints), err)
	}
	if err := conn.Send("PUBLISH", q.bellKey(), len(hints)); err != nil {
		return 0, fmt.Errorf("ring: %w", err)
	}
	answers, err := redis.Values(conn.Do("")) // bounded by answerTimeout; a context would cost a goroutine for each push
	if err != nil {
		return 0, fmt.Errorf("push %d hints: %w", len(hints), err)
	}
	if len(answers) == 0 {
		return 0, errors.New("push hints: redis gave no answer")
	}
	waiting, err = redis.Int(answers[0], nil)
	if err != nil {
		return 0, fmt.Errorf("push %d hints: %w", len(hints), err)
	}
	return waiting, nil
}

// Waiting counts the hints of a kind that no worker has taken yet.
func (q *Queue) Waiting(ctx context.Context, kind string) (int, error) {
	n, err := redis.Int(q.do(ctx, "LLEN", q.listKey(kind)))
	if mistyped(err) {
		q.repair(ctx)
		n, err = redis.Int(q.do(ctx, "LLEN", q.listKey(kind)))
	}
	if err != nil {
		return 0, fmt.Errorf("count hints: %w", err)
	}
	return n, nil
}

// Ping answers nil while Redis takes commands.
func (q *Queue) Ping(ctx context.Context) error {
	if _, err := q.do(ctx, "PING"); err != nil {
		return fmt.Errorf("ping redis: %w", err)
	}
	return nil
}

func (q *Queue) do(ctx context.Context, command string, args ...any) (any, error) {
	conn, err := q.push.GetContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to redis: %w", err)
	}
	defer conn.Close() //nolint:errcheck // gives the connection back to its pool
	return redis.DoContext(conn, ctx, command, args...)
}

// The keys are gocraft/work's own, but for the bell.
func (q *Queue) listKey(kind string) string { return q.cfg.Namespace + ":jobs:" + kind }
func (q *Queue) bellKey() string            { return q.cfg.Namespace + ":bell" }

// encodeHints writes jobs as gocraft/work reads them, several ids to a job. Ids
// are strings: gocraft re-encodes numbers in Lua, which loses digits.
func encodeHints(kind string, ids []int64) ([]any, error) {
	hints := make([]any, 0, len(ids)/maxHint+1)
	now := time.Now().Unix()
	for len(ids) > 0 {
		n := min(maxHint, len(ids))
		text := make([]string, n)
		for i, id := range ids[:n] {
			text[i] = strconv.FormatInt(id, 10)
		}
		ids = ids[n:]
		raw, err := json.Marshal(work.Job{Name: kind, ID: newHintID(), EnqueuedAt: now, Args: work.Q{argIDs: strings.Join(text, ",")}})
		if err != nil {
			return nil, fmt.Errorf("encode a hint: %w", err)
		}
		hints = append(hints, raw)
	}
	return hints, nil
}

const argIDs = "ids"

func newHintID() string {
	id := make([]byte, 12)
	rand.Read(id) // never fails; it ends the program instead
	return hex.EncodeToString(id)
}

// decodeHint reads what encodeHints wrote. Whatever else somebody has put into
// the list yields an error.
func decodeHint(args map[string]any) ([]int64, error) {
	text, ok := args[argIDs].(string)
	if !ok {
		return nil, errors.New("a hint without ids")
	}
	var ids []int64
	for part := range strings.SplitSeq(text, ",") {
		id, err := strconv.ParseInt(part, 10, 64)
		if err != nil || len(ids) == maxHint {
			return nil, errors.New("a hint with malformed ids")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Run works hints off until ctx ends. It then takes no more and returns when the
// workers are done with theirs.
func (q *Queue) Run(ctx context.Context, kinds ...job.Interface) error {
	bell := newDoorbell(q.cfg.Workers)
	workers := q.workerPool(ctx, bell)
	defer workers.Close() //nolint:errcheck // nothing is written to it any more

	q.checkEviction(ctx)
	q.repair(ctx)
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		q.listen(ctx, bell)
	}()
	// Workers must finish what they have begun, so they do not see ctx's end.
	running := context.WithoutCancel(ctx)
	pool := work.NewWorkerPool(struct{}{}, uint(q.cfg.Workers), q.cfg.Namespace, workers)
	for _, kind := range kinds {
		// The row counts the tries and knows when the next is due, so gocraft's
		// own retry and dead sets, which can lose a job, are not used.
		options := work.JobOptions{Priority: kind.Priority(), MaxFails: 1, SkipDead: true}
		pool.JobWithOptions(kind.Name(), options, func(j *work.Job) error {
			ids, err := decodeHint(j.Args)
			if err != nil {
				q.cfg.Log.Warn("dropped a malformed hint", "kind", kind.Name(), "error", err)
				return nil
			}
			kind.Run(running, ids)
			return nil
		})
	}
	pool.Start()
	<-ctx.Done()
	pool.Stop()
	<-listening
	return nil
}

// checkEviction warns of a Redis that drops keys when its memory is full: hints
// that are dropped cost seconds each. One that is away, or does not tell, is left
// alone.
func (q *Queue) checkEviction(ctx context.Context) {
	answer, err := redis.Strings(q.do(ctx, "CONFIG", "GET", "maxmemory-policy"))
	if err != nil || len(answer) != 2 || answer[1] == "noeviction" {
		return
	}
	q.cfg.Log.Warn("redis drops keys when its memory is full, and with them hints, so that deliveries come late; set its maxmemory-policy to noeviction",
		"maxmemory_policy", answer[1])
}

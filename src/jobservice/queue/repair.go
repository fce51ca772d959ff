package queue

import (
	"context"
	"fmt"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// mistyped knows the answers of a Redis in which a key holds something else than
// it should, so that every command on it fails for ever.
func mistyped(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "WRONGTYPE") || strings.Contains(err.Error(), "is not an integer"))
}

// types are those of gocraft/work's keys, by how their names end behind the
// namespace, the longest first where ends overlap.
var types = [][2]string{
	{":inprogress", "list"},
	{":lock_info", "hash"},
	{":lock", "string"},
	{":max_concurrency", "string"},
	{":paused", "string"},
	{"known_jobs", "set"},
	{"last_periodic_enqueue", "string"},
	{"retry", "zset"},
	{"scheduled", "zset"},
	{"dead", "zset"},
	{"worker_pools", "set"},
}

// typeOf returns the type that a key must have, by its name behind the namespace.
func typeOf(name string) string {
	for _, t := range types {
		if strings.HasSuffix(name, t[0]) {
			return t[1]
		}
	}
	if strings.HasPrefix(name, "jobs:") {
		return "list"
	}
	return "hash" // worker_pools:<id>, worker:<id>
}

// repair removes the keys of the namespace that have another type than they must,
// and the counters of running jobs, which nothing here goes by. Nothing in Redis is
// needed, and hints that are lost are found again. One call at a time works.
func (q *Queue) repair(ctx context.Context) {
	if !q.repairing.TryLock() {
		return
	}
	defer q.repairing.Unlock()
	keys, err := q.keys(ctx)
	for _, key := range keys {
		if err != nil {
			break
		}
		err = q.repairKey(ctx, key)
	}
	if err != nil && ctx.Err() == nil {
		q.cfg.Log.Warn("cannot repair the queue; it is tried again", "error", err)
	}
}

// keys lists the namespace's.
func (q *Queue) keys(ctx context.Context) (keys []string, err error) {
	for cursor := "0"; ; {
		page, err := redis.Values(q.do(ctx, "SCAN", cursor, "MATCH", q.cfg.Namespace+":*", "COUNT", 1000))
		if err != nil {
			return nil, fmt.Errorf("list keys: %w", err)
		}
		var some []string
		if _, err := redis.Scan(page, &cursor, &some); err != nil {
			return nil, fmt.Errorf("list keys: %w", err)
		}
		if keys = append(keys, some...); cursor == "0" {
			return keys, nil
		}
	}
}

func (q *Queue) repairKey(ctx context.Context, key string) error {
	name := strings.TrimPrefix(key, q.cfg.Namespace+":")
	is, err := redis.String(q.do(ctx, "TYPE", key))
	if err != nil {
		return fmt.Errorf("type of a key: %w", err)
	}
	must, counter := typeOf(name), strings.HasSuffix(name, ":lock") || strings.HasSuffix(name, ":lock_info")
	if is == "none" || is == must && !counter {
		return nil
	}
	if _, err := q.do(ctx, "DEL", key); err != nil {
		return fmt.Errorf("remove a key: %w", err)
	}
	if is != must {
		q.cfg.Log.Warn("removed a key of the queue that held something else", "key", key, "type", is, "want", must)
	}
	return nil
}

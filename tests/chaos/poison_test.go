package chaos

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// Whatever stands in the keys of the queue, deliveries go on. The namespace has
// keys of its own, and those that the queue's library would use.
func TestPoisonInTheQueueStopsNothing(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	w := newWorld(t, harness.Production, size)
	run(t, scenario{promise: 18, name: "poison in every key of Redis", within: stuckAfter, onceOnly: true, faults: func(t *testing.T, w *world) string {
		t.Helper()
		w.pause()
		keys := w.queueKeys()
		for _, key := range keys {
			w.poison(key)
		}
		w.pause()
		for _, key := range keys {
			w.mistype(key)
		}
		// The first events after that wait for nothing but a repair.
		<-time.After(5 * w.between)
		for _, name := range []string{"jobservice", "jobservice-2"} { // and it may happen before a start
			w.Process(name).Stop()
			for _, key := range keys {
				w.mistype(key)
			}
			w.Process(name).Start()
		}
		<-time.After(2 * w.between)
		return fmt.Sprintf("malformed members and wrong types in %d keys", len(keys))
	}}, w)
}

// queueKeys are those that there are, and those that there may be.
func (w *world) queueKeys() []string {
	keys := w.redis.Texts("KEYS", "*")
	namespace, _, _ := strings.Cut(keys[0], ":")
	seen := map[string]bool{}
	for _, key := range keys {
		seen[key] = true
	}
	for _, name := range []string{
		"jobs:WEBHOOK", "jobs:PURGE", "jobs:WEBHOOK:lock", "jobs:WEBHOOK:lock_info", "retry", "scheduled", "dead", "known_jobs", "worker_pools",
		"last_periodic_enqueue",
	} {
		if key := namespace + ":" + name; !seen[key] {
			keys = append(keys, key)
		}
	}
	return keys
}

// poison puts something into a key that its reader cannot understand.
func (w *world) poison(key string) {
	const garbage = "{not json"
	kind := fmt.Sprintf("%s", w.redis.Do("TYPE", key))
	switch {
	case kind == "list" || strings.HasSuffix(key, ":inprogress") || strings.HasSuffix(key, "jobs:WEBHOOK") || strings.HasSuffix(key, "jobs:PURGE"):
		w.redis.Do("LPUSH", key, garbage, "", `{"name":"WEBHOOK","args":{"ids":"x,y"}}`, `{"name":"WEBHOOK","args":{"ids":7}}`, `{"name":"nobody","args":null}`)
		w.redis.Do("RPUSH", key, garbage)
	case kind == "set" || strings.HasSuffix(key, "known_jobs") || strings.HasSuffix(key, "worker_pools"):
		w.redis.Do("SADD", key, garbage)
	case kind == "hash" || strings.HasSuffix(key, "lock_info"):
		w.redis.Do("HSET", key, garbage, garbage, "heartbeat_at", garbage)
	case kind == "zset" || strings.HasSuffix(key, "retry") || strings.HasSuffix(key, "scheduled") || strings.HasSuffix(key, "dead"):
		w.redis.Do("ZADD", key, 1, garbage)
	default:
		w.redis.Do("SET", key, garbage)
	}
}

// mistype makes a key one of a type that it never has.
func (w *world) mistype(key string) {
	script := "redis.call('DEL', KEYS[1]); redis.call('ZADD', KEYS[1], 1, 'not this type')"
	if strings.HasSuffix(key, ":retry") || strings.HasSuffix(key, ":scheduled") || strings.HasSuffix(key, ":dead") {
		script = "redis.call('DEL', KEYS[1]); redis.call('HSET', KEYS[1], 'not', 'a sorted set')"
	}
	w.redis.Do("EVAL", script, 1, key)
}

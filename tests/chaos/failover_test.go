package chaos

import (
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// A Redis that sentinels watch fails over to its replica, over TLS and with passwords
// everywhere; it costs the time until a new master is chosen.
func TestARedisThatFailsOverLosesNothing(t *testing.T) {
	t.Parallel()
	harness.Require(t, "redis-server")
	size := chosen(t)
	redis := harness.NewReplicatedRedis(t)
	w := newServers(t, size)
	w.redis = redis.Redis
	w.start(t, w.database, nil, harness.Settings{"REDIS_URL": redis.URL(), "SSL_CERT_FILE": redis.Authority})
	run(t, scenario{promise: 3, name: "Redis fails over to its replica", within: 30 * time.Second, onceOnly: true, faults: func(_ *testing.T, w *world) string {
		return "sentinel × " + w.each(func(int) { redis.FailOver() })
	}}, w)
}

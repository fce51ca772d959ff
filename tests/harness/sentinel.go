package harness

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Replicated is a Redis with a replica, and a sentinel that makes the replica the
// master when the master is gone. All of them take TLS and a password only.
type Replicated struct {
	// Redis is the first master.
	*Redis
	replica, sentinel *Redis
	// Authority is the file of the certificate that signed theirs.
	Authority string

	password, sentinelPassword string
}

const (
	masterName = "main"
	// downAfter is how long the sentinel gives a master that does not answer.
	downAfter = time.Second
)

// NewReplicatedRedis starts all of them for one test.
func NewReplicatedRedis(t T) *Replicated {
	t.Helper()
	dir := folder(t)
	certificate, key := newCertificate(t, dir)
	r := &Replicated{Authority: certificate, password: secret(), sentinelPassword: secret()}
	options := []redis.DialOption{redis.DialUseTLS(true), redis.DialTLSConfig(&tls.Config{RootCAs: trusting(t, certificate)})}
	start := func(name, password string, args ...string) *Redis {
		addr := FreeAddr(t)
		host, port, _ := net.SplitHostPort(addr)
		return newRedis(t, name, addr, append(slices.Clone(options), redis.DialPassword(password)), append(args,
			"--bind", host, "--port", "0", "--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", key,
			"--tls-ca-cert-file", certificate, "--tls-auth-clients", "no", "--tls-replication", "yes", "--requirepass", password))
	}
	r.Redis = start("redis", r.password, append(forgetful, "--masterauth", r.password, "--repl-diskless-sync-delay", "0")...)
	host, port, _ := net.SplitHostPort(r.Addr)
	r.replica = start("redis-2", r.password, append(forgetful, "--masterauth", r.password, "--replicaof", host, port)...)

	config := filepath.Join(dir, "sentinel.conf") // it writes to it
	if err := os.WriteFile(config, fmt.Appendf(nil, sentinelConfig, masterName, host, port, r.password, downAfter.Milliseconds()), 0o600); err != nil {
		t.Fatalf("write the sentinel's configuration: %v", err)
	}
	r.sentinel = start("sentinel", r.sentinelPassword, config, "--sentinel")
	Eventually(t, startLimit, "the sentinel to know the replica", func() bool {
		replicas, err := redis.Values(r.sentinel.do("SENTINEL", "replicas", masterName))
		return err == nil && len(replicas) == 1 && strings.Contains(fmt.Sprintf("%s", replicas[0]), "master-link-status ok")
	})
	return r
}

const sentinelConfig = `sentinel monitor %[1]s %[2]s %[3]s 1
sentinel auth-pass %[1]s %[4]s
sentinel down-after-milliseconds %[1]s %[5]d
sentinel failover-timeout %[1]s 5000
`

// URL leads to the master that the sentinel names.
func (r *Replicated) URL() string {
	return "rediss+sentinel://:" + r.password + "@" + r.sentinel.Addr + "/" + masterName + "/0?sentinel_password=" + r.sentinelPassword
}

// FailOver kills the master, waits until the replica has taken its place, and starts
// the old one again, which becomes the replica.
func (r *Replicated) FailOver() {
	r.t.Helper()
	r.Stop()
	Eventually(r.t, startLimit, "the replica to be the master", func() bool { return r.replica.role() == "master" })
	r.Start()
	Eventually(r.t, startLimit, "the old master to be a replica", func() bool { return r.role() == "slave" })
	r.Redis.Addr, r.replica.Addr = r.replica.Addr, r.Redis.Addr
	r.Redis.process, r.replica.process = r.replica.process, r.Redis.process
}

// role is what the server says that it is.
func (r *Redis) role() string {
	answer, err := redis.Values(r.do("ROLE"))
	if err != nil || len(answer) == 0 {
		return fmt.Sprint(errors.Join(err, errors.New("no role")))
	}
	return fmt.Sprintf("%s", answer[0])
}

package harness

import (
	"context"
	"net"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Redis is a Redis server that keeps nothing on disk.
type Redis struct {
	t       T
	Addr    string
	process *Process // nil if the server is somebody else's
}

// NewRedis starts a server of the test's own.
func NewRedis(t T) *Redis {
	t.Helper()
	r := &Redis{t: t, Addr: FreeAddr(t)}
	host, port, _ := net.SplitHostPort(r.Addr)
	r.process = newProcess(t, command{
		name: "redis", path: findProgram("redis-server"), dir: folder(t),
		args:  []string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"},
		ready: func(context.Context) error { return r.do("PING") },
	})
	r.process.Start()
	return r
}

// URL returns the server's address as the program takes it.
func (r *Redis) URL() string { return "redis://" + r.Addr + "/0" }

func (r *Redis) do(name string) error {
	conn, err := redis.Dial("tcp", r.Addr, redis.DialConnectTimeout(time.Second), redis.DialReadTimeout(5*time.Second))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Do(name)
	return err
}

// FlushAll makes the server forget everything.
func (r *Redis) FlushAll() {
	r.t.Helper()
	if err := r.do("FLUSHALL"); err != nil {
		r.t.Fatalf("FLUSHALL: %v", err)
	}
}

// Stop stops the server; it forgets everything.
func (r *Redis) Stop() {
	r.t.Helper()
	r.process.Kill9()
}

// Start starts the server again, empty.
func (r *Redis) Start() {
	r.t.Helper()
	r.process.Start()
}

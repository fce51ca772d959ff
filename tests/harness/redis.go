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
		args: []string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"},
		ready: func(context.Context) error {
			_, err := r.do("PING")
			return err
		},
	})
	r.process.Start()
	return r
}

// URL returns the server's address as the program takes it.
func (r *Redis) URL() string { return "redis://" + r.Addr + "/0" }

func (r *Redis) do(name string, args ...any) (any, error) {
	conn, err := redis.Dial("tcp", r.Addr, redis.DialConnectTimeout(time.Second), redis.DialReadTimeout(5*time.Second))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.Do(name, args...)
}

// Do sends a command and returns its answer.
func (r *Redis) Do(name string, args ...any) any {
	r.t.Helper()
	answer, err := r.do(name, args...)
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	return answer
}

// Texts is Do for an answer that is a list of texts.
func (r *Redis) Texts(name string, args ...any) []string {
	r.t.Helper()
	texts, err := redis.Strings(r.do(name, args...))
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	return texts
}

// FlushAll makes the server forget everything.
func (r *Redis) FlushAll() {
	r.t.Helper()
	r.Do("FLUSHALL")
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

// Process is the server's process.
func (r *Redis) Process() *Process { return r.process }

package harness

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Redis is a Redis server that keeps nothing on disk.
type Redis struct {
	t       T
	Addr    string
	process *Process // nil if the server is somebody else's
	// options are what its connections need besides.
	options []redis.DialOption
}

// NewRedis starts a server of the test's own.
func NewRedis(t T) *Redis {
	t.Helper()
	addr := FreeAddr(t)
	host, port, _ := net.SplitHostPort(addr)
	return newRedis(t, "redis", addr, nil, append([]string{"--bind", host, "--port", port}, forgetful...))
}

// forgetful are the arguments of a server that keeps nothing on disk.
var forgetful = []string{"--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"}

func newRedis(t T, name, addr string, options []redis.DialOption, args []string) *Redis {
	t.Helper()
	r := &Redis{t: t, Addr: addr, options: options}
	r.process = newProcess(t, command{
		name: name, path: findProgram("redis-server"), dir: folder(t), args: args,
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
	options := append(slices.Clone(r.options), redis.DialConnectTimeout(time.Second), redis.DialReadTimeout(5*time.Second))
	conn, err := redis.Dial("tcp", r.Addr, options...)
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

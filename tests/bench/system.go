package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// shape is how harborhook is run.
type shape string

const (
	// standalone is one process, over SQLite.
	standalone shape = "standalone"
	// production is one core and one jobservice, over PostgreSQL and Redis.
	production shape = "production"
	// barely is not harborhook, but the least that any such system does: the program of
	// package bare, over PostgreSQL.
	barely shape = "bare"
)

// system is one running harborhook with what it needs.
type system struct {
	shape shape
	// processes are in the order in which they were started.
	processes []*process
	// debug are the addresses of profiles by the process's name.
	debug map[string]string
	core  string // base URL
	// registry is the base URL of the registry in the process, if there is one.
	registry string
	// database is where the tables are: a URL of PostgreSQL, or a file.
	database string
	token    string
	password string
}

// startSystem starts a shape with its data in dir, which it makes, and with further
// settings. Stop it also if it fails.
func startSystem(ctx context.Context, s shape, binary, dir string, settings ...string) (*system, error) {
	sys := &system{shape: s, debug: map[string]string{}, token: rand.Text(), password: rand.Text()}
	if err := os.Mkdir(dir, 0o711); err != nil {
		return sys, err
	}
	free, err := freeAddresses(ctx, 7)
	if err != nil {
		return sys, err
	}
	sys.core = "http://" + free[0]
	env := slices.Concat(settings, []string{
		"HARBORHOOK_CORE_ADDR=" + free[0], "HARBORHOOK_JOBSERVICE_ADDR=" + free[1],
		"HARBORHOOK_ADMIN_PASSWORD=" + sys.password, "HARBORHOOK_NOTIFICATION_TOKEN=" + sys.token,
		"HARBORHOOK_ALLOWED_NETWORKS=loopback",
	})
	if s == barely {
		return sys, sys.startBare(ctx, dir, free)
	}
	if s == standalone {
		sys.registry = "http://" + free[2]
		sys.database = filepath.Join(dir, "data", "harborhook.db")
		env = append(env, "HARBORHOOK_DATA_DIR="+filepath.Join(dir, "data"), "HARBORHOOK_REGISTRY_ADDR="+free[2], "HARBORHOOK_LOG_FORMAT=json")
		return sys, sys.startHarborhook(ctx, "standalone", binary, dir, free[3], sys.core+"/readyz", env)
	}
	return sys, sys.startProduction(ctx, binary, dir, free, env)
}

func (s *system) startProduction(ctx context.Context, binary, dir string, free, env []string) error {
	postgres, databaseURL, err := startPostgres(ctx, dir, free[5])
	if err != nil {
		return err
	}
	s.processes, s.database = append(s.processes, postgres), databaseURL
	redis, redisURL, err := startRedis(ctx, dir, free[6])
	if err != nil {
		return err
	}
	s.processes = append(s.processes, redis)
	key := make([]byte, 32)
	rand.Read(key)
	env = append(env,
		"HARBORHOOK_DATABASE_URL="+databaseURL, "HARBORHOOK_REDIS_URL="+redisURL, "HARBORHOOK_JOBSERVICE_URL=http://"+free[1],
		"HARBORHOOK_SECRET="+rand.Text(), "HARBORHOOK_ENCRYPTION_KEY="+base64.StdEncoding.EncodeToString(key),
		"HARBORHOOK_EXTERNAL_REGISTRY=registry.example.com")
	if err := s.startHarborhook(ctx, "core", binary, dir, free[3], s.core+"/readyz", env); err != nil {
		return err
	}
	return s.startHarborhook(ctx, "jobservice", binary, dir, free[4], "http://"+free[1]+"/readyz", env)
}

// startBare starts this program once more, as what harborhook is compared with.
func (s *system) startBare(ctx context.Context, dir string, free []string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	postgres, databaseURL, err := startPostgres(ctx, dir, free[5])
	if err != nil {
		return err
	}
	s.processes, s.database = append(s.processes, postgres), databaseURL
	p, err := start(string(barely), dir, syscall.SIGTERM, nil, nil, program, string(barely), free[0], databaseURL)
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	return p.ready(ctx, answersOK(s.core+"/readyz"))
}

// startHarborhook starts one command of the binary and waits until it is ready.
func (s *system) startHarborhook(ctx context.Context, command, binary, dir, debug, ready string, env []string) error {
	s.debug[command] = "http://" + debug
	p, err := start(command, dir, syscall.SIGTERM, nil, append(slices.Clone(env), "HARBORHOOK_DEBUG_ADDR="+debug), binary, command)
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	return p.ready(ctx, answersOK(ready))
}

// answersOK returns what asks a URL and fails unless it answers 200.
func answersOK(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answered %d", url, resp.StatusCode)
		}
		return nil
	}
}

// stop stops everything, the last started first.
func (s *system) stop() {
	for _, p := range slices.Backward(s.processes) {
		p.stop()
	}
	s.processes = nil
}

// peaks is the most memory that each process has held, in bytes.
func (s *system) peaks() ([]int64, error) {
	proc := procFS{os.DirFS("/proc")}
	peaks := make([]int64, len(s.processes))
	for i, p := range s.processes {
		var err error
		if peaks[i], err = proc.peak(p.pid()); err != nil {
			return nil, fmt.Errorf("memory of %s: %w", p.name, err)
		}
	}
	return peaks, nil
}

func (s *system) names() []string {
	names := make([]string, len(s.processes))
	for i, p := range s.processes {
		names[i] = p.name
	}
	return names
}

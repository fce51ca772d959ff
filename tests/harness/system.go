package harness

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/openapi"
)

// The shapes of the system.
const (
	Standalone = "standalone"
	Production = "production"
)

// Settings are environment variables of the program, without HARBORHOOK_; those of
// OpenTelemetry, which begin with OTEL_, stand as they are.
type Settings map[string]string

// quick makes waits short enough for tests: four attempts take about a second.
func quick() Settings {
	return Settings{"RETRY_BACKOFF": "200ms,300ms,400ms", "CIRCUIT_PROBE": "500ms"}
}

// System is the whole system in one shape.
type System struct {
	// Shape is Standalone or Production.
	Shape string
	// CoreURL is where Core answers.
	CoreURL string
	// JobServiceAddr is where the first JobService answers.
	JobServiceAddr string
	// Patience is how long TryNotify waits for an answer; 0: as long as any call.
	Patience time.Duration
	// Registry is the registry's host and port.
	Registry string
	// Operator is the name under which the registry knows who signs in as admin:
	// nobody in production, where the registry asks for no password.
	Operator string
	// Admin is the API for the system admin.
	Admin *Client
	// Token is the bearer token of the notification endpoint.
	Token string
	// ComponentToken is the one with which other components of Harbor tell events.
	ComponentToken string

	t        T
	document *openapi.Document
	password string
	// secrets are all that were used; nobody but who must may see them (G20).
	secrets *secrets
	// DataDir is the folder of a standalone system.
	DataDir string
	// RegistryProcess is the registry of a production system of its own, or nil.
	RegistryProcess *Process

	// settings and binary are what another process of the program needs; only holds
	// what is set for one kind of process.
	settings []Settings
	only     map[string]Settings
	binary   string
	// processes are the program's, in the order of their start.
	processes []*Process
}

// Password is admin's.
func (s *System) Password() string { return s.password }

// Processes names the program's processes, for Stop, Kill9 and Start.
func (s *System) Processes() []string {
	names := make([]string, len(s.processes))
	for i, p := range s.processes {
		names[i] = p.spec.name
	}
	return names
}

// Deliverer names the process that sends webhooks.
func (s *System) Deliverer() string { return s.processes[len(s.processes)-1].spec.name }

// Process returns a process of the program by its name.
func (s *System) Process(name string) *Process {
	i := slices.IndexFunc(s.processes, func(p *Process) bool { return p.spec.name == name })
	return s.processes[i]
}

// Standalone returns the running standalone system that all tests share.
func (s *Suite) Standalone(t testing.TB) *System {
	t.Helper()
	binary := s.Binary(t)
	return s.standalone.get(t, "standalone system", func() *System {
		return newStandalone(s, binary, quick())
	})
}

// Production returns the running production system that all tests share.
func (s *Suite) Production(t testing.TB) *System {
	t.Helper()
	Require(t, "docker-registry")
	binary, postgres, redis := s.Binary(t), s.Postgres(t), s.Redis(t)
	return s.production.get(t, "production system", func() *System {
		system := newProduction(s, binary, postgres.NewDatabase(s), redis, quick(), nil)
		newRegistry(s, system.Registry, system.CoreURL, system.Token, true)
		return system
	})
}

// StartStandalone starts a standalone system that lives as long as the suite.
func (s *Suite) StartStandalone(t testing.TB, settings Settings) *System {
	t.Helper()
	return newStandalone(s, s.Binary(t), settings)
}

// StartProduction starts a production system that lives as long as the suite, and
// has no registry: tests play it.
func (s *Suite) StartProduction(t testing.TB, settings Settings) *System {
	t.Helper()
	binary, postgres, redis := s.Binary(t), s.Postgres(t), s.Redis(t)
	return newProduction(s, binary, postgres.NewDatabase(s), redis, settings, nil)
}

// NewStandalone starts a standalone system for one test.
func (s *Suite) NewStandalone(t testing.TB, settings Settings) *System {
	t.Helper()
	return newStandalone(t, s.Binary(t), settings)
}

// NewProduction starts a production system for one test, over a database and a
// Redis, and without a registry: the test plays it.
func (s *Suite) NewProduction(t testing.TB, databaseURL string, redis *Redis, settings Settings) *System {
	t.Helper()
	return newProduction(t, s.Binary(t), databaseURL, redis, settings, nil)
}

// NewShipped starts a system of either shape for one test, of the program as users
// have it: what it takes is what it takes there.
func (s *Suite) NewShipped(t testing.TB, shape string, settings Settings) *System {
	t.Helper()
	binary := s.Shipped(t)
	if shape == Standalone {
		return newStandalone(t, binary, settings)
	}
	return newProduction(t, binary, s.Postgres(t).NewDatabase(t), s.Redis(t), settings, nil)
}

// NewWiredProduction is NewProduction with settings for only one kind of process,
// "core" or "jobservice", so that each can reach the others its own way.
func (s *Suite) NewWiredProduction(t testing.TB, databaseURL string, redis *Redis, settings Settings, only map[string]Settings) *System {
	t.Helper()
	return newProduction(t, s.Binary(t), databaseURL, redis, settings, only)
}

// NewProductionWithRegistry is NewProduction over the shared servers, with a registry
// that tells Core of all it gets.
func (s *Suite) NewProductionWithRegistry(t testing.TB, settings Settings) *System {
	t.Helper()
	Require(t, "docker-registry")
	binary, postgres, redis := s.Binary(t), s.Postgres(t), s.Redis(t)
	system := newProduction(t, binary, postgres.NewDatabase(t), redis, settings, nil)
	system.RegistryProcess = newRegistry(t, system.Registry, system.CoreURL, system.Token, true)
	return system
}

// NewReadingProduction starts a production system for one test whose registry does
// not describe what it tells of: Core reads from it.
func (s *Suite) NewReadingProduction(t testing.TB, settings Settings) *System {
	t.Helper()
	Require(t, "docker-registry")
	binary, postgres, redis := s.Binary(t), s.Postgres(t), s.Redis(t)
	addr := FreeAddr(t)
	reading := Settings{"REGISTRY_URL": "http://" + addr, "EXTERNAL_REGISTRY": addr}
	maps.Copy(reading, settings)
	system := newProduction(t, binary, postgres.NewDatabase(t), redis, reading, nil)
	system.Registry = addr
	system.RegistryProcess = newRegistry(t, addr, system.CoreURL, system.Token, false)
	return system
}

func newStandalone(t T, binary string, settings Settings) *System {
	t.Helper()
	core, registry := FreeAddr(t), FreeAddr(t)
	s := newSystem(t, Standalone, core, registry)
	s.Operator, s.DataDir, s.JobServiceAddr = "admin", settings["DATA_DIR"], FreeAddr(t)
	if s.DataDir == "" {
		s.DataDir = folder(t)
	}
	t.Cleanup(func() { s.searchFiles(t) })
	s.start(t, binary, Standalone, Standalone, "http://"+core, Settings{
		"DATA_DIR": s.DataDir, "CORE_ADDR": core, "JOBSERVICE_ADDR": s.JobServiceAddr, "REGISTRY_ADDR": registry,
		"ADMIN_PASSWORD": s.password, "NOTIFICATION_TOKEN": s.Token, "COMPONENT_TOKEN": s.ComponentToken,
	}, settings)
	s.keepGenerated(t)
	return s
}

func newProduction(t T, binary, databaseURL string, redis *Redis, settings Settings, only map[string]Settings) *System {
	t.Helper()
	core, jobService, registry := FreeAddr(t), FreeAddr(t), FreeAddr(t)
	s := newSystem(t, Production, core, registry)
	s.JobServiceAddr, s.only = jobService, only
	common := Settings{
		"DATABASE_URL": databaseURL, "REDIS_URL": redis.URL(), "REDIS_NAMESPACE": "test-" + secret()[:8],
		"SECRET": secret(), "ENCRYPTION_KEY": base64.StdEncoding.EncodeToString([]byte(secret()[:32])),
		"CORE_ADDR": core, "JOBSERVICE_ADDR": jobService, "JOBSERVICE_URL": "http://" + jobService,
		"EXTERNAL_REGISTRY": registry, "NOTIFICATION_TOKEN": s.Token, "COMPONENT_TOKEN": s.ComponentToken,
		"ADMIN_PASSWORD": s.password, "ALLOWED_NETWORKS": "loopback,private",
	}
	t.Cleanup(func() {
		s.searchDatabase(t, databaseURL)
		s.searchRedis(t, redis, common["REDIS_NAMESPACE"])
	})
	s.start(t, binary, "core", "core", "http://"+core, common, settings)
	s.start(t, binary, "jobservice", "jobservice", "http://"+jobService, common, settings)
	s.binary, s.settings = binary, []Settings{common, settings}
	return s
}

func newSystem(t T, shape, core, registry string) *System {
	t.Helper()
	document, err := openapi.Load()
	if err != nil {
		t.Fatalf("%v", err)
	}
	s := &System{t: t, document: document, secrets: newSecrets(), Shape: shape, CoreURL: "http://" + core, Registry: registry, password: secret(), Token: secret(), ComponentToken: secret()}
	s.Admin = s.As("admin", s.password)
	return s
}

// Replicate starts a second Core and a second JobService of a production system,
// core-2 and jobservice-2, and returns a view of the system through them.
func (s *System) Replicate(t T) *System {
	t.Helper()
	core, jobService := FreeAddr(t), FreeAddr(t)
	second := *s
	second.CoreURL, second.JobServiceAddr = "http://"+core, jobService
	second.Admin = second.As("admin", s.password)
	own := Settings{"CORE_ADDR": core, "JOBSERVICE_ADDR": jobService, "JOBSERVICE_URL": "http://" + jobService}
	settings := append(slices.Clone(s.settings), own)
	s.start(t, s.binary, "core", "core-2", "http://"+core, settings...)
	s.start(t, s.binary, "jobservice", "jobservice-2", "http://"+jobService, settings...)
	second.processes = s.processes
	return &second
}

// start starts a process of the program, in a shape, and waits until it says that
// it is ready.
func (s *System) start(t T, binary, shape, name, url string, settings ...Settings) {
	t.Helper()
	merged := Settings{}
	for _, given := range append(settings, s.only[shape]) {
		maps.Copy(merged, given)
	}
	env := make([]string, 0, len(merged))
	for variable, value := range merged {
		s.secrets.configured(variable, value)
		if !strings.HasPrefix(variable, "OTEL_") && variable != "SSL_CERT_FILE" {
			variable = "HARBORHOOK_" + variable
		}
		env = append(env, variable+"="+value)
	}
	var p *Process
	dir := folder(t)
	t.Cleanup(func() { s.secrets.none(t, "the log of "+name, p.Log()) }) // once it has ended
	p = newProcess(t, command{name: name, path: binary, args: []string{shape}, env: env, dir: dir, ready: answers(url + "/readyz")})
	p.Start()
	s.processes = append(s.processes, p)
}

// Command runs a command of the program to its end, where and as the system's first
// process runs, and returns what it prints.
func (s *System) Command(t T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	first := s.processes[0].spec
	cmd := exec.CommandContext(ctx, first.path, args...)
	cmd.Dir, cmd.Env = first.dir, append(os.Environ(), first.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

// As returns the API for a user; an empty name is an anonymous caller.
func (s *System) As(username, password string) *Client {
	s.secrets.person(username, password)
	return &Client{base: s.CoreURL, username: username, password: password, document: s.document, secrets: s.secrets, t: s.t}
}

// secret returns a random text of 40 characters.
func secret() string {
	random := make([]byte, 20)
	rand.Read(random)
	return hex.EncodeToString(random)
}

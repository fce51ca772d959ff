package dashboard

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// site is a running production with an endpoint that answers, what can be broken, and
// who watches it.
type site struct {
	t        *testing.T
	system   *harness.System
	postgres *harness.Postgres
	redis    *harness.Redis
	registry *registry
	watcher  *prometheus
}

// pace makes waits so much shorter as the clock of Prometheus runs faster: as in a
// production with its defaults, an endpoint that does not answer is tried more often
// than the rates of the dashboard look back.
func pace() harness.Settings {
	return harness.Settings{
		"RETRY_BACKOFF": "200ms,300ms,400ms", "CIRCUIT_PROBE": "500ms", "RECONCILE_INTERVAL": "100ms", "LOG_LEVEL": "warn",
	}
}

func newSite(t *testing.T, st state) *site {
	t.Helper()
	s := &site{t: t, postgres: suite.Postgres(t), redis: suite.Redis(t)}
	if st.alone {
		s.postgres, s.redis = harness.NewPostgres(t), harness.NewRedis(t)
	}
	settings := pace()
	for name, v := range st.settings {
		settings[name] = v
	}
	s.system = suite.NewProduction(t, s.postgres.NewDatabase(t), s.redis, settings)
	s.system.Patience = 5 * time.Second
	s.policy("all", harness.NewReceiver(t).URL)
	s.registry = newRegistry(s.system)
	s.watcher = newPrometheus(t, strings.TrimPrefix(s.system.CoreURL, "http://"), s.system.JobServiceAddr)
	return s
}

func (s *site) policy(name, target string) {
	s.t.Helper()
	s.system.Admin.CreatePolicy(s.t, "library", harness.Policy{Name: name, HookTypes: []string{"pushImage"}, Target: target})
}

const (
	// stepTakes is how long a step takes, or longer if the machine is slow.
	stepTakes = 250 * time.Millisecond
	// pushesAStep is what the registry tells in a step.
	pushesAStep = 2
)

// pass makes steps: in each, events come, and then processes are scraped. Nothing but
// steps moves the clock of Prometheus, so that a slow machine does not make a rate 0.
func (s *site) pass(steps int) {
	s.t.Helper()
	ticker := time.NewTicker(stepTakes)
	defer ticker.Stop()
	for range steps {
		for range pushesAStep {
			s.registry.tell()
		}
		<-ticker.C
		s.watcher.scrape()
	}
}

// registry tells of one push after the other, and repeats what is not taken.
type registry struct {
	system harness.System
	next   harness.Push
}

func newRegistry(s *harness.System) *registry {
	return &registry{system: *s, next: harness.NewPush("library/app", "v1")}
}

func (r *registry) tell() {
	reply, err := r.system.TryNotify(r.next)
	if err == nil && reply.Status == http.StatusOK {
		r.next = harness.NewPush("library/app", "v1")
	}
}

// slow is an endpoint that takes its time.
func slow(t *testing.T) *harness.Receiver {
	t.Helper()
	r := harness.NewReceiver(t)
	r.Answer(func(int, harness.Delivery) harness.Answer {
		answer := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(answer) })
		return harness.Answer{After: answer}
	})
	return r
}

// refusing is an endpoint that answers 500.
func refusing(t *testing.T) *harness.Receiver {
	t.Helper()
	r := harness.NewReceiver(t)
	r.Answer(func(int, harness.Delivery) harness.Answer {
		return harness.Answer{Status: http.StatusInternalServerError}
	})
	return r
}

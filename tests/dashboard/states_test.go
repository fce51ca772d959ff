package dashboard

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// suite holds the program, and a PostgreSQL and a Redis that nobody breaks.
var suite harness.Suite

func TestMain(m *testing.M) { os.Exit(suite.Run(m)) }

// The steps that are made.
const (
	// calm is how many before something breaks.
	calm = 20
	// broken is how many after, before anybody looks: more than an hour of the
	// dashboard, which is what the most patient alert waits for.
	broken = 260
	// lookEvery is how many lie between two looks, and looks how often is looked: a
	// machine that is busy with other things may need longer to show what is.
	lookEvery = 10
	looks     = 80
)

// state is one that an operator must tell from all others.
type state struct {
	name     string
	settings harness.Settings
	// alone says that it breaks a PostgreSQL or a Redis, which it needs for itself.
	alone bool
	// breaks is called when events have flowed for a while, mends at the end, for who
	// stops and needs what was broken.
	breaks, mends func(*site)
}

func states() []state {
	nothing := func(*site) {}
	return []state{
		{name: "all is well", breaks: nothing, mends: nothing},
		{name: "the registry's token is wrong", breaks: func(s *site) { s.registry.system.Token = "of-another-registry" }, mends: nothing},
		{
			name: "PostgreSQL is down", alone: true,
			breaks: func(s *site) { s.postgres.Process().Stop() }, mends: func(s *site) { s.postgres.Start() },
		},
		{name: "Redis is down", alone: true, breaks: func(s *site) { s.redis.Stop() }, mends: func(s *site) { s.redis.Start() }},
		{name: "one endpoint is silent", breaks: func(s *site) { s.policy("silent", "http://"+harness.FreeAddr(s.t)) }, mends: nothing},
		{name: "one endpoint refuses", breaks: func(s *site) { s.policy("refusing", refusing(s.t).URL) }, mends: nothing},
		{name: "more comes than is delivered", settings: harness.Settings{"WORKERS": "4", "BACKLOG_LIMIT": "10000"}, breaks: func(s *site) {
			for n := range 4 {
				s.policy(fmt.Sprint("slow ", n), slow(s.t).URL)
			}
		}, mends: nothing},
	}
}

// TestStatesAreToldApartByTheDashboard brings a production into each state and reads
// the dashboard as an operator would. What it shows, and which alerts fire, must be
// what the table of docs/operations.md says, and different in each state.
func TestStatesAreToldApartByTheDashboard(t *testing.T) {
	t.Parallel()
	harness.Require(t, "initdb", "postgres", "redis-server")
	shown, rules := readPanels(t), readAlerts(t)
	documented := readTable(t)
	differ(t, documented)
	for _, st := range states() {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(documented, func(r row) bool { return r.state == st.name })
			if i < 0 {
				t.Fatalf("docs/operations.md has no state %q", st.name)
			}
			s := newSite(t, st)
			s.pass(calm)
			st.breaks(s)
			defer st.mends(s)
			s.pass(broken)
			got := row{}
			for range looks {
				got = row{state: st.name, readings: s.watcher.readings(shown), alerts: strings.Join(s.watcher.firing(rules), ", ")}
				if got.line() == documented[i].line() {
					return
				}
				s.pass(lookEvery)
			}
			t.Errorf("the dashboard shows\n%s\nand docs/operations.md says\n%s", got.line(), documented[i].line())
		})
	}
}

// differ checks that every state is documented, and that no two look the same.
func differ(t *testing.T, documented []row) {
	t.Helper()
	seen := map[string]string{}
	for _, row := range documented {
		if other, twice := seen[row.pattern()]; twice {
			t.Errorf("%q and %q look the same: %s", other, row.state, row.pattern())
		}
		seen[row.pattern()] = row.state
	}
	if len(documented) != len(states()) {
		t.Errorf("docs/operations.md has %d states, want %d", len(documented), len(states()))
	}
}

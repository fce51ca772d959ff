package dashboard

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// suite holds the program, a PostgreSQL and a Redis.
var suite harness.Suite

func TestMain(m *testing.M) { os.Exit(suite.Run(m)) }

const (
	// calm is how many scrapes are made before something breaks.
	calm = 20
	// broken is how many are made after, for more than an hour of the dashboard.
	broken = 320
)

// site is a running production with an endpoint that answers, and what can be broken.
type site struct {
	t        *testing.T
	system   *harness.System
	postgres *harness.Postgres
	redis    *harness.Redis
	receiver *harness.Receiver
	traffic  *traffic
}

// state is one that an operator must tell from all others.
type state struct {
	name     string
	settings harness.Settings
	// breaks is called when events have flowed for a while.
	breaks func(*site)
}

func states() []state {
	nothing := func(*site) {}
	return []state{
		{name: "all is well", breaks: nothing},
		{name: "the registry's token is wrong", breaks: func(s *site) { s.traffic.use("of-another-registry") }},
		{name: "PostgreSQL is down", breaks: func(s *site) { s.postgres.Process().Stop() }},
		{name: "Redis is down", breaks: func(s *site) { s.redis.Stop() }},
		{name: "one endpoint is silent", breaks: func(s *site) {
			s.policy("silent", "http://"+harness.FreeAddr(s.t))
		}},
		{name: "one endpoint refuses", breaks: func(s *site) {
			refusing := harness.NewReceiver(s.t)
			refusing.Answer(func(int, harness.Delivery) harness.Answer {
				return harness.Answer{Status: http.StatusInternalServerError}
			})
			s.policy("refusing", refusing.URL)
		}},
		{name: "more comes than is delivered", settings: harness.Settings{"WORKERS": "4", "BACKLOG_LIMIT": "10000"}, breaks: func(s *site) {
			for n := range 4 {
				s.policy(fmt.Sprint("slow ", n), slow(s.t).URL)
			}
		}},
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

func newSite(t *testing.T, settings harness.Settings) *site {
	t.Helper()
	harness.Require(t, "initdb", "postgres", "redis-server")
	s := &site{t: t, postgres: harness.NewPostgres(t), redis: harness.NewRedis(t), receiver: harness.NewReceiver(t)}
	all := harness.Settings{"RETRY_BACKOFF": "200ms,300ms,400ms", "CIRCUIT_PROBE": "1s", "LOG_LEVEL": "warn"}
	for name, v := range settings {
		all[name] = v
	}
	s.system = suite.NewProduction(t, s.postgres.NewDatabase(t), s.redis, all)
	s.system.Patience = 5 * time.Second
	s.policy("all", s.receiver.URL)
	return s
}

func (s *site) policy(name, target string) {
	s.t.Helper()
	s.system.Admin.CreatePolicy(s.t, "library", harness.Policy{Name: name, HookTypes: []string{"pushImage"}, Target: target})
}

// traffic plays a registry that pushes ten times a second, one event after the other,
// and repeats what is not taken.
type traffic struct {
	tokens chan string
	end    chan struct{}
	done   chan struct{}
}

func begin(s *harness.System) *traffic {
	r := &traffic{tokens: make(chan string, 1), end: make(chan struct{}), done: make(chan struct{})}
	system := *s
	go func() {
		defer close(r.done)
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		push := harness.NewPush("library/app", "v1")
		for {
			select {
			case <-r.end:
				return
			case token := <-r.tokens:
				system.Token = token
			case <-ticker.C:
				if reply, err := system.TryNotify(push); err == nil && reply.Status == http.StatusOK {
					push = harness.NewPush("library/app", "v1")
				}
			}
		}
	}()
	return r
}

// use makes the registry show another token.
func (r *traffic) use(token string) { r.tokens <- token }

func (r *traffic) stop() {
	close(r.end)
	<-r.done
}

// TestStatesAreToldApartByTheDashboard brings a production into each state and reads
// the dashboard as an operator would. What it shows, and which alerts fire, must be
// what the table of docs/operations.md says, and different in each state.
func TestStatesAreToldApartByTheDashboard(t *testing.T) {
	t.Parallel()
	shown, rules := readPanels(t), readAlerts(t)
	documented := readTable(t)
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
	for _, st := range states() {
		t.Run(st.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, st.settings)
			s.traffic = begin(s.system)
			p := newPrometheus(t, strings.TrimPrefix(s.system.CoreURL, "http://"), s.system.JobServiceAddr)
			p.watch(calm)
			st.breaks(s)
			p.watch(broken)
			s.traffic.stop()
			got := row{state: st.name, readings: p.readings(shown), alerts: strings.Join(p.firing(rules), ", ")}
			if st.name == "PostgreSQL is down" {
				s.postgres.Start() // for who stops
			}
			i := slices.IndexFunc(documented, func(r row) bool { return r.state == st.name })
			if i < 0 {
				t.Fatalf("docs/operations.md has no state %q; its row would be\n%s", st.name, got.line())
			}
			if got.line() != documented[i].line() {
				t.Errorf("the dashboard shows\n%s\nand docs/operations.md says\n%s", got.line(), documented[i].line())
			}
		})
	}
}

// columns are the panels of the documented table, and how each is read.
func (p *prometheus) readings(shown panels) []string {
	p.t.Helper()
	waiting := shown.query(p.t, "Waiting now", "waiting")
	oldest := shown.query(p.t, "Oldest due now", "oldest")
	return []string{
		p.nonZero(shown.query(p.t, "Refused, by status", "{{status}}"), "status"),
		p.down(shown.query(p.t, "Dependencies now", "{{dependency}}")),
		p.trend(waiting, 50),
		p.trend(oldest, 30),
		p.count(shown.query(p.t, "Silent endpoints now", "open")),
		p.nonZero(shown.query(p.t, "Attempts, by result", "{{result}}"), "result"),
		p.busy(shown.query(p.t, "Workers", "busy"), shown.query(p.t, "Workers", "all")),
	}
}

// nonZero names the lines of a panel that are above 0 most of its last half hour: a
// machine that is busy with other things may be slow now and then.
func (p *prometheus) nonZero(query, label string) string {
	var names []string
	for _, series := range p.over(query, 30*time.Minute) {
		above := 0
		for _, point := range series.Floats {
			if point.F > 0 {
				above++
			}
		}
		if above > int(30*time.Minute/step)/2 {
			names = append(names, series.Metric.Get(label))
		}
	}
	slices.Sort(names)
	return or(strings.Join(names, ", "), "none")
}

// down names what is 0.
func (p *prometheus) down(query string) string {
	var names []string
	for _, series := range p.over(query, 0) {
		if series.Floats[0].F == 0 {
			names = append(names, series.Metric.Get("dependency"))
		}
	}
	slices.Sort(names)
	return or(strings.Join(names, ", "), "up")
}

// trend says where a number goes, which is small up to a limit.
func (p *prometheus) trend(query string, small float64) string {
	now, before := p.last(query), p.ago(query, 20*time.Minute)
	switch {
	case len(now) == 0:
		return "no data"
	case now[0] <= small:
		return "small"
	case len(before) == 1 && now[0] > before[0]:
		return "grows"
	}
	return "large"
}

func (p *prometheus) count(query string) string {
	now := p.last(query)
	if len(now) == 0 {
		return "no data"
	}
	return fmt.Sprint(now[0])
}

// busy says whether most workers have been at work in the last half hour.
func (p *prometheus) busy(busy, all string) string {
	at, most := 0.0, p.last(all)
	series := p.over(busy, 30*time.Minute)
	if len(series) == 0 || len(most) == 0 {
		return "no data"
	}
	for _, point := range series[0].Floats {
		at += point.F
	}
	if at/float64(len(series[0].Floats)) > most[0]/2 {
		return "busy"
	}
	return "free"
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// row is a line of the documented table.
type row struct {
	state, alerts string
	readings      []string
}

func (r row) pattern() string { return strings.Join(r.readings, " | ") }

func (r row) line() string {
	return "| " + r.state + " | " + r.pattern() + " | " + or(r.alerts, "none") + " |"
}

// readTable reads the table of docs/operations.md, whose last column says what to do.
func readTable(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	const head = "| state | Refused, by status | Dependencies | Waiting | Oldest due | Silent endpoints | Attempts, by result | Workers | alerts | what to do |\n"
	_, table, found := strings.Cut(string(text), head)
	if !found {
		t.Fatalf("docs/operations.md has no table\n%s", head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var rows []row
	for _, line := range regexp.MustCompile(`(?m)^\| ([^-].*) \|$`).FindAllStringSubmatch(table, -1) {
		cells := strings.Split(line[1], " | ")
		if len(cells) != 10 || cells[9] == "" {
			t.Fatalf("the row %q has %d cells, want 10", line[0], len(cells))
		}
		rows = append(rows, row{state: cells[0], readings: cells[1:8], alerts: strings.TrimSuffix(cells[8], "none")})
	}
	return rows
}

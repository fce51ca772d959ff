package upgrade

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// more is what the next release changes in the database. It keeps to the rule.
const more = `
ALTER TABLE webhook_job ADD COLUMN of_the_next text NOT NULL DEFAULT '';
ALTER TABLE webhook_policy ADD COLUMN of_the_next text NOT NULL DEFAULT '';
CREATE TABLE of_the_next (id integer PRIMARY KEY, note text NOT NULL);`

// nextRelease builds the program of these sources with one migration more.
func nextRelease(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	up, down := write("up.sql", more), write("down.sql", "DROP TABLE of_the_next;")
	replaced := map[string]string{}
	for _, folder := range []string{"postgresql", "sqlite"} {
		name := filepath.Join(root, "make/migrations", folder, fmt.Sprintf("%04d_of_the_next", len(levels)+1))
		replaced[name+".up.sql"], replaced[name+".down.sql"] = up, down
	}
	text, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "harborhook-next")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", write("overlay.json", string(text)), "-ldflags", "-X main.version=v-next", "-o", binary, "./src/cmd/harborhook")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the next release: %v\n%s", err, out)
	}
	return binary
}

// TestTwoOfEachAreReplacedOneByOne upgrades a running system to a release with a newer
// schema while a registry pushes: old and new processes run beside each other over the
// new schema, and every event is delivered once.
func TestTwoOfEachAreReplacedOneByOne(t *testing.T) {
	t.Parallel()
	s := &store{t: t, shape: harness.Production, folder: "postgresql", place: suite.Postgres(t).NewDatabase(t)}
	s.migrateTo(len(levels))
	next := nextRelease(t)
	system := suite.NewProduction(t, s.place, suite.Redis(t), harness.Settings{"RETRY_BACKOFF": "200ms,300ms,400ms"})
	system.Patience = 5 * time.Second
	second := system.Replicate(t)
	receiver := harness.NewReceiver(t)
	system.Admin.CreatePolicy(t, "library", harness.Policy{Name: "all", HookTypes: []string{"pushImage"}, Target: receiver.URL})

	p := newPusher(system, second)
	go p.run()
	for _, name := range system.Processes() {
		p.flow(t)
		system.Process(name).Become(next)
	}
	p.flow(t)
	sent := p.stop()

	once := map[string]int{}
	for _, d := range receiver.Wait(t, len(sent), soon) {
		once[eventOf(t, d)]++
	}
	system.Admin.FinalJobs(t, "library", len(sent), soon)
	for _, id := range sent {
		if once[id] != 1 {
			t.Errorf("event %s was delivered %d times", id, once[id])
		}
	}
	if extra := len(receiver.Got()) - len(sent); extra != 0 {
		t.Errorf("%d deliveries more than events", extra)
	}
	if got := s.texts("SELECT version FROM schema_migrations"); len(got) != 1 || got[0] != fmt.Sprint(len(levels)+1) {
		t.Errorf("the schema is %v: the next release did not run", got)
	}
	s.refused("core") // the old release does not come back
}

// eventOf returns the id of the event that a webhook tells.
func eventOf(t *testing.T, d harness.Delivery) string {
	t.Helper()
	var body struct {
		Events []struct {
			EventID string `json:"event_id"`
		} `json:"events"`
	}
	if err := json.Unmarshal(d.Body, &body); err != nil || len(body.Events) != 1 {
		t.Fatalf("a body without one event: %s", d.Body)
	}
	return body.Events[0].EventID
}

// pusher plays a registry that notifies two Cores in turn, and repeats what is not
// taken.
type pusher struct {
	cores []*harness.System
	count atomic.Int64
	end   chan struct{}
	sent  chan []string
}

func newPusher(cores ...*harness.System) *pusher {
	return &pusher{cores: cores, end: make(chan struct{}), sent: make(chan []string, 1)}
}

// run pushes until stop.
func (p *pusher) run() {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	var sent []string
	for n := 0; ; n++ {
		select {
		case <-p.end:
			p.sent <- sent
			return
		case <-ticker.C:
		}
		push := harness.NewPush("library/app", fmt.Sprint("v", n))
		for at := n; ; at++ { // the other one, if this one is away
			if reply, err := p.cores[at%len(p.cores)].TryNotify(push); err == nil && reply.Status == http.StatusOK {
				break
			}
			<-ticker.C
		}
		sent = append(sent, push.ID)
		p.count.Add(1)
	}
}

// flow returns when some more events have been taken.
func (p *pusher) flow(t *testing.T) {
	t.Helper()
	from := p.count.Load()
	harness.Eventually(t, soon, "events that are taken", func() bool { return p.count.Load() >= from+15 })
}

// stop returns the ids of all events that were taken.
func (p *pusher) stop() []string {
	close(p.end)
	return <-p.sent
}

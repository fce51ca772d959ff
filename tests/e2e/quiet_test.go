package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestNoLibraryPrintsByItself(t *testing.T) {
	t.Parallel()
	settings := quickly()
	settings["LOG_FORMAT"], settings["LOG_LEVEL"] = "json", "debug"
	t.Run(harness.Standalone, func(t *testing.T) {
		t.Parallel()
		s := suite.NewStandalone(t, settings)
		c := newScene(t, s)
		c.policy(t, "pushImage")
		c.Push(t, c.project+"/app:v1", harness.Image(t, harness.Formats()[0], "amd64"))
		c.receiver.Wait(t, 1, soon)
		misbehave(t, c)
		resp, err := http.Get("http://" + s.Registry + "/v2/" + c.project + "/no/such/manifests/sha256:bad")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		onlyLog(t, c)
	})
	t.Run(harness.Production, func(t *testing.T) {
		t.Parallel()
		redis := harness.NewRedis(t)
		s := suite.NewProduction(t, suite.Postgres(t).NewDatabase(t), redis, settings)
		c := newScene(t, s)
		c.policy(t, "pushImage")
		c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"))
		c.receiver.Wait(t, 1, soon)
		misbehave(t, c)
		redis.Stop()
		c.MustNotify(t, harness.NewPush(c.project+"/app", "v2"))
		deliverer := s.Process(s.Deliverer())
		harness.Eventually(t, soon, "a worker that misses Redis", func() bool {
			return strings.Contains(deliverer.Log(), "redis is away")
		})
		onlyLog(t, c)
		if !strings.Contains(deliverer.Log(), `"printed by a library"`) { // gocraft/work's workers, which end without Redis
			t.Error("no library has complained of Redis: this test shows nothing")
		}
		redis.Start() // it is searched for secrets
	})
}

// quickly is settings with short waits.
func quickly() harness.Settings {
	return harness.Settings{"RETRY_BACKOFF": "200ms,300ms,400ms"}
}

// misbehave sends what no client should.
func misbehave(t *testing.T, c *scene) {
	t.Helper()
	for _, address := range []string{"/service/notifications", "/api/projects", "/api/no/such/thing", "/api/projects/%2e%2e/x"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.CoreURL+address, strings.NewReader("{no json"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.Token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode > 499 {
			t.Errorf("%s: %s", address, resp.Status)
		}
	}
}

// banner is what the standalone shape tells people, by the begin of its lines.
var banner = []string{"harborhook ", "portal ", "API ", "registry ", "password ", "Next, ", "Stop with "}

// onlyLog stops the processes and makes sure that what they have printed is lines of
// the log.
func onlyLog(t *testing.T, c *scene) {
	t.Helper()
	for _, name := range c.Processes() {
		c.Process(name).Stop()
		lines := 0
		for line := range strings.Lines(c.Process(name).Log()) {
			text := strings.TrimSpace(line)
			var entry struct {
				Time  time.Time
				Level string
				Msg   string
			}
			switch err := json.Unmarshal([]byte(text), &entry); {
			case err == nil && entry.Msg != "" && entry.Level != "" && !entry.Time.IsZero():
				lines++
			case text == "", slices.ContainsFunc(banner, func(begin string) bool { return strings.HasPrefix(text, begin) }):
			default:
				t.Errorf("%s prints %q", name, text)
			}
		}
		if lines == 0 {
			t.Errorf("%s logs nothing", name)
		}
	}
}

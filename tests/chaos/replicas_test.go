package chaos

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// Every scenario in production shape runs with two Cores and two JobServices. Here
// each of them does its part.
func TestTwoOfEachShareTheWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harness.Production, chosen(t))
	run(t, scenario{promise: 17, name: "two Cores and two JobServices", onceOnly: true, faults: func(_ *testing.T, w *world) string {
		w.each(func(int) {})
		return "none"
	}}, w)
	for n, s := range w.systems {
		for what, counter := range map[string]string{
			strings.TrimPrefix(s.CoreURL, "http://"): `harborhook_registry_events_accepted_total`,
			s.JobServiceAddr:                         `harborhook_delivery_attempt_seconds_count\{result="ok"\}`,
		} {
			if !regexp.MustCompile(`(?m)^` + counter + ` [1-9]`).MatchString(metrics(t, what)) {
				t.Errorf("of pair %d, %s is 0", n+1, counter)
			}
		}
	}
}

// SQLite has one writer at a time. Others wait, as long as a registry does.
func TestAnotherWriterOfTheFileLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, harness.Standalone, chosen(t))
	run(t, scenario{promise: 17, name: "somebody else writes the database file", onceOnly: true, faults: func(t *testing.T, w *world) string {
		t.Helper()
		db := w.open(t)
		defer db.Close()
		conn, err := db.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		statement := func(text string) {
			if _, err := conn.ExecContext(context.Background(), text); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		return "write lock held for 3 s × " + w.each(func(int) {
			statement("BEGIN IMMEDIATE")
			<-time.After(3 * time.Second)
			statement("ROLLBACK")
		})
	}}, w)
}

// metrics returns what a process tells Prometheus.
func metrics(t *testing.T, addr string) string {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatalf("metrics: %v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("metrics: %s %v", resp.Status, err)
	}
	return string(text)
}

package app

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

// scrape returns what /metrics answers.
func scrape(t *testing.T, m *metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// wantLines fails unless each line is in the text.
func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line) {
			t.Errorf("%q is not served", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestDeliveriesAreCountedWhenTheyAreOver(t *testing.T) {
	t.Parallel()
	m := newMetrics(config.Standalone, "v1.2.3")
	accepted := hook.Delivery{Job: hook.Job{CreationTime: time.Now().Add(-40 * time.Second)}}
	attempted := func(d hook.Delivery, status hook.Status, result hook.Result, answer int) {
		a := hook.Attempt{Result: result, Duration: 20 * time.Millisecond}
		if answer != 0 {
			a.Response = &hook.Response{Status: answer}
		}
		m.Attempted(d, hook.Outcome{Status: status, Attempt: a})
	}
	attempted(accepted, hook.StatusScheduled, hook.ResultTimeout, 0)
	again := accepted
	again.Attempts = 1
	attempted(again, hook.StatusFinished, hook.ResultOK, 200)
	attempted(accepted, hook.StatusError, hook.ResultHTTPError, 503)
	attempted(accepted, hook.StatusError, hook.ResultHTTPError, 999)
	attempted(accepted, hook.StatusError, hook.ResultBlocked, 0)

	wantLines(t, scrape(t, m),
		`harborhook_build_info{goversion="go1`,
		`harborhook_delivery_attempt_seconds_count{result="timeout"} 1`,
		`harborhook_delivery_attempt_seconds_count{result="http_error"} 2`,
		`harborhook_deliveries_total{class="ok"} 1`,
		`harborhook_deliveries_total{class="http_5xx"} 1`,
		`harborhook_deliveries_total{class="http_other"} 1`,
		`harborhook_deliveries_total{class="blocked"} 1`,
		`harborhook_deliveries_total{class="timeout"} 0`,
		`harborhook_delivery_attempts_bucket{le="1"} 3`,
		`harborhook_delivery_attempts_bucket{le="2"} 4`,
		`harborhook_delivery_end_to_end_seconds_bucket{le="30"} 0`,
		`harborhook_delivery_end_to_end_seconds_bucket{le="60"} 3`,
	)
}

func TestWhatComesInIsCounted(t *testing.T) {
	t.Parallel()
	m := newMetrics(config.Standalone, "test")
	m.countReceived(3)
	m.countIntake(1, registry.Skipped{registry.ReasonOwnPull: 2})
	m.countRefused(503)
	m.accepting(sourceRegistry)(nil)
	m.accepting(sourceRegistry)(errors.New("away"))
	wantLines(t, scrape(t, m),
		`harborhook_registry_events_received_total 3`,
		`harborhook_registry_events_accepted_total 1`,
		`harborhook_registry_events_skipped_total{reason="own_pull"} 2`,
		`harborhook_registry_events_skipped_total{reason="malformed"} 0`,
		`harborhook_notifications_refused_total{status="503"} 1`,
		`harborhook_accept_seconds_count{source="registry"} 1`,
		`harborhook_accept_seconds_count{source="component"} 0`,
	)
}

func TestTheStateOfADependencyIsAskedForNowAndThen(t *testing.T) {
	t.Parallel()
	m := newMetrics(config.Standalone, "test")
	asked, broken := 0, error(nil)
	m.watch("database", func(context.Context) ([]prometheus.Metric, error) {
		asked++
		return []prometheus.Metric{value("jobs", "Jobs.", 7, prometheus.Labels{"status": "pending"})}, broken
	})
	for range 3 {
		wantLines(t, scrape(t, m), `harborhook_jobs{status="pending"} 7`, `harborhook_dependency_up{dependency="database"} 1`)
	}
	if asked != 1 {
		t.Errorf("asked %d times within a moment", asked)
	}

	m, broken = newMetrics(config.Standalone, "test"), errors.New("away")
	m.watch("database", func(context.Context) ([]prometheus.Metric, error) { return nil, broken })
	text := scrape(t, m)
	wantLines(t, text, `harborhook_dependency_up{dependency="database"} 0`)
	if strings.Contains(text, "harborhook_jobs{") {
		t.Error("jobs are shown that nobody counted")
	}
}

func TestTheStateOfTheStoreIsShown(t *testing.T) {
	t.Parallel()
	m, s := newMetrics(config.Standalone, "test"), newStore(t)
	m.watchStore(s)
	p := newPolicy(t, s, "ci", "http://ci.example.com/hook")
	e := hook.Event{ID: "e1", Type: hook.PushImage, ProjectID: p.ProjectID, OccurredAt: time.Now()}
	job := hook.Job{Key: "e1/1/0", ProjectID: p.ProjectID, PolicyID: p.ID, EventID: "e1", HookType: e.Type, Origin: "http://ci.example.com:80", ContentType: "application/json", Detail: []byte("{}")}
	if _, err := s.Accept(t.Context(), hook.Notification{Events: []hook.Event{e}}, []hook.Job{job}); err != nil {
		t.Fatal(err)
	}
	wantLines(t, scrape(t, m),
		`harborhook_jobs{status="pending"} 1`, `harborhook_jobs{status="running"} 0`, `harborhook_jobs_oldest_due_seconds `,
		`harborhook_circuits_failing 0`, `harborhook_store_batch_size_sum{kind="accept"} 1`,
		`harborhook_database_connections_max{pool="write"} 1`,
	)
}

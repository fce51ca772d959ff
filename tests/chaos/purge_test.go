package chaos

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/harborhook/harborhook/tests/harness"
)

// Old deliveries are removed while new ones come, and nobody notices.
func TestOldDeliveriesAreRemovedUnnoticed(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	old, unfinished := 10_000*size.faults, 5
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shape, size, harness.Settings{"RETENTION": "24h"})
			w.exec(t, oldRows(old, "finished", 0), oldRows(unfinished, "pending", time.Hour)) // ids grow with time
			quiet := make(chan struct{})
			time.AfterFunc(3*w.between, func() { close(quiet) })
			w.policy(t, "quiet", harness.NewReceiver(t).URL)
			before := offer(t, w.systems, "quiet", w.rate, quiet).within(0.5)

			l := run(t, scenario{promise: 14, name: "old deliveries are removed", onceOnly: true, faults: func(t *testing.T, w *world) string {
				t.Helper()
				p := w.Process(w.Deliverer())
				p.Stop()
				p.Start() // and looks for old ones
				harness.Eventually(t, patience, "old deliveries to be removed", func() bool {
					return w.number(t, `SELECT count(*) FROM webhook_job WHERE project_id = 0 AND status = 'finished'`) == 0 &&
						w.number(t, `SELECT count(*) FROM webhook_event WHERE project_id = 0`) == 0
				})
				w.pause()
				w.pause()
				return fmt.Sprint(old, " old deliveries")
			}}, w)
			if n := w.number(t, `SELECT count(*) FROM webhook_job WHERE project_id = 0`); n != int64(unfinished) {
				t.Errorf("%d old deliveries that are not final are there, want %d", n, unfinished)
			}
			if n := w.number(t, `SELECT count(*) FROM webhook_attempt WHERE job_id NOT IN (SELECT id FROM webhook_job)`); n != 0 {
				t.Errorf("%d attempts without a delivery", n)
			}
			// Other scenarios run beside this, and a process restarts: the median says most.
			if p50 := l.within(0.5); p50 > max(2*before, 400*time.Millisecond) {
				t.Errorf("half the notifications were answered within %s, and before within %s", p50, before)
			}
			if w.postgres != nil && w.number(t, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`) > 0 {
				t.Error("PostgreSQL detected a deadlock")
			}
		})
	}
}

// oldRows are statements that add deliveries of three days ago, with an attempt
// and an event each; they are due after a time.
func oldRows(n int, status string, due time.Duration) string {
	const day = 24 * int64(time.Hour/time.Microsecond)
	now := time.Now().UnixMicro()
	numbers := fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)`, n)
	return fmt.Sprintf(`INSERT INTO webhook_job (job_uuid, job_key, project_id, policy_id, policy_name, target_position, event_id, hook_type, notify_type,
			target, origin, payload_format, content_type, job_detail, status, next_at, creation_time, update_time)
		%s SELECT '%s-' || i, '%s-' || i, 0, 0, 'old', 0, '%s-' || i, 'pushImage', 'http', 'http://old.example.com', 'http://old.example.com', 'Default',
			'application/json', '{}', '%s', %d, %d, %d FROM n;
		INSERT INTO webhook_attempt (job_id, number, started_at, duration, result, request_url, request_headers)
			SELECT id, 1, creation_time, 1, 'ok', target, '{}' FROM webhook_job WHERE project_id = 0 AND status = '%s';
		INSERT INTO webhook_event (event_id, project_id, hook_type, occurred_at, data, creation_time)
			%s SELECT '%s-' || i, 0, 'pushImage', %d, '{}', %d FROM n`,
		numbers, status, status, status, status, now+due.Microseconds(), now-3*day, now-3*day, status, numbers, status, now-3*day, now-3*day)
}

// open opens the system's database beside it.
func (w *world) open(t *testing.T) *sql.DB {
	t.Helper()
	driver, address := "postgres", w.database
	if w.Shape == harness.Standalone {
		files, err := filepath.Glob(filepath.Join(w.DataDir, "*.db"))
		if err != nil || len(files) != 1 {
			t.Fatalf("the database file: %v %v", files, err)
		}
		driver, address = "sqlite", "file:"+files[0]+"?_pragma=busy_timeout(30000)"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func (w *world) exec(t *testing.T, statements ...string) {
	t.Helper()
	db := w.open(t)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%v: %s", err, s)
		}
	}
}

func (w *world) number(t *testing.T, query string) (n int64) {
	t.Helper()
	db := w.open(t)
	defer db.Close()
	if err := db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	return n
}

package main

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/harborhook/harborhook/src/store/sqlite"
)

// newTables returns the tables of SQLite with one project and two deliveries, one of
// them finished with two attempts.
func newTables(t *testing.T) *database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "harborhook.db")
	if err := sqlite.Migrate(path); err != nil {
		t.Fatal(err)
	}
	db, err := (&system{shape: standalone, database: path}).openDatabase()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for _, statement := range []string{
		`INSERT INTO project (id, name, creation_time, update_time) VALUES (3, 'p', 1, 1)`,
		`INSERT INTO webhook_event (event_id, project_id, hook_type, occurred_at, data, creation_time) VALUES ('e1', 3, 'pushImage', 1, '{"a":1}', 7), ('e2', 3, 'pushImage', 1, '{}', 7)`,
		`INSERT INTO webhook_job (id, job_uuid, job_key, project_id, policy_id, policy_name, target_position, event_id, hook_type, notify_type, target, origin,
			payload_format, content_type, job_detail, status, next_at, creation_time, update_time)
			VALUES (10, 'u1', 'e1/4/0', 3, 4, 'n', 0, 'e1', 'pushImage', 'http', 't', 'o', 'Default', 'c', '{"body":1}', 'finished', 1, 7, 8),
			(12, 'u2', 'e2/4/0', 3, 4, 'n', 0, 'e2', 'pushImage', 'http', 't', 'o', 'Default', 'c', '{}', 'pending', 1, 7, 8)`,
		`INSERT INTO webhook_attempt (job_id, number, started_at, duration, result, request_url, request_headers) VALUES (10, 1, 1, 1, 'timeout', 't', '{}'), (10, 2, 1, 1, 'ok', 't', '{}')`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%v\n%s", err, statement)
		}
	}
	return db
}

func one(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	return n
}

func TestMultiplyCopiesFinishedDeliveriesWithAllThatBelongsToThem(t *testing.T) {
	t.Parallel()
	db := newTables(t)
	if err := db.multiply(t.Context(), "p", 500); err != nil {
		t.Fatal(err)
	}
	if err := db.rest(t.Context()); err != nil {
		t.Fatal(err)
	}
	const copies = ` FROM webhook_job AS j JOIN webhook_event AS e ON e.event_id = j.event_id WHERE j.id > 12`
	for query, want := range map[string]int{
		`SELECT count(*)` + copies + ` AND j.status = 'finished' AND j.job_detail = '{"body":1}' AND e.data = '{"a":1}' AND j.creation_time = 7`: 500,
		`SELECT count(DISTINCT j.job_key)` + copies + ` AND j.job_key LIKE '%/' || j.event_id || '/4/0' AND length(j.event_id) = 36`:             500,
		`SELECT count(DISTINCT job_id) FROM webhook_attempt WHERE job_id > 12`:                                                                   500,
		`SELECT count(*) FROM webhook_attempt WHERE job_id > 12`:                                                                                 1000,
		`SELECT count(*) FROM webhook_job`:                                           502,
		`SELECT job_id - (SELECT max(id) FROM webhook_job) FROM webhook_search_mark`: 0,
		`SELECT job_id - (SELECT max(id) FROM webhook_job) FROM webhook_tally_mark`:  0,
	} {
		if got := one(t, db.DB, query); got != want {
			t.Errorf("%s = %d, want %d", query, got, want)
		}
	}
}

func TestNothingToMultiplyIsAnError(t *testing.T) {
	t.Parallel()
	if err := newTables(t).multiply(t.Context(), "another", 10); err == nil {
		t.Error("deliveries of a project that does not exist were copied")
	}
}

func TestShareOfTheThroughput(t *testing.T) {
	t.Parallel()
	m := sampleWithExtras()
	if got := m.history.share(); got != 0.8 {
		t.Errorf("share = %v, want 0.8", got)
	}
	if got := (historyRan{}).share(); got != 0 {
		t.Errorf("share of nothing = %v, want 0", got)
	}
}

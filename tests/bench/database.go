package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"
)

// database is that of a running system, seen past harborhook.
type database struct {
	*sql.DB
	// uuid makes the text of a UUID from the number i: different for each, and in
	// no order, as real ones are.
	uuid string
	// earlier is the time of row r as keys begin with it, i milliseconds before.
	earlier string
	// settle is what the database does by itself when it is left alone for a while.
	settle []string
}

func (s *system) openDatabase() (*database, error) {
	if s.shape == standalone {
		db, err := sql.Open("sqlite", s.database+"?_pragma=busy_timeout(5000)")
		return &database{
			db, "printf('%08x-0000-4000-8000-%012d', (i * 2654435761) % 4294967296, i)",
			"printf('%011x', r.creation_time / 1000 - i)",
			[]string{"ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"},
		}, err
	}
	db, err := sql.Open("postgres", s.database)
	return &database{
		db, "lpad(to_hex((i * 2654435761) % 4294967296), 8, '0') || '-0000-4000-8000-' || lpad(i::text, 12, '0')",
		"lpad(to_hex(r.creation_time / 1000 - i), 11, '0')",
		[]string{
			"SELECT setval('webhook_job_id_seq', (SELECT max(id) FROM webhook_job))",
			"VACUUM ANALYZE", "CHECKPOINT",
		},
	}, err
}

// rest does what a database does by itself in time.
func (d *database) rest(ctx context.Context) error {
	for _, statement := range d.settle {
		if _, err := d.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

const (
	// rowsATransaction is how many deliveries are copied together.
	rowsATransaction = 20_000
	// samples is how many deliveries the others are copies of.
	samples = 1000
)

// multiply adds n finished deliveries with their events and attempts, all copies of
// those of a project, under ids of their own. They count as known to the search by
// text and to the tallies, which are not part of what is measured.
func (d *database) multiply(ctx context.Context, project string, n int) error {
	statements, err := d.copies(ctx)
	if err != nil {
		return err
	}
	var last, found int64
	err = d.QueryRowContext(ctx, `SELECT (SELECT max(id) FROM webhook_job), count(*) FROM webhook_job
		WHERE status = 'finished' AND project_id = (SELECT id FROM project WHERE name = $1)`, project).Scan(&last, &found)
	if err != nil {
		return fmt.Errorf("look for deliveries to copy: %w", err)
	}
	if found == 0 {
		return fmt.Errorf("%s has no finished delivery to copy", project)
	}
	for from := 1; from <= n; from += rowsATransaction {
		to := min(n, from+rowsATransaction-1)
		if err := d.copy(ctx, statements, from, to, last, min(found, samples), project); err != nil {
			return fmt.Errorf("copy deliveries %d to %d: %w", from, to, err)
		}
	}
	return nil
}

// copy runs the statements for the copies of these numbers in one transaction.
func (d *database) copy(ctx context.Context, statements []string, from, to int, last, of int64, project string) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement, from, to, last, of, project); err != nil {
			return err
		}
	}
	for _, mark := range []string{"webhook_search_mark", "webhook_tally_mark"} {
		if _, err := tx.ExecContext(ctx, `UPDATE `+mark+` SET job_id = $1`, last+int64(to)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// copies returns one statement for each table.
func (d *database) copies(ctx context.Context) ([]string, error) {
	var statements []string
	for _, c := range []struct {
		table, same string
		changed     map[string]string
	}{
		{"webhook_event", "r.event_id = sample.event_id", map[string]string{"id": "", "event_id": d.uuid}},
		{"webhook_job", "r.id = sample.id", map[string]string{
			"id": "$3 + i", "job_uuid": d.uuid, "event_id": d.uuid, "job_key": d.earlier + " || '/' || " + d.uuid + " || '/' || r.policy_id || '/0'",
		}},
		{"webhook_attempt", "r.job_id = sample.id", map[string]string{"job_id": "$3 + i"}},
	} {
		columns, err := d.columns(ctx, c.table)
		if err != nil {
			return nil, err
		}
		statements = append(statements, copyStatement(c.table, columns, c.same, c.changed))
	}
	return statements, nil
}

// columns are a table's, whatever migrations have made of it.
func (d *database) columns(ctx context.Context, table string) ([]string, error) {
	rows, err := d.QueryContext(ctx, `SELECT * FROM `+table+` LIMIT 0`)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", table, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	return columns, rows.Err()
}

// copyStatement copies rows r of a table, those that are the same as a sample's, with
// some columns changed; those that are changed to nothing get their default. Its
// parameters are the first and the last number, the id to count from, how many samples there
// are, and the project's name.
func copyStatement(table string, columns []string, same string, changed map[string]string) string {
	columns = slices.Clone(columns)
	columns = slices.DeleteFunc(columns, func(c string) bool {
		expression, ok := changed[c]
		return ok && expression == ""
	})
	values := make([]string, len(columns))
	for i, c := range columns {
		if values[i] = changed[c]; values[i] == "" {
			values[i] = "r." + c
		}
	}
	return `WITH RECURSIVE number (i) AS (
			SELECT CAST($1 AS bigint) UNION ALL SELECT i + 1 FROM number WHERE i < $2
		), sample AS (
			SELECT id, event_id, row_number() OVER (ORDER BY id) - 1 AS turn FROM webhook_job
			WHERE id <= $3 AND status = 'finished' AND project_id = (SELECT id FROM project WHERE name = $5) ORDER BY id LIMIT $4
		) INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `)
		SELECT ` + strings.Join(values, ", ") + ` FROM number JOIN sample ON sample.turn = i % $4 JOIN ` + table + ` AS r ON ` + same
}

package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lib/pq"

	"github.com/harborhook/harborhook/src/store"
	"github.com/harborhook/harborhook/src/store/postgres"
	"github.com/harborhook/harborhook/src/store/sqlite"
)

// database is one that is measured.
type database struct {
	name  string
	store *store.Store
	raw   *sql.DB
	// insert writes rows into a table within a transaction, as fast as it can.
	insert func(ctx context.Context, tx *sql.Tx, table string, columns []string, rows [][]any) error
	// settle is what the database does by itself when it is left alone for a while.
	settle []string
}

var key = bytes.Repeat([]byte{7}, 32)

func openPostgres(ctx context.Context, address string) (*database, error) {
	if err := postgres.Migrate(ctx, address); err != nil {
		return nil, err
	}
	s, err := postgres.Open(postgres.Config{URL: address, Key: key})
	if err != nil {
		return nil, err
	}
	raw, err := sql.Open("postgres", address)
	if err != nil {
		return nil, err
	}
	return &database{name: "PostgreSQL", store: s, raw: raw, insert: copyIn, settle: []string{
		"SELECT setval('webhook_job_id_seq', (SELECT max(id) FROM webhook_job))", "VACUUM ANALYZE webhook_job, webhook_attempt, webhook_search, webhook_tally", "CHECKPOINT",
	}}, nil
}

func copyIn(ctx context.Context, tx *sql.Tx, table string, columns []string, rows [][]any) error {
	statement, err := tx.PrepareContext(ctx, pq.CopyIn(table, columns...))
	if err != nil {
		return err
	}
	defer statement.Close()
	for _, row := range rows {
		if _, err := statement.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	_, err = statement.ExecContext(ctx)
	return err
}

func openSQLite(dir string) (*database, error) {
	path := filepath.Join(dir, "harborhook.db")
	if err := sqlite.Migrate(path); err != nil {
		return nil, err
	}
	s, err := sqlite.Open(path, key)
	if err != nil {
		return nil, err
	}
	raw, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	return &database{name: "SQLite", store: s, raw: raw, insert: insertEach, settle: []string{"PRAGMA wal_checkpoint(TRUNCATE)"}}, nil
}

func insertEach(ctx context.Context, tx *sql.Tx, table string, columns []string, rows [][]any) error {
	places := "?" + strings.Repeat(",?", len(columns)-1)
	statement, err := tx.PrepareContext(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ",")+") VALUES ("+places+")")
	if err != nil {
		return err
	}
	defer statement.Close()
	for _, row := range rows {
		if _, err := statement.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

// rowsATransaction is how many deliveries are written together.
const rowsATransaction = 10_000

// fill writes deliveries and their attempts.
func (d *database) fill(ctx context.Context, g *generator, from, to int) error {
	for ; from < to; from += rowsATransaction {
		var jobs, attempts [][]any
		for i := from; i < min(to, from+rowsATransaction); i++ {
			job, tried := g.delivery(i)
			jobs, attempts = append(jobs, job), append(attempts, tried...)
		}
		tx, err := d.raw.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if err := d.insert(ctx, tx, "webhook_job", jobColumns, jobs); err != nil {
			return fmt.Errorf("write deliveries: %w", err)
		}
		if err := d.insert(ctx, tx, "webhook_attempt", attemptColumns, attempts); err != nil {
			return fmt.Errorf("write attempts: %w", err)
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// rest does what a database does by itself in time.
func (d *database) rest(ctx context.Context) error {
	for _, statement := range d.settle {
		if _, err := d.raw.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

package upgrade

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	pgmigrate "github.com/golang-migrate/migrate/v4/database/postgres"
	sqlitemigrate "github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"

	"github.com/harborhook/harborhook/make/migrations"
	"github.com/harborhook/harborhook/tests/harness"
)

// key is what the secrets of testdata were encrypted with.
const key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// suite holds the program, a PostgreSQL and a Redis.
var suite harness.Suite

func TestMain(m *testing.M) { os.Exit(suite.Run(m)) }

// store is a database without a program.
type store struct {
	t     *testing.T
	shape string
	// folder names its migrations.
	folder string
	// place is a URL, or the data folder of the standalone shape.
	place string
}

// eachStore runs a test with a database of each kind.
func eachStore(t *testing.T, f func(t *testing.T, s *store)) {
	t.Helper()
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		f(t, &store{t: t, shape: harness.Production, folder: "postgresql", place: suite.Postgres(t).NewDatabase(t)})
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, &store{t: t, shape: harness.Standalone, folder: "sqlite", place: t.TempDir()})
	})
}

func (s *store) open() *sql.DB {
	s.t.Helper()
	driver, name := "postgres", s.place
	if s.shape == harness.Standalone {
		driver, name = "sqlite", filepath.Join(s.place, "harborhook.db")
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}

// migrateTo brings the schema to a version.
func (s *store) migrateTo(version int) {
	s.t.Helper()
	db := s.open()
	var target database.Driver
	var err error
	if s.shape == harness.Standalone {
		target, err = sqlitemigrate.WithInstance(db, &sqlitemigrate.Config{})
	} else {
		target, err = pgmigrate.WithInstance(db, &pgmigrate.Config{})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	source, err := iofs.New(migrations.FS, s.folder)
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := migrate.NewWithInstance("iofs", source, s.folder, target)
	if err != nil {
		s.t.Fatal(err)
	}
	err = m.Migrate(uint(version))
	if errors.Is(err, migrate.ErrNoChange) {
		err = nil
	}
	sourceErr, targetErr := m.Close()
	if err := errors.Join(err, sourceErr, targetErr); err != nil {
		s.t.Fatal(err)
	}
}

// exec runs statements.
func (s *store) exec(statements string) {
	s.t.Helper()
	db := s.open()
	defer db.Close()
	if _, err := db.ExecContext(s.t.Context(), statements); err != nil {
		s.t.Fatalf("%v", err)
	}
}

// texts returns the answer of a query that has one column.
func (s *store) texts(query string, args ...any) []string {
	s.t.Helper()
	db := s.open()
	defer db.Close()
	rows, err := db.QueryContext(s.t.Context(), query, args...)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// run starts the program on the database.
func (s *store) run() *harness.System {
	s.t.Helper()
	settings := harness.Settings{"ENCRYPTION_KEY": key, "RETRY_BACKOFF": "200ms,300ms,400ms"}
	var system *harness.System
	if s.shape == harness.Standalone {
		settings["DATA_DIR"] = s.place
		system = suite.NewStandalone(s.t, settings)
	} else {
		system = suite.NewProduction(s.t, s.place, suite.Redis(s.t), settings)
	}
	system.Admin = system.As("admin", "Passw0rd-of-root")
	return system
}

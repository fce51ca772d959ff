// Package sqlite opens a store on a SQLite file. It is the only package that
// knows modernc.org/sqlite.
package sqlite

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/astaxie/beego/orm"
	sqlitemigrate "github.com/golang-migrate/migrate/v4/database/sqlite"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/harborhook/harborhook/src/store"
	"github.com/harborhook/harborhook/src/store/schema"
)

// The ORM knows drivers by a process-wide registry.
func init() {
	if err := orm.RegisterDriver("sqlite", orm.DRSqlite); err != nil {
		panic(err) // only a second registration under another type can fail
	}
}

var dialect = store.Dialect{
	Driver: "sqlite",
	Now:    "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
	Values: values,
	In:     "IN (SELECT value FROM json_each(%s))",
	IDs:    func(ids []int64) any { return list(ids) },
	Texts:  func(texts []string) any { return list(texts) },
	Lower:  "%s", // LIKE ignores their case
	// A transaction that reads sees one state of the file anyway.
	Snapshot: sql.LevelDefault,
	InsertBlock: []string{
		`INSERT INTO webhook_search (project_id, first_job, last_job, jobs) VALUES ($1, $2, $3, $4)`,
		`INSERT INTO webhook_search_grams (rowid, grams) VALUES (last_insert_rowid(), $5)`,
	},
	DeleteBlocks: []string{`DELETE FROM webhook_search_grams WHERE rowid %s`, `DELETE FROM webhook_search WHERE id %s`},
	MatchBlock:   "id IN (SELECT rowid FROM webhook_search_grams WHERE webhook_search_grams MATCH %s)",
	Grams:        func(grams []int) any { return strings.Join(words(grams), " ") },
	AskGrams:     func(grams []int) any { return strings.Join(words(grams), " AND ") },
	Writers:      1, // SQLite has one writer at a time
	IsUnique: func(err error) bool {
		code := codeOf(err)
		return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	},
	IsUnavailable: isUnavailable,
}

// values reads the rows from JSON, so that the text depends on the columns only.
func values(first int, columns []store.Column, rows [][]any) (text string, args []any) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprintf("value->>%d AS %s", i, c.Name)
	}
	data, _ := json.Marshal(append([][]any{}, rows...)) //nolint:errchkjson // numbers, texts and booleans always marshal
	return fmt.Sprintf("SELECT %s FROM json_each($%d)", strings.Join(names, ","), first), []any{string(data)}
}

// words writes grams as words of the full-text index.
func words(grams []int) []string {
	text := make([]string, len(grams))
	for i, g := range grams {
		text[i] = "g" + strconv.FormatInt(int64(g), 36)
	}
	return text
}

// list writes values for json_each. None is [], not null, which would be a value.
func list[V int64 | string](values []V) string {
	text, _ := json.Marshal(append([]V{}, values...)) //nolint:errchkjson // numbers and texts always marshal
	return string(text)
}

// readers bounds the connections that read beside the one that writes.
const readers = 8

// Open returns a store on the file, whose schema is up to date. key encrypts
// secrets at rest: 32 bytes; old ones read what they have encrypted.
func Open(path string, key []byte, old ...[]byte) (*store.Store, error) {
	write, err := open(path, "&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := open(path, "&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	s, err := store.New(store.Config{Dialect: dialect, Write: write, Read: read, Key: key, OldKeys: old})
	if err != nil {
		return nil, errors.Join(err, write.Close(), read.Close())
	}
	return s, nil
}

// open sets what durability needs: a write-ahead log that is synced at every commit.
func open(path, more string) (*sql.DB, error) {
	file := url.URL{Scheme: "file", Opaque: url.PathEscape(path)}
	db, err := sql.Open("sqlite", file.String()+
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"+more)
	if err != nil {
		return nil, fmt.Errorf("open the database file: %w", err)
	}
	return db, nil
}

// Migrate brings the schema of the file up to date, and creates it if needed.
func Migrate(path string) error {
	db, err := open(path, "")
	if err != nil {
		return err
	}
	target, err := sqlitemigrate.WithInstance(db, &sqlitemigrate.Config{})
	if err != nil {
		return errors.Join(fmt.Errorf("prepare the migration: %w", err), db.Close())
	}
	return schema.Up("sqlite", target)
}

func codeOf(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// isUnavailable knows a file that is locked, full or cannot be read or written.
func isUnavailable(err error) bool {
	switch codeOf(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return true
	default:
		return false
	}
}

package harness

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// searchFiles looks for secrets in the files of the SQLite database of a standalone
// system that has stopped.
func (s *System) searchFiles(t T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.DataDir, "*.db*"))
	if err != nil || len(files) == 0 {
		t.Errorf("the database's files in %s: %v %v", s.DataDir, files, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Errorf("read the database: %v", err)
		}
		s.secrets.none(t, "the database "+filepath.Base(name), string(content))
	}
}

// searchDatabase looks for secrets in every column of every table.
func (s *System) searchDatabase(t T, databaseURL string) {
	t.Helper()
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		t.Errorf("open the database: %v", err)
		return
	}
	defer db.Close()
	var tables []string
	err = each(db, `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables
		WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`, func(row []sql.RawBytes) {
		tables = append(tables, string(row[0]))
	})
	if err != nil || len(tables) == 0 {
		t.Errorf("the tables of the database: %v %v", tables, err)
	}
	for _, table := range tables {
		err := each(db, "SELECT * FROM "+table, func(row []sql.RawBytes) {
			for _, column := range row {
				s.secrets.none(t, "the table "+table, string(column))
			}
		})
		if err != nil {
			t.Errorf("read the table %s: %v", table, err)
		}
	}
}

// each calls f for every row of a query.
func each(db *sql.DB, query string, f func(row []sql.RawBytes)) error {
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	row, places := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range row {
		places[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		f(row)
	}
	return rows.Err()
}

// searchRedis looks for secrets in every key of the system's.
func (s *System) searchRedis(t T, r *Redis, namespace string) {
	t.Helper()
	keys, err := redis.Strings(r.do("KEYS", namespace+"*"))
	if err != nil {
		t.Errorf("the keys of Redis: %v", err)
	}
	for _, key := range keys {
		content, err := r.content(key)
		if err != nil {
			t.Errorf("read %s of Redis: %v", key, err)
		}
		s.secrets.none(t, "Redis", key+"\n"+content)
	}
}

// content returns what a key holds, as text. A key that has just ended holds nothing.
func (r *Redis) content(key string) (string, error) {
	kind, err := redis.String(r.do("TYPE", key))
	if err != nil {
		return "", err
	}
	read := map[string][]any{
		"string": {"GET", key}, "list": {"LRANGE", key, 0, -1}, "hash": {"HGETALL", key}, "set": {"SMEMBERS", key}, "zset": {"ZRANGE", key, 0, -1},
	}[kind]
	switch {
	case kind == "none":
		return "", nil
	case read == nil:
		return "", fmt.Errorf("it is a %s", kind)
	case kind == "string":
		return redis.String(r.do("GET", key))
	}
	texts, err := redis.Strings(r.do(read[0].(string), read[1:]...))
	return strings.Join(texts, "\n"), err
}

// keepGenerated takes the secrets that a standalone process has made for itself.
func (s *System) keepGenerated(t T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.DataDir, "secrets", "*"))
	if err != nil {
		t.Fatalf("the generated secrets: %v", err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("read a generated secret: %v", err)
		}
		s.secrets.add(kindSystem, strings.TrimSpace(string(content)))
	}
}

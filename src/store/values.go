package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// rowsAStatement bounds the rows of one INSERT, and with them its placeholders
// (PostgreSQL takes 65,535, SQLite 32,766).
const rowsAStatement = 500

// bulk is a statement that writes many rows: SQL around a table of values.
type bulk struct {
	before, after string
	columns       []Column
}

// text returns the statement for rows, with placeholders from first on.
func (b bulk) text(d Dialect, first int, rows [][]any) (text string, args []any) {
	source, args := d.Values(first, b.columns, rows)
	return b.before + source + b.after, args
}

// where returns the bulk for those of its rows v that meet a condition. It must be
// one that insertInto made.
func (b bulk) where(condition string) bulk {
	b.after = strings.Replace(b.after, everyRow, `) AS v WHERE `+condition, 1)
	return b
}

// everyRow ends the rows of an INSERT. Without WHERE, SQLite takes ON CONFLICT for
// a join's ON.
const everyRow = `) AS v WHERE true`

// insertInto returns the bulk that inserts rows into columns. Each row gets the
// constants too: columns with an SQL expression. The rest, for example ON
// CONFLICT, ends the statement.
func insertInto(table string, columns []Column, constants [][2]string, rest string) bulk {
	var names, values []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	for _, c := range constants {
		names, values = append(names, c[0]), append(values, ", "+c[1])
	}
	return bulk{
		before:  `INSERT INTO ` + table + ` (` + strings.Join(names, ", ") + `) SELECT v.*` + strings.Join(values, "") + ` FROM (`,
		after:   everyRow + ` ` + rest,
		columns: columns,
	}
}

// query runs a bulk with its rows in a transaction.
func (s *Store) query(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any) (*sql.Rows, error) {
	text, args := b.text(s.d, 1, rows)
	return tx.QueryContext(ctx, text, args...)
}

// exec is query without rows to read.
func (s *Store) exec(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any) error {
	result, err := s.query(ctx, tx, b, rows)
	if err != nil {
		return err
	}
	return eachRow(result, func() error { return nil })
}

// part is a bulk with its rows, as a named part of a joined statement.
type part struct {
	name string
	bulk bulk
	rows [][]any
}

// joined runs parts and a SELECT of what they return as one statement, and so in
// one round trip and one transaction. Parts without rows are left out.
func (s *Store) joined(ctx context.Context, db *sql.DB, parts []part, rest string) (*sql.Rows, error) {
	return s.joinedAll(ctx, db, slices.DeleteFunc(parts, func(p part) bool { return len(p.rows) == 0 }), rest)
}

// joinedAll is joined, with the parts that have no rows.
func (s *Store) joinedAll(ctx context.Context, db *sql.DB, parts []part, rest string) (*sql.Rows, error) {
	var b strings.Builder
	var args []any
	for _, p := range parts {
		if len(args) > 0 {
			b.WriteString(", ")
		} else {
			b.WriteString("WITH ")
		}
		text, more := p.bulk.text(s.d, len(args)+1, p.rows)
		b.WriteString(p.name + " AS (" + text + ")")
		args = append(args, more...)
	}
	b.WriteString(" " + rest)
	return s.hotQuery(ctx, db, b.String(), args...)
}

// hotQuery runs a statement that is used again and again, prepared if that is
// worth it. There must be few different texts, each for one database only.
func (s *Store) hotQuery(ctx context.Context, db *sql.DB, text string, args ...any) (*sql.Rows, error) {
	if !s.d.OneStatement {
		return db.QueryContext(ctx, text, args...)
	}
	known, ok := s.prepared.Load(text)
	if !ok {
		statement, err := db.PrepareContext(ctx, text)
		if err != nil {
			return nil, fmt.Errorf("prepare a statement: %w", err)
		}
		var lost bool
		if known, lost = s.prepared.LoadOrStore(text, statement); lost {
			if err := statement.Close(); err != nil {
				return nil, fmt.Errorf("close a statement: %w", err)
			}
		}
	}
	return known.(*sql.Stmt).QueryContext(ctx, args...)
}

// where builds the WHERE of a list that its caller may narrow.
type where struct {
	sql  strings.Builder
	args []any
}

// arg adds a value and returns its placeholder.
func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

// and adds a condition.
func (w *where) and(condition string) {
	if w.sql.Len() > 0 {
		w.sql.WriteString(" AND ")
	}
	w.sql.WriteString(condition)
}

// in adds the condition that the column has one of the values, if there are any.
func (w *where) in(column string, values []string) {
	if len(values) == 0 {
		return
	}
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = w.arg(v)
	}
	w.and(column + " IN (" + strings.Join(places, ",") + ")")
}

// textsOf turns values of a kind of text into plain text.
func textsOf[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return texts
}

// String returns the conditions, joined by AND.
func (w *where) String() string { return w.sql.String() }

// sortedKeys returns the keys of m in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}

// eachRow calls scan for every row and closes the result.
func eachRow(result *sql.Rows, scan func() error) error {
	for result.Next() {
		if err := scan(); err != nil {
			return errors.Join(err, result.Close())
		}
	}
	return errors.Join(result.Err(), result.Close())
}

// column returns a result of one column, and closes it.
func column[T any](result *sql.Rows) ([]T, error) {
	var values []T
	err := eachRow(result, func() error {
		var v T
		err := result.Scan(&v)
		values = append(values, v)
		return err
	})
	return values, err
}

// storable makes a stranger's text fit for a text column: PostgreSQL refuses
// invalid UTF-8 and NUL, and a refused attempt would keep its job from finishing.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

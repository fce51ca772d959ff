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

// bulk is a statement that writes many rows: SQL around a table of values, whose
// columns have types: text, bigint, integer or boolean.
type bulk struct {
	before, after string
	types         []string
}

// insertInto returns the bulk that inserts rows into columns. Each row gets the
// constants too: columns with an SQL expression. The rest, for example ON
// CONFLICT, ends the statement.
func insertInto(table string, columns [][2]string, constants [][2]string, rest string) bulk {
	var names, types, values []string
	for _, c := range columns {
		names, types = append(names, c[0]), append(types, c[1])
	}
	for _, c := range constants {
		names, values = append(names, c[0]), append(values, ", "+c[1])
	}
	return bulk{
		before: `INSERT INTO ` + table + ` (` + strings.Join(names, ", ") + `) SELECT v.*` + strings.Join(values, "") + ` FROM (`,
		after:  `) AS v WHERE true ` + rest, // without WHERE, SQLite takes ON CONFLICT for a join's ON
		types:  types,
	}
}

// query runs a bulk with its rows. The statement's text is the same each time
// where the dialect says so, and is then prepared once; ready must have been
// called before the transaction began.
func (s *Store) query(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any) (*sql.Rows, error) {
	source, args := s.d.Values(b.types, rows)
	text := b.before + source + b.after
	if known, ok := s.prepared.Load(text); ok {
		return tx.StmtContext(ctx, known.(*sql.Stmt)).QueryContext(ctx, args...)
	}
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

// ready prepares statements. A transaction must not wait for the connection that
// this needs: all of them might be in transactions.
func (s *Store) ready(ctx context.Context, statements ...bulk) error {
	if !s.d.ConstantText {
		return nil
	}
	for _, b := range statements {
		source, _ := s.d.Values(b.types, nil)
		text := b.before + source + b.after
		if _, ok := s.prepared.Load(text); ok {
			continue
		}
		statement, err := s.write.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("prepare a statement: %w", err)
		}
		if _, lost := s.prepared.LoadOrStore(text, statement); lost {
			if err := statement.Close(); err != nil {
				return fmt.Errorf("close a statement: %w", err)
			}
		}
	}
	return nil
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

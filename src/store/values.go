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

// bulk is a statement that writes many rows: SQL around a table of values. row is
// the same for one row, with a placeholder for each column and without RETURNING.
type bulk struct {
	before, after string
	row           string
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

// everyRow ends the rows of an INSERT.
const everyRow = `) AS v WHERE true`

// insertInto returns the bulk that inserts rows into columns. Each row gets the
// constants too: columns with an SQL expression. What to do in a conflict, and what
// to return, end the statement.
func insertInto(table string, columns []Column, constants [][2]string, conflict, returning string) bulk {
	var names, values []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	for _, c := range constants {
		names, values = append(names, c[0]), append(values, ", "+c[1])
	}
	into, constant := `INSERT INTO `+table+` (`+strings.Join(names, ", ")+`) `, strings.Join(values, "")
	return bulk{
		before:  into + `SELECT v.*` + constant + ` FROM (`,
		after:   everyRow + ` ` + conflict + ` ` + returning,
		row:     into + `VALUES (?` + strings.Repeat(`,?`, len(columns)-1) + constant + `) ` + conflict,
		columns: columns,
	}
}

// writeRows runs a bulk with its rows in a transaction. It tells what was written: each
// row that was returned, or, from databases that take rows one by one, each row and
// the id it was inserted with.
func (s *Store) writeRows(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any, returned func(*sql.Rows) error, wrote func(row []any, id int64)) error {
	if !s.d.OneStatement {
		return s.writeEach(ctx, tx, b, rows, wrote)
	}
	for part := range slices.Chunk(rows, rowsAStatement) {
		text, args := b.text(s.d, 1, part)
		result, err := tx.QueryContext(ctx, text, args...)
		if err != nil {
			return err
		}
		if err := eachRow(result, func() error { return returned(result) }); err != nil {
			return err
		}
	}
	return nil
}

// exec is writeRows for bulks that return nothing.
func (s *Store) exec(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any) error {
	return s.writeRows(ctx, tx, b, rows, func(*sql.Rows) error { return nil }, func([]any, int64) {})
}

// writeEach writes row by row, with a statement that was prepared before the
// transaction, if it was.
func (s *Store) writeEach(ctx context.Context, tx *sql.Tx, b bulk, rows [][]any, wrote func(row []any, id int64)) (err error) {
	if len(rows) == 0 {
		return nil
	}
	var statement *sql.Stmt
	if known, ok := s.prepared.Load(b.row); ok {
		statement = tx.StmtContext(ctx, known.(*sql.Stmt))
	} else if statement, err = tx.PrepareContext(ctx, b.row); err != nil {
		return fmt.Errorf("prepare a statement: %w", err)
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	for _, row := range rows {
		result, err := statement.ExecContext(ctx, row...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		id, err := result.LastInsertId()
		if err != nil {
			return err
		}
		wrote(row, id)
	}
	return nil
}

// prepareEach prepares bulks for databases that take rows one by one. It must be
// called before the transaction, which may hold the only connection.
func (s *Store) prepareEach(ctx context.Context, bulks ...bulk) error {
	if s.d.OneStatement {
		return nil
	}
	for _, b := range bulks {
		if _, err := s.statement(ctx, s.write, b.row); err != nil {
			return err
		}
	}
	return nil
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

// hotQuery runs a statement that is used again and again, prepared. There must be
// few different texts, each for one database only.
func (s *Store) hotQuery(ctx context.Context, db *sql.DB, text string, args ...any) (*sql.Rows, error) {
	statement, err := s.statement(ctx, db, text)
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...)
}

// statement returns the prepared statement of a text.
func (s *Store) statement(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	if known, ok := s.prepared.Load(text); ok {
		return known.(*sql.Stmt), nil
	}
	statement, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("prepare a statement: %w", err)
	}
	known, lost := s.prepared.LoadOrStore(text, statement)
	if lost {
		if err := statement.Close(); err != nil {
			return nil, fmt.Errorf("close a statement: %w", err)
		}
	}
	return known.(*sql.Stmt), nil
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

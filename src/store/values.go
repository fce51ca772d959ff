package store

import (
	"cmp"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// rowsAStatement bounds the rows of one INSERT, and with them its placeholders
// (PostgreSQL takes 65,535, SQLite 32,766).
const rowsAStatement = 500

// raw is SQL that stands in a row as it is, in place of a value.
type raw string

// rows builds the VALUES of a statement that writes many rows: one placeholder
// for each value, in order.
type rows struct {
	placeholder func(n int) string
	sql         strings.Builder
	args        []any
}

func (s *Store) newRows() *rows { return &rows{placeholder: s.d.Placeholder} }

// add appends one row.
func (r *rows) add(values ...any) {
	if r.sql.Len() > 0 {
		r.sql.WriteByte(',')
	}
	r.sql.WriteByte('(')
	for i, v := range values {
		if i > 0 {
			r.sql.WriteByte(',')
		}
		if text, ok := v.(raw); ok {
			r.sql.WriteString(string(text))
			continue
		}
		r.args = append(r.args, v)
		r.sql.WriteString(r.placeholder(len(r.args)))
	}
	r.sql.WriteByte(')')
}

// addTyped appends a row whose values are cast to types. The first row of VALUES
// that stand alone decides the types of the columns.
func (r *rows) addTyped(types []string, values ...any) {
	casts := make([]any, len(values))
	for i, v := range values {
		r.args = append(r.args, v)
		casts[i] = raw("CAST(" + r.placeholder(len(r.args)) + " AS " + types[i] + ")")
	}
	r.add(casts...)
}

// String returns "($1,$2),($3,$4)…", or the same with the dialect's placeholders.
func (r *rows) String() string { return r.sql.String() }

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

// storable makes a stranger's text fit for a text column: PostgreSQL refuses
// invalid UTF-8 and NUL, and a refused attempt would keep its job from finishing.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

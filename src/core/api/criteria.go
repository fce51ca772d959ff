package api

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// comparison is how a criterion compares.
type comparison int

const (
	equals comparison = iota
	contains
	between
	anyOf
	allOf
)

// criterion is one condition of the parameter q.
type criterion struct {
	key    string
	how    comparison
	values []string
}

// criteria reads the parameter q in Harbor 2's syntax: conditions joined by
// commas, k=v (equal), k=~v (contains), k=[min~max] (between), k={a b} (any of)
// and k=(a b) (all of). Its value is unescaped once more, as Harbor does.
func (q *query) criteria() []criterion {
	text, ok := q.text("q")
	if !ok || text == "" {
		return nil
	}
	text, err := url.QueryUnescape(text)
	if err != nil || !saneQuery(text) {
		q.badCriteria("it is malformed")
		return nil
	}
	var found []criterion
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		if key = strings.TrimSpace(key); key == "" || strings.TrimSpace(value) == "" {
			q.badCriteria("every part must be key=value")
			return nil
		}
		c, ok := parseCriterion(key, strings.TrimSpace(value))
		if !ok {
			q.badCriteria("a range must be [min~max], a list {a b} or (a b)")
			return nil
		}
		found = append(found, c)
	}
	return found
}

// badCriteria is a 400 in either family.
func (q *query) badCriteria(reason string) {
	if q.err == nil {
		q.err = hook.Invalid("q", reason)
	}
}

func parseCriterion(key, value string) (criterion, bool) {
	inner := func(last string) (string, bool) { return strings.CutSuffix(value[1:], last) }
	switch value[0] {
	case '~':
		return criterion{key, contains, []string{value[1:]}}, true
	case '[':
		text, ok := inner("]")
		least, most, isRange := strings.Cut(text, "~")
		return criterion{key, between, []string{least, most}}, ok && isRange
	case '{':
		text, ok := inner("}")
		return criterion{key, anyOf, strings.Fields(text)}, ok && strings.TrimSpace(text) != ""
	case '(':
		text, ok := inner(")")
		return criterion{key, allOf, strings.Fields(text)}, ok && strings.TrimSpace(text) != ""
	default:
		return criterion{key, equals, []string{value}}, true
	}
}

// matches says whether a value meets the criterion.
func (c criterion) matches(value string) bool {
	same := func(wanted string) bool { return wanted == value }
	switch c.how {
	case contains:
		return strings.Contains(strings.ToLower(value), strings.ToLower(c.values[0]))
	case between:
		least, most := c.values[0], c.values[1]
		return (least == "" || compareText(value, least) >= 0) && (most == "" || compareText(value, most) <= 0)
	case allOf:
		return !slices.ContainsFunc(c.values, func(wanted string) bool { return !same(wanted) })
	default:
		return slices.ContainsFunc(c.values, same)
	}
}

// compareText orders numbers by value and everything else as text.
func compareText(a, b string) int {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

// comparableTime writes a time so that text compares as the times do, with what
// Harbor's clients write (2006-01-02T15:04:05) too.
func comparableTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }

// columns are the members of a list's entries that q and sort know, by name.
type columns[T any] map[string]func(T) string

// narrow returns the entries that meet every criterion. Unknown names are left
// alone, as Harbor does.
func (cs columns[T]) narrow(list []T, criteria []criterion) []T {
	return slices.DeleteFunc(slices.Clone(list), func(entry T) bool {
		return slices.ContainsFunc(criteria, func(c criterion) bool {
			column, known := cs[c.key]
			return known && !c.matches(column(entry))
		})
	})
}

// order sorts by names joined by commas, a minus before one turning it round.
// Unknown names are left alone, as Harbor does.
func (cs columns[T]) order(list []T, by string) []T {
	slices.SortStableFunc(list, func(a, b T) int {
		for name := range strings.SplitSeq(by, ",") {
			name, descending := strings.CutPrefix(name, "-")
			column, known := cs[name]
			if !known {
				continue
			}
			d := compareText(column(a), column(b))
			if descending {
				d = -d
			}
			if d != 0 {
				return d
			}
		}
		return 0
	})
	return list
}

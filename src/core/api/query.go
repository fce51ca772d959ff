package api

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/hook"
)

// query is the query of a request. Like object, it keeps the first mistake.
type query struct {
	family *Family
	values url.Values
	err    error
}

func (c *call) query() *query {
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return &query{family: c.family, err: hook.Invalid("", "the query is malformed")}
	}
	return &query{family: c.family, values: values}
}

func (q *query) fail(name, reason string) {
	if q.err == nil {
		q.err = refuse(q.family.badParameter, name+": "+reason)
	}
}

// text returns a parameter that may be given once, and whether it is given.
func (q *query) text(name string) (string, bool) {
	given := q.values[name]
	switch {
	case len(given) == 0:
		return "", false
	case len(given) > 1:
		q.fail(name, "is given twice")
	case !saneQuery(given[0]):
		q.fail(name, "must be UTF-8 without NUL")
	}
	return given[0], true
}

// optional returns a parameter's text, empty if it is not given.
func (q *query) optional(name string) string {
	text, _ := q.text(name)
	return text
}

// integer returns a number between least and most, or otherwise if it is not given.
func (q *query) integer(name string, otherwise, least, most int64) int64 {
	text, ok := q.text(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		q.fail(name, "must be an integer from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
	}
	return n
}

// boolean returns true or false; false if it is not given.
func (q *query) boolean(name string) bool {
	text, ok := q.text(name)
	if !ok {
		return false
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		q.fail(name, "must be true or false")
	}
	return yes
}

func (q *query) time(name string) time.Time {
	text, ok := q.text(name)
	if !ok {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		q.fail(name, "must be a time as in 2020-03-03T07:58:52Z")
	}
	return t
}

// saneQuery says whether the database can compare with the text.
func saneQuery(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

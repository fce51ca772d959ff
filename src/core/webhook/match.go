package webhook

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/hook"
)

// Limits of filters. RE2 has no catastrophic patterns, but its cost grows with
// the size of the compiled pattern.
const (
	maxPatternLength = 256 // characters
	maxInstructions  = 2000
	maxListEntries   = 100
	maxFilters       = 20
)

// matcher decides whether an event passes the filters of a policy.
type matcher struct {
	repositories []nameFilter
	tags         []nameFilter
}

// nameFilter is one compiled filter.
type nameFilter struct {
	// position is the filter's place in the policy's list, from 0.
	position int
	pattern  *regexp.Regexp
	list     []string
}

func (f *nameFilter) matches(name string) bool {
	if f.pattern == nil {
		return slices.Contains(f.list, name)
	}
	return f.pattern.MatchString(name)
}

// compile turns filters into a matcher. What is wrong with one is a
// hook.InvalidError that names it.
func compile(filters []hook.Filter) (*matcher, error) {
	if len(filters) > maxFilters {
		return nil, hook.Invalidf("filters", "has %d entries, at most %d are possible", len(filters), maxFilters)
	}
	m := &matcher{}
	for i, f := range filters {
		compiled, err := compileFilter(f)
		if err != nil {
			return nil, inFilter(i, err)
		}
		compiled.position = i
		switch f.Kind {
		case hook.FilterRepository:
			m.repositories = append(m.repositories, compiled)
		case hook.FilterTag:
			m.tags = append(m.tags, compiled)
		default:
			return nil, hook.Invalidf(fmt.Sprintf("filters[%d].kind", i), "is %q; it must be %q or %q", f.Kind, hook.FilterRepository, hook.FilterTag)
		}
	}
	return m, nil
}

// inFilter names the filter that an error of compileFilter is about.
func inFilter(position int, err error) error {
	field := fmt.Sprintf("filters[%d].value", position)
	var invalid *hook.InvalidError
	if errors.As(err, &invalid) {
		return invalid.In(field)
	}
	return hook.Invalid(field, err.Error())
}

// compileFilter fails with a hook.InvalidError.
func compileFilter(f hook.Filter) (nameFilter, error) {
	if f.List != nil {
		return nameFilter{list: f.List}, checkList(f.List)
	}
	if f.Pattern == "" {
		return nameFilter{}, hook.Invalid("", "is empty; leave the filter out to match everything")
	}
	if n := utf8.RuneCountInString(f.Pattern); n > maxPatternLength {
		return nameFilter{}, hook.Invalidf("", "has %d characters, at most %d are possible", n, maxPatternLength)
	}
	parsed, err := syntax.Parse(f.Pattern, syntax.Perl)
	if err != nil {
		return nameFilter{}, explain(f.Pattern, err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nameFilter{}, explain(f.Pattern, err)
	}
	if len(program.Inst) > maxInstructions {
		return nameFilter{}, hook.Invalidf("", "is too complex: its repetitions come to %d instructions, at most %d are possible", len(program.Inst), maxInstructions)
	}
	// The whole name must match, whichever alternative does.
	pattern, err := regexp.Compile(`^(?:` + f.Pattern + `)$`)
	if err != nil {
		return nameFilter{}, explain(f.Pattern, err)
	}
	return nameFilter{pattern: pattern}, nil
}

func checkList(list []string) error {
	if len(list) == 0 || len(list) > maxListEntries {
		return hook.Invalidf("", "has %d entries, 1 to %d are possible", len(list), maxListEntries)
	}
	for i, name := range list {
		if name == "" || utf8.RuneCountInString(name) > maxPatternLength {
			return hook.Invalidf("", "entry %d has %d characters, 1 to %d are possible", i, utf8.RuneCountInString(name), maxPatternLength)
		}
	}
	return nil
}

// explain says where in the pattern the error is, as the parser names the part
// that it does not like.
func explain(pattern string, err error) error {
	var e *syntax.Error
	if !asSyntaxError(err, &e) {
		return hook.Invalidf("", "is no regular expression: %s", err)
	}
	return hook.Invalidf("", "is no regular expression: %s at position %d: %q", hook.Term(e.Code), position(pattern, e.Expr), e.Expr)
}

// match narrows an event to the resources that pass, and says whether any does.
// Kinds are joined by and, several filters of one kind by or. An event without
// repository passes no repository filter, a resource without tag no tag filter.
func (m *matcher) match(e hook.Event) (hook.Event, bool) {
	if len(m.repositories) > 0 && !anyMatches(m.repositories, e.Repository) {
		return e, false
	}
	if len(m.tags) == 0 {
		return e, true
	}
	passes := func(r hook.Resource) bool { return anyMatches(m.tags, r.Tag) }
	if !slices.ContainsFunc(e.Resources, func(r hook.Resource) bool { return !passes(r) }) {
		return e, len(e.Resources) > 0
	}
	var pass []hook.Resource
	for _, r := range e.Resources {
		if passes(r) {
			pass = append(pass, r)
		}
	}
	e.Resources = pass
	return e, len(pass) > 0
}

func anyMatches(filters []nameFilter, name string) bool {
	if name == "" {
		return false
	}
	for i := range filters {
		if filters[i].matches(name) {
			return true
		}
	}
	return false
}

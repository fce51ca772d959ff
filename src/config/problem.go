package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem says what is wrong with one setting. It never holds a secret's value.
type Problem struct {
	// Variable is the setting's variable, or an unknown key of the file.
	Variable string
	// From says where the value came from, empty for a default.
	From string
	// Wrong says what is wrong with it.
	Wrong string
	// Want says what a right value looks like.
	Want string
}

func (p *Problem) Error() string {
	var b strings.Builder
	if p.Variable != "" {
		b.WriteString(p.Variable)
		if p.From != "" {
			fmt.Fprintf(&b, " (%s)", p.From)
		}
		b.WriteString(": ")
	}
	b.WriteString(p.Wrong)
	if p.Want != "" {
		fmt.Fprintf(&b, "; want %s", p.Want)
	}
	return b.String()
}

// Problems is every Problem of a configuration, one a line.
type Problems []*Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// inOrder returns p in the order of Config's fields.
func (p Problems) inOrder() Problems {
	place := map[string]int{}
	for i, s := range Settings() {
		place[s.Variable] = i
	}
	slices.SortStableFunc(p, func(a, b *Problem) int { return place[a.Variable] - place[b.Variable] })
	return p
}

// orNil returns p as an error, nil when it is empty.
func (p Problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// wrong begins a Problem whose variable the caller fills in.
func wrong(format string, args ...any) *Problem {
	return &Problem{Wrong: fmt.Sprintf(format, args...)}
}

func (p *Problem) want(format string, args ...any) *Problem {
	p.Want = fmt.Sprintf(format, args...)
	return p
}

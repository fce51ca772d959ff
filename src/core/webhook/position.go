package webhook

import (
	"errors"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

func asSyntaxError(err error, target **syntax.Error) bool { return errors.As(err, target) }

// position counts characters from 1. The parser quotes either the faulty part or,
// for a missing parenthesis, the whole pattern.
func position(pattern, part string) int {
	if i := strings.LastIndex(pattern, part); i > 0 && part != "" {
		return utf8.RuneCountInString(pattern[:i]) + 1
	}
	return 1
}

package component

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Longest names in bytes.
const (
	maxID         = 128
	maxName       = 255
	maxRepository = 255
)

// The grammars are those of the distribution specification.
var (
	repositoryName = regexp.MustCompile(`^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$`)
	tagName        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	digestText     = regexp.MustCompile(`^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]{32,}$`)
)

// checkName takes what people may call something.
func checkName(s string) error { return checkText(s, maxName) }

func checkID(s string) error { return checkText(s, maxID) }

func checkText(s string, longest int) error {
	switch {
	case len(s) > longest:
		return fmt.Errorf("has %d bytes, at most %d are possible", len(s), longest)
	case strings.ContainsFunc(s, unicode.IsControl):
		return errors.New("must not contain control characters")
	default:
		return nil
	}
}

func checkRepository(s string) error {
	if len(s) > maxRepository || !repositoryName.MatchString(s) {
		return fmt.Errorf("is not the name of a repository, which has up to %d lower-case characters and is told without its project", maxRepository)
	}
	return nil
}

func checkTag(s string) error {
	if !tagName.MatchString(s) {
		return errors.New("is not a tag")
	}
	return nil
}

func checkDigest(s string) error {
	if len(s) > maxName || !digestText.MatchString(s) {
		return errors.New("is not a digest, such as sha256: and 64 hexadecimal digits")
	}
	return nil
}

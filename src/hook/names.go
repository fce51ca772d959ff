package hook

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// UsernameFault says what is wrong with the name of a user, or nothing: it refuses
// what HTTP basic authentication (the colon) and Harbor (the rest) cannot take.
func UsernameFault(name string) string {
	switch {
	case name == "" || utf8.RuneCountInString(name) > 255:
		return "must have 1 to 255 characters"
	case strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl):
		return "must not begin or end with a blank, nor hold control characters"
	case strings.ContainsAny(name, `,"~#%$:`):
		return `must not contain , " ~ # % $ or :`
	default:
		return ""
	}
}

var projectName = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

// ValidProjectName says whether this can be the first element of a repository's name.
func ValidProjectName(name string) bool { return len(name) <= 255 && projectName.MatchString(name) }

// ShortTextFault says what is wrong with a line about a user, or nothing.
func ShortTextFault(text string) string {
	if utf8.RuneCountInString(text) > 255 || strings.ContainsFunc(text, unicode.IsControl) {
		return "must have at most 255 characters, none of them a control character"
	}
	return ""
}

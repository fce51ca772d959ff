// Package words is the catalogue of what pages say, in every language. English
// messages are their own keys.
package words

import (
	"fmt"
	"maps"
	"strings"
)

// Language is one of the languages of the pages.
type Language struct {
	// Tag is its BCP 47 tag, and Name what it calls itself.
	Tag, Name string
	messages  map[string]string
	// patterns find messages that were stored filled in.
	patterns []pattern
}

// Languages lists all languages, the default first.
func Languages() []Language {
	zh := chinese()
	maps.Copy(zh, chineseReasons())
	return []Language{
		{Tag: "en", Name: "English"},
		{Tag: "zh-CN", Name: "简体中文", messages: zh, patterns: patterns()},
	}
}

// Choose returns the one of the languages that has this tag or else the one that the header
// Accept-Language prefers, or else the default.
func Choose(all []Language, tag, accept string) Language {
	for _, l := range all {
		if l.Tag == tag {
			return l
		}
	}
	for part := range strings.SplitSeq(accept, ",") {
		wanted, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		wanted, _, _ = strings.Cut(strings.ToLower(wanted), "-")
		for _, l := range all {
			if have, _, _ := strings.Cut(strings.ToLower(l.Tag), "-"); have == wanted {
				return l
			}
		}
	}
	return all[0]
}

// T returns a message in the language, with its verbs filled in. What the
// catalogue does not have stays English.
func (l Language) T(message string, args ...any) string {
	if translated, ok := l.messages[message]; ok {
		message = translated
	}
	if len(args) == 0 {
		return message
	}
	return fmt.Sprintf(message, args...)
}

// N returns the message for one thing, or for so many, whose number is its first verb.
func (l Language) N(n int, one, many string) string {
	if n == 1 {
		return l.T(one)
	}
	return l.T(many, n)
}

// Has says whether the language has a message of its own.
func (l Language) Has(message string) bool {
	_, ok := l.messages[message]
	return ok || l.messages == nil
}

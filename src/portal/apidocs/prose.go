package apidocs

import "strings"

// span is a piece of prose.
type span struct {
	Text       string
	Code, Bold bool
}

// prose reads the little of Markdown that descriptions use: `code` and **bold**.
func prose(text string) []span {
	var spans []span
	for i, part := range strings.Split(strings.TrimPrefix(text, "* "), "`") {
		if i%2 == 1 {
			spans = append(spans, span{Text: part, Code: true})
			continue
		}
		for j, inner := range strings.Split(part, "**") {
			if inner != "" {
				spans = append(spans, span{Text: inner, Bold: j%2 == 1})
			}
		}
	}
	return spans
}

// bullet says whether a paragraph is an entry of a list.
func bullet(text string) bool { return strings.HasPrefix(text, "* ") }

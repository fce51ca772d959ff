package words

import (
	"regexp"
	"strings"
)

// stored are the messages with arguments that deliveries and attempts are stored with,
// filled in: they were written by other processes, in English.
func stored() []string {
	return []string{
		"HTTP status %d", "all %d attempts failed, the last: %s", "attempt %d of %d failed: %s", "stopped by %s",
		"the endpoint did not answer for %s; no attempt was made",
		"the endpoint does not answer; it is tried every %s, and this job when it answers",
		"write the payload as %s: %s", "header %s cannot be sent", "the target answered %d", "the target refused TLS: %s",
	}
}

// pattern finds a message with its arguments again.
type pattern struct {
	text    *regexp.Regexp
	message string
}

func patterns() []pattern {
	var all []pattern
	for _, message := range stored() {
		text := strings.NewReplacer("%d", `(\d+)`, "%s", `(.+)`).Replace(regexp.QuoteMeta(message))
		all = append(all, pattern{regexp.MustCompile(`(?s)^` + text + `$`), message})
	}
	return all
}

// Told returns a text that was stored in English in the language. What the catalogue
// does not have stays English.
func (l Language) Told(text string) string {
	if l.messages == nil || l.messages[text] != "" {
		return l.T(text)
	}
	for _, p := range l.patterns {
		found := p.text.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		told := l.T(p.message)
		for _, arg := range found[1:] {
			at := verb.FindStringIndex(told)
			if at == nil {
				return text
			}
			told = told[:at[0]] + strings.ReplaceAll(l.T(arg), "%", "\x00") + told[at[1]:]
		}
		return strings.ReplaceAll(told, "\x00", "%")
	}
	return text
}

var verb = regexp.MustCompile(`%[ds]`)

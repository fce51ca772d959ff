package hook

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Transcript writes a job and its attempts as text for people: what was sent
// each time and what came back. Control characters, which strangers may have
// sent, are replaced, so that the text is safe in a terminal.
func Transcript(j Job, attempts []Attempt) string {
	var b strings.Builder
	fmt.Fprintf(&b, "job %d (%s) %s of policy %s: %s", j.ID, j.UUID, j.HookType, plain(j.PolicyName), j.Status)
	if j.StatusMessage != "" {
		fmt.Fprintf(&b, " (%s)", plain(j.StatusMessage))
	}
	b.WriteByte('\n')
	for _, a := range attempts {
		a.write(&b, j.Detail)
	}
	if !j.Status.Final() && j.Status != StatusRunning {
		fmt.Fprintf(&b, "\nnext attempt not before %s\n", j.NextAt.UTC().Format(time.RFC3339))
	}
	return b.String()
}

func (a *Attempt) write(b *strings.Builder, body []byte) {
	fmt.Fprintf(b, "\nattempt %d at %s, %s, took %s", a.Number, a.StartedAt.UTC().Format(time.RFC3339Nano), a.Result, a.Duration)
	if a.RemoteAddr != "" {
		fmt.Fprintf(b, ", to %s", plain(a.RemoteAddr))
	}
	if a.Error != "" {
		fmt.Fprintf(b, "\n! %s", plain(a.Error))
	}
	if a.Request.Method != "" {
		fmt.Fprintf(b, "\n> %s %s\n", a.Request.Method, plain(a.Request.URL))
		writeHeaders(b, "> ", a.Request.Headers)
		writeBody(b, "> ", string(body[:min(len(body), MaxStoredBody)]), len(body) > MaxStoredBody)
	}
	if r := a.Response; r != nil {
		fmt.Fprintf(b, "< HTTP status %d\n", r.Status)
		writeHeaders(b, "< ", r.Headers)
		writeBody(b, "< ", r.Body, r.Truncated)
	}
}

func writeHeaders(b *strings.Builder, mark string, headers map[string][]string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, value := range headers[name] {
			fmt.Fprintf(b, "%s%s: %s\n", mark, plain(name), plain(value))
		}
	}
}

func writeBody(b *strings.Builder, mark, body string, truncated bool) {
	b.WriteString(mark + "\n")
	for line := range strings.Lines(body) {
		b.WriteString(mark + plain(strings.TrimRight(line, "\r\n")) + "\n")
	}
	if truncated {
		b.WriteString(mark + "(truncated)\n")
	}
}

// plain replaces what could steer a terminal or reorder a line: control and
// bidirectional characters, and invalid UTF-8.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

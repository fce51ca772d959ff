package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The colours of a status.
const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	reset  = "\x1b[0m"
)

// cell is a text in a table or a line, perhaps in a colour.
type cell struct{ text, colour string }

func plainCell(format string, args ...any) cell { return cell{text: fmt.Sprintf(format, args...)} }

// show returns a cell as it is printed, as wide as width at least.
func (p *program) show(c cell, width int) string {
	text := plain(c.text)
	padding := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
	if p.colours && c.colour != "" {
		text = c.colour + text + reset
	}
	return text + padding
}

// table prints rows in columns that are aligned.
func (p *program) table(head []string, rows [][]cell) {
	first := make([]cell, len(head))
	for i, h := range head {
		first[i] = cell{text: h}
	}
	rows = append([][]cell{first}, rows...)
	widths := make([]int, len(head))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(plain(c.text)))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, c := range row {
			line.WriteString(p.show(c, widths[i]) + "  ")
		}
		fmt.Fprintln(p.stdout, strings.TrimRight(line.String(), " "))
	}
}

// plain replaces what could steer a terminal: texts come from whoever pushes.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '\ufffd'
		}
		return r
	}, text)
}

// plainLines is plain for a text of several lines.
func plainLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = plain(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

// statusCell shows a status, green if all went well and red if not.
func statusCell(status string) cell {
	switch status {
	case "Success":
		return cell{status, green}
	case "Error", "Stopped":
		return cell{status, red}
	default:
		return cell{status, yellow}
	}
}

// ago says how long ago a time was, as people do.
func ago(at, now time.Time) string {
	switch d := now.Sub(at); {
	case at.IsZero():
		return "never"
	case d < 0:
		return "in " + span(-d)
	default:
		return span(d) + " ago"
	}
}

func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
}

// milliseconds shows a short time.
func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// line prints one object of the API.
func line(w io.Writer, object json.RawMessage) { fmt.Fprintf(w, "%s\n", object) }

package dashboard

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// row is a line of the documented table.
type row struct {
	state, alerts string
	readings      []string
}

func (r row) pattern() string { return strings.Join(r.readings, " | ") }

func (r row) line() string {
	return "| " + r.state + " | " + r.pattern() + " | " + or(r.alerts, "none") + " |"
}

// readTable reads the table of docs/operations.md, whose last column says what to do.
func readTable(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	const head = "| state | Refused, by status | Dependencies | Waiting | Oldest due | Silent endpoints | Attempts, by result | Workers | alerts | what to do |\n"
	_, table, found := strings.Cut(string(text), head)
	if !found {
		t.Fatalf("docs/operations.md has no table\n%s", head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var rows []row
	for _, line := range regexp.MustCompile(`(?m)^\| ([^-].*) \|$`).FindAllStringSubmatch(table, -1) {
		cells := strings.Split(line[1], " | ")
		if len(cells) != 10 || cells[9] == "" {
			t.Fatalf("the row %q has %d cells, want 10", line[0], len(cells))
		}
		rows = append(rows, row{state: cells[0], readings: cells[1:8], alerts: strings.TrimSuffix(cells[8], "none")})
	}
	return rows
}

package arch

import (
	"os"
	"strings"
	"testing"
)

func TestEveryDependencyIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		if module, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(cells[1]), "`"), "`"); ok {
			rows[withoutMajor(module)] = cells[3]
		}
	}
	for dependency, folders := range places {
		where, ok := rows[dependency]
		if !ok {
			t.Errorf("docs/dependencies.md does not name %s", dependency)
		}
		for _, folder := range folders {
			if ok && !strings.Contains(where, "`"+folder+"`") {
				t.Errorf("docs/dependencies.md does not say that %s may be imported in %s", dependency, folder)
			}
		}
		delete(rows, dependency)
	}
	for dependency := range rows {
		t.Errorf("docs/dependencies.md names %s, which no rule does", dependency)
	}
}

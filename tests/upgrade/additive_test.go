package upgrade

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// column is what a statement of an older release relies on.
type column struct {
	kind string
	// needed says that an INSERT must name it.
	needed bool
}

// TestMigrationsOnlyAdd compares each schema with the next: what a process of before
// names in its statements must still be there, of the same type, and what it does not
// name must have a default. docs/decisions/022 says why.
func TestMigrationsOnlyAdd(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *store) {
		s.migrateTo(1)
		before := s.columns()
		if len(before) < 80 {
			t.Fatalf("only %d columns were found", len(before))
		}
		for version := 2; version <= len(levels); version++ {
			s.migrateTo(version)
			after := s.columns()
			broken := breaks(before, after)
			if len(broken) > 0 && levels[version-1].stopFirst == "" {
				t.Errorf("schema %d breaks processes of before: %s", version, strings.Join(broken, "; "))
			}
			before = after
		}
	})
}

// breaks says what of a schema the statements of before do not fit any more.
func breaks(before, after map[string]column) []string {
	var broken []string
	tables := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		table, _, _ := strings.Cut(name, ".")
		tables[table] = true
		now, ok := after[name]
		switch {
		case !ok:
			broken = append(broken, name+" is gone")
		case now.kind != before[name].kind:
			broken = append(broken, fmt.Sprintf("%s was %s and is %s", name, before[name].kind, now.kind))
		case now.needed && !before[name].needed:
			broken = append(broken, name+" must be named now")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		table, _, _ := strings.Cut(name, ".")
		if _, old := before[name]; !old && tables[table] && after[name].needed {
			broken = append(broken, name+" is new and must be named")
		}
	}
	return broken
}

// columns returns the columns of all tables, as table.column.
func (s *store) columns() map[string]column {
	s.t.Helper()
	query := `SELECT table_name || ' ' || column_name || ' ' || replace(data_type, ' ', '_') || ' ' ||
			CASE WHEN is_nullable = 'NO' AND column_default IS NULL THEN 'needed' ELSE 'free' END
		FROM information_schema.columns WHERE table_schema = 'public'`
	if s.shape == harness.Standalone {
		query = `SELECT t.name || ' ' || c.name || ' ' || replace(c.type, ' ', '_') || ' ' ||
				CASE WHEN c."notnull" = 1 AND c.dflt_value IS NULL THEN 'needed' ELSE 'free' END
			FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'`
	}
	all := map[string]column{}
	for _, line := range s.texts(query) {
		words := strings.Split(line, " ")
		all[words[0]+"."+words[1]] = column{kind: words[2], needed: words[3] == "needed"}
	}
	return all
}

// What the comparison must find.
func TestTheComparisonFindsWhatBreaks(t *testing.T) {
	t.Parallel()
	before := map[string]column{"job.id": {"bigint", true}, "job.status": {"text", false}}
	for name, test := range map[string]struct {
		after map[string]column
		want  string
	}{
		"the same":                {before, ""},
		"a table is new":          {map[string]column{"job.id": {"bigint", true}, "job.status": {"text", false}, "due.id": {"bigint", true}}, ""},
		"a column with a default": {map[string]column{"job.id": {"bigint", true}, "job.status": {"text", false}, "job.name": {"text", false}}, ""},
		"a column without":        {map[string]column{"job.id": {"bigint", true}, "job.status": {"text", false}, "job.name": {"text", true}}, "job.name is new and must be named"},
		"a column is gone":        {map[string]column{"job.id": {"bigint", true}}, "job.status is gone"},
		"another type":            {map[string]column{"job.id": {"text", true}, "job.status": {"text", false}}, "job.id was bigint and is text"},
		"no default any more":     {map[string]column{"job.id": {"bigint", true}, "job.status": {"text", true}}, "job.status must be named now"},
	} {
		if got := strings.Join(breaks(before, test.after), "; "); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

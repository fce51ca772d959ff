package upgrade

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/make/migrations"
)

// level is the data of a database at one schema.
type level struct {
	// data are files of testdata, inserted one after the other when the database has
	// this schema.
	data []string
	// stopFirst says why processes of before this schema must not run beside those of
	// after; empty: they may. docs/operations.md must then say so as well.
	stopFirst string
}

// levels has one entry for each migration. A new one names what its tables and columns
// are filled with: the files of before and one more, or, if those do not fit any more,
// new ones. What must come of the data is said in the checks of forward_test.go.
var levels = []level{
	{data: []string{"base"}}, // 0001_initial
	{data: []string{"base", "template"}},
	{data: []string{"base", "template", "enrichment"}},
	{data: []string{"base", "template", "enrichment", "api"}},
	{data: []string{"base", "template", "enrichment", "api", "circuit"}},
	{data: []string{"base", "template", "enrichment", "api", "circuit", "identity"}},
	{data: []string{"base", "template", "enrichment", "api", "circuit", "identity", "logs"}},
	{data: []string{"base", "template", "enrichment", "api", "circuit", "identity", "logs", "switches"}},
	{data: []string{"base", "template", "enrichment", "api", "circuit", "identity", "logs", "switches", "tracing"}},
	{data: []string{"base", "template", "enrichment", "api", "circuit", "identity", "logs", "switches", "tracing", "tally"}}, // 0010_tally
}

// alone says why processes of a schema must not run beside those of the newest;
// empty: they may.
func alone(schema int) string {
	why := ""
	for _, l := range levels[schema:] {
		why += l.stopFirst
	}
	return why
}

// TestEveryMigrationHasDataAndIsDescribed fails when somebody adds a migration and
// nothing here.
func TestEveryMigrationHasDataAndIsDescribed(t *testing.T) {
	t.Parallel()
	operations, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"postgresql", "sqlite"} {
		ups, err := fs.Glob(migrations.FS, folder+"/*.up.sql")
		if err != nil {
			t.Fatal(err)
		}
		if len(ups) != len(levels) {
			t.Errorf("%s has %d migrations, and levels_test.go has data for %d: add a level, and checks in forward_test.go", folder, len(ups), len(levels))
		}
		for i, up := range ups {
			number, _, _ := strings.Cut(path.Base(up), "_")
			if n, err := strconv.Atoi(number); err != nil || n != i+1 {
				t.Errorf("%s is not number %d", up, i+1)
			}
			if _, err := fs.Stat(migrations.FS, strings.Replace(up, ".up.", ".down.", 1)); err != nil {
				t.Errorf("%v", err)
			}
		}
	}
	for i, l := range levels {
		stop := regexp.MustCompile(`(?m)^\| ` + strconv.Itoa(i+1) + ` \|`).Match(operations)
		if stop != (l.stopFirst != "") {
			t.Errorf("schema %d: docs/operations.md says that everything must be stopped: %t; levels_test.go says %q", i+1, stop, l.stopFirst)
		}
	}
}

// statements returns the statements that fill a database of a schema.
func (l level) statements(t *testing.T, receiver string, now int64) string {
	t.Helper()
	var all strings.Builder
	for _, name := range l.data {
		text, err := os.ReadFile(filepath.Join("testdata", name+".sql"))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return strings.NewReplacer("@receiver@", receiver, "NOW", strconv.FormatInt(now, 10)).Replace(all.String())
}

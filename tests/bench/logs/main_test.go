package main

import (
	"database/sql"
	"io"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// A short run shows that the measurement still works.
func TestAShortRun(t *testing.T) {
	t.Parallel()
	args, databases := []string{"-quick"}, []string{"SQLite"}
	if server := os.Getenv("TEST_POSTGRES_URL"); server != "" {
		args, databases = append(args, "-url", newSchema(t, server)), append(databases, "PostgreSQL")
	}
	var out strings.Builder
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, name := range databases {
		if !strings.Contains(out.String(), "**"+name+", 3000 deliveries") {
			t.Errorf("%s was not measured", name)
		}
	}
	if got, want := strings.Count(out.String(), "| text: a rare word | 20 |"), len(databases); got != want {
		t.Errorf("the rare word was found in %d databases, want %d\n%s", got, want, &out)
	}
}

func TestWhatMissesItsBound(t *testing.T) {
	t.Parallel()
	m := measure{name: "m", bound: 1}
	if !(measured{measure: m, p95: 2}).missed() || (measured{measure: m, p95: 1}).missed() {
		t.Error("a bound is missed when p95 is beyond it")
	}
}

// newSchema gives a run a schema of its own in the server's database.
func newSchema(t *testing.T, server string) string {
	t.Helper()
	admin, err := sql.Open("postgres", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "logs_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if _, err := admin.ExecContext(t.Context(), `CREATE SCHEMA `+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(`DROP SCHEMA ` + name + ` CASCADE`); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

package postgres_test

import (
	"bytes"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/harborhook/harborhook/src/store"
	"github.com/harborhook/harborhook/src/store/postgres"
	"github.com/harborhook/harborhook/src/store/storetest"
)

// testServer returns the URL of the server that tests may use, and the server.
func testServer(t *testing.T) (string, *sql.DB) {
	t.Helper()
	server := os.Getenv("TEST_POSTGRES_URL")
	if server == "" {
		t.Skip("TEST_POSTGRES_URL is not set; `make test` starts a PostgreSQL and sets it")
	}
	t.Parallel()
	admin, err := sql.Open("postgres", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	return server, admin
}

func TestConformance(t *testing.T) {
	server, admin := testServer(t)
	storetest.Run(t, func(t *testing.T) *store.Store {
		address := newSchema(t, admin, server)
		for range 2 { // a second start finds the schema up to date
			if err := postgres.Migrate(t.Context(), address); err != nil {
				t.Fatal(err)
			}
		}
		s, err := postgres.Open(postgres.Config{URL: address, Connections: 4, Key: bytes.Repeat([]byte{7}, 32)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	})
}

// newSchema gives a test a schema of its own in the server's database.
func newSchema(t *testing.T, admin *sql.DB, server string) string {
	t.Helper()
	name := "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if _, err := admin.Exec(`CREATE SCHEMA ` + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(`DROP SCHEMA ` + name + ` CASCADE`); err != nil {
			t.Error(err)
		}
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

func TestRotation(t *testing.T) {
	server, admin := testServer(t)
	address := newSchema(t, admin, server)
	if err := postgres.Migrate(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	storetest.Rotation(t, func(t *testing.T, key []byte, old ...[]byte) *store.Store {
		s, err := postgres.Open(postgres.Config{URL: address, Connections: 4, Key: key, OldKeys: old})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

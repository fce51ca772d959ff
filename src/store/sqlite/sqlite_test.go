package sqlite_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/harborhook/harborhook/src/store"
	"github.com/harborhook/harborhook/src/store/sqlite"
	"github.com/harborhook/harborhook/src/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) *store.Store {
		path := filepath.Join(t.TempDir(), "with space & 100%.db")
		for range 2 { // a second start finds the schema up to date
			if err := sqlite.Migrate(path); err != nil {
				t.Fatal(err)
			}
		}
		s, err := sqlite.Open(path, bytes.Repeat([]byte{7}, 32))
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

func TestRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rotation.db")
	if err := sqlite.Migrate(path); err != nil {
		t.Fatal(err)
	}
	storetest.Rotation(t, func(t *testing.T, key []byte, old ...[]byte) *store.Store {
		s, err := sqlite.Open(path, key, old...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

package chaos

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// disk is where the database lies.
type disk struct {
	what string
	fill func()
	free func()
}

// A database that is full refuses new events with 503. Nothing that was accepted
// is lost, nobody crashes, and it goes on when there is room again.
func TestAFullDatabaseRefusesEvents(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	for shape, prepare := range map[string]func(t *testing.T) (*world, disk){
		harness.Standalone: func(t *testing.T) (*world, disk) {
			t.Helper()
			w := newWorld(t, harness.Standalone, size)
			return w, limited(t, w.Process(harness.Standalone))
		},
		harness.Production: func(t *testing.T) (*world, disk) {
			t.Helper()
			w, d := onSmallDisk(t, size)
			w.start(t, w.database, nil)
			return w, d
		},
	} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			w, d := prepare(t)
			l := run(t, scenario{promise: 13, name: "the database is full", faults: func(t *testing.T, w *world) string {
				t.Helper()
				w.pause()
				for range w.faults {
					d.fill()
					<-time.After(4 * time.Second)
					d.free()
					w.pause()
				}
				return fmt.Sprintf("%s × %d", d.what, w.faults)
			}}, w)
			if l.refused == 0 {
				t.Errorf("no event was refused: the database was not full")
			}
		})
	}
}

// limited lets a process write to no file behind its first bytes: every write that
// makes a database grow fails.
func limited(t *testing.T, p *harness.Process) disk {
	t.Helper()
	limit := func(size string) func() {
		return func() {
			if out, err := exec.Command("prlimit", "--pid", strconv.Itoa(p.PID()), "--fsize="+size+":unlimited").CombinedOutput(); err != nil {
				t.Fatalf("limit the size of files: %v %s", err, out)
			}
		}
	}
	return disk{"limit of the size of files", limit("4096"), limit("unlimited")}
}

// onSmallDisk starts a PostgreSQL on a small file system in memory. Where none may
// be mounted, its tables say that the disk is full by a trigger.
func onSmallDisk(t *testing.T, size size) (*world, disk) {
	t.Helper()
	dir := t.TempDir()
	for parent := dir; parent != filepath.Clean(os.TempDir()); parent = filepath.Dir(parent) {
		if err := os.Chmod(parent, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256m"); err != nil {
		w := newServers(t, size)
		return w, sayingFull(w)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	harness.Require(t, "initdb", "postgres", "redis-server")
	postgres := harness.NewPostgresIn(t, dir)
	w := onPostgres(t, postgres, size)
	ballast := filepath.Join(dir, "ballast")
	return w, disk{
		"no room on the disk",
		func() { fill(t, ballast) },
		func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			postgres.Process().Revive()
		},
	}
}

// fill writes a file until nothing more fits.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
}

// sayingFull has PostgreSQL fail as it does when a table cannot grow.
func sayingFull(w *world) disk {
	return disk{
		"tables that say the disk is full",
		func() {
			w.postgres.Exec(w.database, `CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
				$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
				CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON webhook_job EXECUTE FUNCTION full_disk();
				CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON webhook_event EXECUTE FUNCTION full_disk()`)
		},
		func() {
			w.postgres.Exec(w.database, `DROP TRIGGER full_disk ON webhook_job; DROP TRIGGER full_disk ON webhook_event`)
		},
	}
}

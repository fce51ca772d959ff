package harness

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	_ "github.com/lib/pq" // the driver
)

// Postgres is a PostgreSQL server.
type Postgres struct {
	t       T
	url     string
	process *Process // nil if the server is somebody else's
	created atomic.Int64
}

// NewPostgres starts a server of the test's own.
func NewPostgres(t T) *Postgres {
	t.Helper()
	return NewPostgresIn(t, folder(t))
}

// NewPostgresIn is NewPostgres with its data in a folder that is there.
func NewPostgresIn(t T, dir string) *Postgres {
	t.Helper()
	addr := FreeAddr(t)
	host, port, _ := net.SplitHostPort(addr)
	credential := servant(t, dir)
	data := filepath.Join(dir, "data")

	initdb := exec.Command(findProgram("initdb"), "--pgdata", data, "--username", "postgres",
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, procAttr(credential, syscall.SIGKILL)
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p := &Postgres{t: t, url: fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", addr)}
	p.process = newProcess(t, command{
		name: "postgres", path: findProgram("postgres"), dir: dir, credential: credential,
		args: []string{
			"-D", data, "-h", host, "-p", port, "-k", dir,
			"-c", "fsync=on", "-c", "max_connections=400", "-c", "shared_buffers=64MB",
		},
		polite: syscall.SIGINT, // it does not wait for clients
		ready:  p.ping,
	})
	p.process.Start()
	return p
}

// Addr is the server's host and port. The superuser is postgres, without a password.
func (p *Postgres) Addr() string {
	u, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatalf("the URL of PostgreSQL: %v", err)
	}
	return u.Host
}

// servant gives dir to a user who may run PostgreSQL, which root may not.
func servant(t T, dir string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr != nil || gidErr != nil {
			continue
		}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			t.Fatalf("give the folder of PostgreSQL to %s: %v", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatalf("root may not run PostgreSQL, and there is no user postgres or nobody")
	return nil
}

func (p *Postgres) ping(ctx context.Context) error {
	return p.exec(ctx, "SELECT 1")
}

func (p *Postgres) exec(ctx context.Context, statement string) error {
	db, err := sql.Open("postgres", p.url)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// NewDatabase creates an empty database for t and returns its URL.
func (p *Postgres) NewDatabase(t T) string {
	t.Helper()
	name := fmt.Sprintf("harborhook_test_%d_%d", os.Getpid(), p.created.Add(1))
	if err := p.exec(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("create a database: %v", err)
	}
	if p.process == nil {
		t.Cleanup(func() {
			if err := p.exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
				t.Errorf("drop a database: %v", err)
			}
		})
	}
	u, err := url.Parse(p.url)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		t.Fatalf("%q is not the URL of a PostgreSQL: %v", p.url, err)
	}
	u.Path = "/" + name
	return u.String()
}

// StopImmediately ends the server without a word to its clients, as a power cut
// would end it.
func (p *Postgres) StopImmediately() {
	p.t.Helper()
	p.process.kill(syscall.SIGQUIT)
}

// Start starts the server again, with what it had.
func (p *Postgres) Start() {
	p.t.Helper()
	p.process.Start()
}

// Process is the server's process.
func (p *Postgres) Process() *Process { return p.process }

// Exec runs statements in a database of the server, by its URL.
func (p *Postgres) Exec(database, statements string) {
	p.t.Helper()
	at := Postgres{t: p.t, url: database}
	if err := at.exec(context.Background(), statements); err != nil {
		p.t.Fatalf("%s: %v", statements, err)
	}
}

// Number returns the one number that a query of a database answers.
func (p *Postgres) Number(database, query string) int64 {
	p.t.Helper()
	db, err := sql.Open("postgres", database)
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	defer db.Close()
	var n int64
	if err := db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// Dump returns a database as pg_dump writes it.
func (p *Postgres) Dump(database string) string {
	p.t.Helper()
	dump := exec.Command(findProgram("pg_dump"), "--dbname", database)
	out, err := dump.Output()
	if err != nil {
		p.t.Fatalf("pg_dump: %v", err)
	}
	return string(out)
}

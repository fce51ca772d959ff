// Package store keeps projects, users, policies, events, jobs, attempts and the
// tag memory in a database. One code base serves PostgreSQL and SQLite: what
// differs is in a Dialect. Hot paths use database/sql with a context and
// statements joined over concurrent callers; plain administration uses beego's ORM.
package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/astaxie/beego/orm"

	"github.com/harborhook/harborhook/src/hook"
)

// Dialect is what differs between the databases.
type Dialect struct {
	// Driver is the name under which the driver is registered with database/sql and the ORM.
	Driver string
	// Now is the SQL expression of the database's clock, in microseconds since 1970.
	Now string
	// Values is a table of values: SQL that depends on the columns only, and its
	// arguments, whose placeholders are numbered from first. The types of the columns
	// are text, bigint, integer and boolean; the values string, int, int64 and bool.
	Values func(first int, columns []Column, rows [][]any) (text string, args []any)
	// OneStatement says that many rows are best written by one statement, and several
	// such statements joined in one (WITH). Without it, rows are written one by one.
	OneStatement bool
	// In is the SQL condition "is one of", with %s for the placeholder of a value
	// that IDs or Texts made.
	In string
	// IDs turns ids into the value for In.
	IDs func([]int64) any
	// Texts turns texts into the value for In.
	Texts func([]string) any
	// SkipLocked ends a SELECT whose rows another transaction may hold; may be empty.
	SkipLocked string
	// Writers is how many batches of one kind may be written at the same time.
	Writers int
	// Lower is the SQL expression, with %s for a text, of the text with ASCII letters
	// in lower case.
	Lower string
	// Snapshot is the isolation of a transaction all of whose statements see the same.
	Snapshot sql.IsolationLevel
	// PreferIndex, if not empty, is a statement after which the statements of a
	// transaction use indexes wherever they can.
	PreferIndex string
	// InsertBlock are the statements that insert a block of the search by text:
	// project, first and last job, all jobs, and what Grams returned.
	InsertBlock []string
	// DeleteBlocks are the statements that delete blocks, with %s for the condition
	// on their ids.
	DeleteBlocks []string
	// MatchBlock is the condition that a block has all grams, with %s for the
	// placeholder of what AskGrams returned.
	MatchBlock string
	// Grams and AskGrams make values of grams, which are small integers, to be stored
	// and to be asked for.
	Grams, AskGrams func([]int) any
	// IsUnique says whether the error is a violated UNIQUE key.
	IsUnique func(error) bool
	// IsUnavailable says whether the error means that the database is away, full or busy.
	IsUnavailable func(error) bool
}

// Column is a column of a table of values.
type Column struct{ Name, Type string }

// Config is what a Store is made of.
type Config struct {
	Dialect Dialect
	// Write is used by transactions and single writes, Read by everything else.
	Write, Read *sql.DB
	// Hot, if set, is used by the statements that every event and every delivery
	// needs. They are prepared once, so it must plan by indexes whatever the size of
	// the tables is at that moment.
	Hot *sql.DB
	// Leases, if set, is Hot for claims. It need not wait until they are on disk: a
	// claim that a crash of the database undoes is made again.
	Leases *sql.DB
	// Key encrypts secrets at rest: 32 bytes.
	Key []byte
	// OldKeys read what was encrypted before Key, or elsewhere already after it.
	OldKeys [][]byte
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	d     Dialect
	write *sql.DB
	read  *sql.DB
	hot   *sql.DB
	// leases is used by claims.
	leases *sql.DB
	orm    orm.Ormer
	seal   *sealer
	// prepared holds *sql.Stmt by text.
	prepared sync.Map
	sql      statements
	policies policyCache
	counts   countCache
	// indexAfter is how old jobs are when they are indexed.
	indexAfter time.Duration
	accept     *batcher[acceptIn, []int64]
	recall     *batcher[recallIn, recallOut]
	claim      *batcher[claimIn, []hook.Delivery]
	finish     *batcher[hook.Outcome, bool]
	batched    func(kind string, calls int)
}

// New returns a Store over open databases, which it owns from then on.
func New(cfg Config) (*Store, error) {
	seal, err := newSealer(cfg.Key, cfg.OldKeys...)
	if err != nil {
		return nil, err
	}
	o, err := orm.NewOrmWithDB(cfg.Dialect.Driver, cfg.Dialect.Driver, cfg.Write)
	if err != nil {
		return nil, fmt.Errorf("open the object mapper: %w", err)
	}
	s := &Store{
		d: cfg.Dialect, write: cfg.Write, read: cfg.Read, hot: cmp.Or(cfg.Hot, cfg.Write), leases: cmp.Or(cfg.Leases, cfg.Write),
		orm: o, seal: seal, sql: newStatements(cfg.Dialect), indexAfter: indexAfter, batched: func(string, int) {},
	}
	s.accept = newBatcher(cfg.Dialect.Writers, 200, counting(s, "accept", s.acceptBatch))
	s.recall = newBatcher(cfg.Dialect.Writers, 200, counting(s, "recall", s.recallBatch))
	s.claim = newBatcher(cfg.Dialect.Writers, 200, counting(s, "claim", s.claimBatch))
	s.finish = newBatcher(cfg.Dialect.Writers, 200, counting(s, "finish", s.finishBatch))
	s.finish.gather = finishGather
	return s, nil
}

// finishGather is how long outcomes are gathered. A delivery is over when its
// answer is there; what is known a few milliseconds later costs a fraction.
const finishGather = 10 * time.Millisecond

// Close closes the databases. No other method may run or be called afterwards. A
// connection that the server has closed before is none to complain about.
func (s *Store) Close() error {
	err := s.closed(s.write.Close())
	for _, db := range []*sql.DB{s.read, s.hot, s.leases} {
		if db != s.write {
			err = errors.Join(err, s.closed(db.Close()))
		}
	}
	return err
}

func (s *Store) closed(err error) error {
	if err != nil && s.d.IsUnavailable(err) {
		return nil
	}
	return err
}

// Ping answers nil while the database takes statements.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.wrap("ping", s.read.QueryRowContext(ctx, "SELECT 1").Scan(&one))
}

// inTx runs f in a transaction and commits it unless f fails.
func (s *Store) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := f(tx); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// wrap says what was being done and turns the database's errors into the
// sentinels of package hook.
func (s *Store) wrap(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, orm.ErrNoRows):
		return fmt.Errorf("%s: %w", doing, hook.ErrNotFound)
	case s.d.IsUnique(err):
		return fmt.Errorf("%s: %w: %w", doing, hook.ErrConflict, err)
	case s.d.IsUnavailable(err), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w: %w", doing, hook.ErrUnavailable, err)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

// micros is how a time is stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf reads what micros wrote.
func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

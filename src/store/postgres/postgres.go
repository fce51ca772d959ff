// Package postgres opens a store on PostgreSQL. It is the only package that
// knows lib/pq.
package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	pgmigrate "github.com/golang-migrate/migrate/v4/database/postgres"
	"github.com/lib/pq"

	"github.com/harborhook/harborhook/src/store"
	"github.com/harborhook/harborhook/src/store/schema"
)

// Dialect is PostgreSQL's.
var dialect = store.Dialect{
	Driver:        "postgres",
	Now:           "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
	Values:        unnest,
	OneStatement:  true,
	In:            "= ANY(%s)", // which is NULL, not false, for an array that is NULL
	IDs:           func(ids []int64) any { return pq.Array(append([]int64{}, ids...)) },
	Texts:         func(texts []string) any { return pq.Array(append([]string{}, texts...)) },
	SkipLocked:    "FOR UPDATE SKIP LOCKED",
	Writers:       1, // two halve the batches and wait for each other's rows
	Lower:         `lower(%s COLLATE "C")`,
	Snapshot:      sql.LevelRepeatableRead,
	PreferIndex:   "SET LOCAL enable_seqscan = off; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0", // the grams of a block take long to read
	InsertBlock:   []string{`INSERT INTO webhook_search (project_id, first_job, last_job, jobs, grams) VALUES ($1, $2, $3, $4, $5)`},
	DeleteBlocks:  []string{`DELETE FROM webhook_search WHERE id %s`},
	MatchBlock:    "grams @> %s",
	Grams:         grams,
	AskGrams:      grams,
	IsUnique:      func(err error) bool { return codeOf(err) == "23505" },
	IsUnavailable: isUnavailable,
}

// grams makes an array of grams.
func grams(of []int) any {
	small := make([]int32, len(of))
	for i, g := range of {
		small[i] = int32(g)
	}
	return pq.Array(small)
}

// unnest makes a table of one array for each column.
func unnest(first int, columns []store.Column, rows [][]any) (text string, args []any) {
	names, arrays := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], arrays[i] = c.Name, "$"+strconv.Itoa(first+i)+"::"+c.Type+"[]"
		args = append(args, column(c.Type, i, rows))
	}
	return "SELECT * FROM unnest(" + strings.Join(arrays, ",") + ") AS u (" + strings.Join(names, ",") + ")", args
}

// column returns the i-th values of the rows as an array.
func column(sqlType string, i int, rows [][]any) any {
	switch sqlType {
	case "text":
		return pq.Array(collect[string](i, rows))
	case "boolean":
		return pq.Array(collect[bool](i, rows))
	default:
		numbers := make([]int64, len(rows))
		for n, row := range rows {
			numbers[n] = reflect.ValueOf(row[i]).Int()
		}
		return pq.Array(numbers)
	}
}

func collect[V any](i int, rows [][]any) []V {
	values := make([]V, len(rows))
	for n, row := range rows {
		values[n] = row[i].(V)
	}
	return values
}

// Config says which database and how to use it.
type Config struct {
	// URL is postgres://user:password@host:port/database?…
	URL string
	// Connections bounds the open connections, but for a few that deliveries have
	// for themselves; 0 means 16.
	Connections int
	// Key encrypts secrets at rest: 32 bytes.
	Key []byte
	// OldKeys read what other keys have encrypted.
	OldKeys [][]byte
}

// Open returns a store on an existing database whose schema is up to date. It
// does not connect: a database that is away shows in the store's methods.
func Open(cfg Config) (*store.Store, error) {
	connections := cfg.Connections
	if connections == 0 {
		connections = 16
	}
	db, err := open(cfg.URL, connections, longSilence)
	if err != nil {
		return nil, err
	}
	hot, err := openHot(cfg.URL, hotConnections)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	leases, err := openHot(cfg.URL, 2, [2]string{"synchronous_commit", "off"})
	if err != nil {
		return nil, errors.Join(err, db.Close(), hot.Close())
	}
	s, err := store.New(store.Config{Dialect: dialect, Write: db, Read: db, Hot: hot, Leases: leases, Key: cfg.Key, OldKeys: cfg.OldKeys})
	if err != nil {
		return nil, errors.Join(err, db.Close(), hot.Close(), leases.Close())
	}
	return s, nil
}

// openHot opens connections for statements that are prepared and planned once.
func openHot(address string, connections int, settings ...[2]string) (*sql.DB, error) {
	return open(address, connections, shortSilence, append(settings, plannedOnce...)...)
}

// hotConnections is one for each kind of batch, and one to spare.
const hotConnections = 4

// How long a server may be silent in the middle of a statement before its
// connection counts as dead: what deliveries need takes milliseconds, what people
// ask for may take longer, and a migration of many rows longest.
const (
	shortSilence   = 5 * time.Second
	longSilence    = 15 * time.Second
	longestSilence = time.Hour
)

// plannedOnce are the server's settings for statements that are prepared and
// planned once: a plan made for an empty table must still be right for millions
// of rows, so it goes by indexes, row by row.
var plannedOnce = [][2]string{
	{"plan_cache_mode", "force_generic_plan"},
	{"enable_seqscan", "off"},
	{"enable_hashjoin", "off"},
	{"enable_mergejoin", "off"},
	{"jit", "off"},
}

// open adds what lib/pq does not do by itself: parameters are sent with the
// statement, in one round trip instead of two, and a server that does not answer
// is given up after so long a silence, with all connections that are idle then:
// each may be dead, too, and would be waited for as long, one after the other.
// Settings are the server's, for each connection.
func open(address string, connections int, silence time.Duration, settings ...[2]string) (*sql.DB, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the database URL cannot be parsed") // its own error would show the password
	}
	q := u.Query()
	setDefault(q, "binary_parameters", "yes")
	setDefault(q, "connect_timeout", "5")
	for _, s := range settings {
		q.Set(s[0], s[1])
	}
	u.RawQuery = q.Encode()
	connector, err := pq.NewConnector(u.String())
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	db := sql.OpenDB(connector)
	connector.Dialer(dialer{silence: silence, silent: func() {
		db.SetMaxIdleConns(-1) // closes them
		db.SetMaxIdleConns(connections)
	}})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func setDefault(q url.Values, key, value string) {
	if !q.Has(key) {
		q.Set(key, value)
	}
}

// Migrate brings the schema up to date. Several processes may do so at once.
func Migrate(ctx context.Context, address string) error {
	db, err := open(address, 2, longestSilence)
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("connect to the database: %w", err), db.Close())
	}
	target, err := pgmigrate.WithConnection(ctx, conn, &pgmigrate.Config{})
	if err != nil {
		return errors.Join(fmt.Errorf("prepare the migration: %w", err), db.Close())
	}
	return errors.Join(schema.Up("postgresql", target), db.Close())
}

func codeOf(err error) pq.ErrorCode {
	var e *pq.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// isUnavailable knows connections that are refused, broken or timed out, and the
// server's own words for "not now": shutting down, starting up, out of
// connections, memory or disk space.
func isUnavailable(err error) bool {
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, sql.ErrConnDone) {
		return true
	}
	code := codeOf(err)
	if code == "" {
		return false
	}
	switch code.Class() {
	case "08", "53", "57", "58", "25": // connection, resources, operator, system, read-only after a fail-over
		return true
	default:
		return false
	}
}

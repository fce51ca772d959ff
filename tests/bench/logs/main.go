// Command logs measures how fast the log of deliveries is listed and searched
// when it is large, and whether it can still be written as fast. It fails when a
// bound is missed. PostgreSQL is the one of TEST_POSTGRES_URL, which should be
// empty; without it only SQLite is measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

type options struct {
	postgres, sqlite int // deliveries
	times            int
	writes           int
	again            bool
	pages            bool
	url              string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/logs:", err)
		os.Exit(1)
	}
}

// errMissed says that a bound was missed.
var errMissed = errors.New("a bound was missed")

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("logs", flag.ContinueOnError)
	o := options{}
	flags.IntVar(&o.postgres, "postgres", 1_000_000, "`deliveries` in PostgreSQL; 0 leaves it out")
	flags.IntVar(&o.sqlite, "sqlite", 200_000, "`deliveries` in SQLite; 0 leaves it out")
	flags.IntVar(&o.times, "times", 40, "how `often` each question is asked")
	flags.IntVar(&o.writes, "writes", 6400, "`deliveries` that are written before and after, three times each")
	flags.StringVar(&o.url, "url", os.Getenv("TEST_POSTGRES_URL"), "`address` of the PostgreSQL, whose schema must be empty")
	flags.BoolVar(&o.again, "again", false, "measure the lists of what an earlier run has filled, and nothing else")
	flags.BoolVar(&o.pages, "pages", false, "fill, and measure the portal's pages without text, and nothing else")
	quick := flags.Bool("quick", false, "a short run with few deliveries, which shows only that everything works")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *quick {
		o = options{postgres: min(o.postgres, 3000), sqlite: min(o.sqlite, 3000), times: 3, writes: 128, url: o.url}
	}
	missed := false
	if o.url != "" && o.postgres > 0 {
		d, err := openPostgres(ctx, o.url)
		if err != nil {
			return err
		}
		m, err := bench(ctx, d, o.postgres, o, *quick, out, progress)
		if err != nil {
			return fmt.Errorf("PostgreSQL: %w", err)
		}
		missed = missed || m
	}
	if o.sqlite > 0 {
		dir, err := os.MkdirTemp("", "logs")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		d, err := openSQLite(dir)
		if err != nil {
			return err
		}
		m, err := bench(ctx, d, o.sqlite, o, *quick, out, progress)
		if err != nil {
			return fmt.Errorf("SQLite: %w", err)
		}
		missed = missed || m
	}
	if missed {
		return errMissed
	}
	return nil
}

// mostSlower is how much slower deliveries may be written when there are many.
const mostSlower = 0.20

// So many deliveries are indexed, and counted, at a time.
const (
	indexBatch = 1000
	tallyBatch = 5000
)

// bench fills and measures one database, and says whether a bound was missed.
func bench(ctx context.Context, d *database, deliveries int, o options, quick bool, out, progress io.Writer) (missed bool, err error) {
	if o.again {
		project, err := d.store.ProjectByName(ctx, "library")
		if err != nil {
			return false, err
		}
		if o.pages {
			return d.measureLists(ctx, project.ID, deliveries, time.Now(), o, quick, out)
		}
		if _, err := d.index(ctx); err != nil {
			return false, err
		}
		if _, err := d.tally(ctx); err != nil {
			return false, err
		}
		return d.measureLists(ctx, project.ID, deliveries, time.Now(), o, quick, out)
	}
	project := hook.Project{Name: "library"}
	if err := d.store.CreateProject(ctx, &project); err != nil {
		return false, err
	}
	policy := hook.Policy{
		Name: "ci", ProjectID: project.ID, Enabled: true, HookTypes: []hook.EventType{hook.PushImage},
		Targets: []hook.Target{{Type: hook.TargetHTTP, Address: "https://ci.example.com/hook", PayloadFormat: "Events"}},
	}
	if err := d.store.CreatePolicy(ctx, &policy, nil); err != nil {
		return false, err
	}
	other := hook.Project{Name: "writes"}
	if err := d.store.CreateProject(ctx, &other); err != nil {
		return false, err
	}
	writesPolicy := policy
	writesPolicy.ProjectID = other.ID
	if err := d.store.CreatePolicy(ctx, &writesPolicy, nil); err != nil {
		return false, err
	}
	now := time.Now()
	g := newGenerator(project.ID, policy.ID, deliveries, now)
	if o.pages {
		if err := errors.Join(d.fill(ctx, g, 0, deliveries), d.rest(ctx)); err != nil {
			return false, err
		}
		if _, err := d.tally(ctx); err != nil {
			return false, err
		}
		if err := d.rest(ctx); err != nil {
			return false, err
		}
		return d.measureLists(ctx, project.ID, deliveries, now, o, quick, out)
	}

	began := time.Now()
	if err := d.fill(ctx, g, 0, deliveries/100); err != nil {
		return false, err
	}
	if err := d.rest(ctx); err != nil {
		return false, err
	}
	if _, err := d.write(ctx, other.ID, writesPolicy.ID, o.writes); err != nil { // warms up
		return false, err
	}
	before, err := d.bestOf(ctx, 3, other.ID, writesPolicy.ID, o.writes)
	if err != nil {
		return false, err
	}
	if _, err := d.raw.ExecContext(ctx, `DELETE FROM webhook_attempt WHERE job_id > $1`, deliveries/100); err != nil {
		return false, err
	}
	if _, err := d.raw.ExecContext(ctx, `DELETE FROM webhook_job WHERE id > $1`, deliveries/100); err != nil {
		return false, err
	}
	fmt.Fprintf(progress, "%s: written %.0f deliveries/s while there are few\n", d.name, before)
	if err := d.fill(ctx, g, deliveries/100, deliveries); err != nil {
		return false, err
	}
	if err := d.rest(ctx); err != nil {
		return false, err
	}
	fmt.Fprintf(progress, "%s: filled with %d deliveries and %d attempts in %.0f s\n", d.name, deliveries, 2*deliveries, time.Since(began).Seconds())

	began = time.Now()
	indexed, err := d.index(ctx)
	if err != nil {
		return false, err
	}
	indexing := time.Since(began)
	fmt.Fprintf(progress, "%s: indexed %d deliveries in %.0f s\n", d.name, indexed, indexing.Seconds())
	began = time.Now()
	tallied, err := d.tally(ctx)
	if err != nil {
		return false, err
	}
	tallying := time.Since(began)
	fmt.Fprintf(progress, "%s: counted %d deliveries in %.0f s\n", d.name, tallied, tallying.Seconds())
	if err := d.rest(ctx); err != nil {
		return false, err
	}

	missed, err = d.measureLists(ctx, project.ID, deliveries, now, o, quick, out)
	if err != nil {
		return false, err
	}
	after, err := d.bestOf(ctx, 3, other.ID, writesPolicy.ID, o.writes)
	if err != nil {
		return false, err
	}
	slower, mark := 1-after/before, ""
	if slower > mostSlower && !quick {
		missed, mark = true, " **missed**"
	}
	fmt.Fprintf(out, "\nWritten from acceptance to the end of an attempt, %d side by side: %.0f deliveries/s with few, %.0f with many, %.0f %% slower (bound %.0f %%)%s.\n",
		writers, before, after, slower*100, mostSlower*100, mark)
	fmt.Fprintf(out, "Indexed for the search by text: %.2f s for each 1,000 deliveries, in the background. Counted for charts: %.3f s.\n",
		indexing.Seconds()/float64(indexed)*1000, tallying.Seconds()/float64(tallied)*1000)
	return missed, nil
}

// measureLists asks for pages of the log, and says whether a bound was missed.
func (d *database) measureLists(ctx context.Context, project int64, deliveries int, now time.Time, o options, quick bool, out io.Writer) (missed bool, err error) {
	fmt.Fprintf(out, "\n**%s, %d deliveries, %d attempts**\n\n| measure | found | first, ms | p50, ms | p95, ms | bound |\n|---|---:|---:|---:|---:|---:|\n", d.name, deliveries, 2*deliveries)
	measures := lists(d.byStore(project), deliveries, now)
	overHTTP, err := startHTTP(d.store)
	if err != nil {
		return false, err
	}
	defer overHTTP.close()
	for _, m := range lists(overHTTP.list(project), deliveries, now) {
		switch m.name {
		case "page 1", "text: a rare word", "text: a common word":
			m.name = "over HTTP: " + m.name
			measures = append(measures, m)
		}
	}
	visitor, err := visitPortal(ctx, d.store)
	if err != nil {
		return false, err
	}
	defer visitor.close()
	opened, policy, err := d.latest(ctx, project)
	if err != nil {
		return false, err
	}
	pages := visitor.pages(policy, opened, deliveries, now)
	if o.pages {
		measures, pages = nil, slices.DeleteFunc(pages, func(m measure) bool { return strings.Contains(m.name, "text") })
	}
	measures = append(measures, pages...)
	for _, m := range measures {
		r, err := m.run(ctx, o.times)
		if err != nil {
			return false, err
		}
		mark := ""
		if r.missed() && !quick {
			missed, mark = true, " **missed**"
		}
		fmt.Fprintf(out, "| %s | %d | %s | %s | %s | %d%s |\n", r.name, r.found, ms(r.first), ms(r.p50), ms(r.p95), r.bound.Milliseconds(), mark)
	}
	if err := errors.Join(d.checkSummaries(ctx, project, now), d.checkTotals(ctx, project, now)); err != nil {
		return false, err
	}
	if err := visitor.weighAll(ctx, opened); err != nil {
		return false, err
	}
	mark := ""
	if visitor.heaviest > pageSizeBound {
		missed, mark = true, " **missed**"
	}
	fmt.Fprintf(out, "\nOf pages, found is the number of bytes. The heaviest (%s) has %d, and %d compressed (bound %d)%s.\n",
		visitor.heaviestPath, visitor.plain, visitor.heaviest, pageSizeBound, mark)
	return missed, nil
}

// latest returns the newest delivery of a project, and its policy.
func (d *database) latest(ctx context.Context, project int64) (delivery, policy int64, err error) {
	err = d.raw.QueryRowContext(ctx, `SELECT id, policy_id FROM webhook_job WHERE project_id = $1 ORDER BY id DESC LIMIT 1`, project).Scan(&delivery, &policy)
	return delivery, policy, err
}

func (d *database) tally(ctx context.Context) (int, error) {
	for total := 0; ; {
		n, err := d.store.Tally(ctx, tallyBatch)
		if err != nil || n == 0 {
			return total, err
		}
		total += n
	}
}

func (d *database) index(ctx context.Context) (int, error) {
	for total := 0; ; {
		n, err := d.store.IndexSearch(ctx, indexBatch)
		if err != nil || n == 0 {
			return total, err
		}
		total += n
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }

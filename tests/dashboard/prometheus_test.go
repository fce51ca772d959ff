package dashboard

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

const (
	// scrapeEvery is how often processes are scraped.
	scrapeEvery = 250 * time.Millisecond
	// step is what passes between two scrapes for Prometheus: an hour of the dashboard
	// takes a minute here. Only signs of rates are looked at, no rates.
	step = 15 * time.Second
)

// prometheus scrapes processes and answers queries, with its clock running faster.
type prometheus struct {
	t       *testing.T
	db      *tsdb.DB
	engine  *promql.Engine
	targets []string
	now     time.Time
	// shown are the series of the last scrape, by target.
	shown map[string]map[string]labels.Labels
}

// newPrometheus scrapes the addresses of processes.
func newPrometheus(t *testing.T, targets ...string) *prometheus {
	t.Helper()
	db, err := tsdb.Open(t.TempDir(), nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &prometheus{
		t: t, db: db, targets: targets, now: time.Now(), shown: map[string]map[string]labels.Labels{},
		engine: promql.NewEngine(promql.EngineOpts{MaxSamples: 10_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute}),
	}
}

// watch scrapes so many times.
func (p *prometheus) watch(scrapes int) {
	p.t.Helper()
	ticker := time.NewTicker(scrapeEvery)
	defer ticker.Stop()
	for range scrapes {
		<-ticker.C
		p.now = p.now.Add(step)
		appender := p.db.Appender(p.t.Context())
		for _, target := range p.targets {
			p.scrape(appender, target)
		}
		if err := appender.Commit(); err != nil {
			p.t.Fatal(err)
		}
	}
}

// scrape appends what a process shows, and that series have ended that it shows no more.
func (p *prometheus) scrape(to storage.Appender, target string) {
	p.t.Helper()
	now, ended := map[string]labels.Labels{}, p.shown[target]
	samples := textparse.NewPromParser(p.page(target), labels.NewSymbolTable(), false)
	for {
		entry, err := samples.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			p.t.Fatalf("%s: %v", target, err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var read labels.Labels
		samples.Labels(&read)
		series := labels.NewBuilder(read).Set("job", "harborhook").Set("instance", target).Labels()
		_, _, v := samples.Series()
		p.append(to, series, v)
		now[series.String()] = series
		delete(ended, series.String())
	}
	for _, series := range ended {
		p.append(to, series, math.Float64frombits(value.StaleNaN))
	}
	p.shown[target] = now
}

func (p *prometheus) append(to storage.Appender, series labels.Labels, v float64) {
	p.t.Helper()
	if _, err := to.Append(0, series, p.now.UnixMilli(), v); err != nil {
		p.t.Fatalf("%s: %v", series, err)
	}
}

// page is what a process shows; nothing if it does not answer.
func (p *prometheus) page(target string) []byte {
	p.t.Helper()
	resp, err := http.Get("http://" + target + "/metrics")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Errorf("%s: %s %v", target, resp.Status, err)
	}
	return text
}

// over evaluates a query at every step of a span that ends now.
func (p *prometheus) over(query string, span time.Duration) promql.Matrix {
	p.t.Helper()
	q, err := p.engine.NewRangeQuery(p.t.Context(), p.db, nil, query, p.now.Add(-span), p.now, step)
	if err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	defer q.Close()
	result := q.Exec(p.t.Context())
	matrix, err := result.Matrix()
	if err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	copied := make(promql.Matrix, len(matrix))
	for i, s := range matrix { // the engine takes the points back
		copied[i] = promql.Series{Metric: s.Metric, Floats: append([]promql.FPoint(nil), s.Floats...)}
	}
	return copied
}

// last returns the values of a query now.
func (p *prometheus) last(query string) []float64 {
	p.t.Helper()
	return p.ago(query, 0)
}

// ago returns the values that a query had.
func (p *prometheus) ago(query string, before time.Duration) []float64 {
	p.t.Helper()
	q, err := p.engine.NewInstantQuery(p.t.Context(), p.db, nil, query, p.now.Add(-before))
	if err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	defer q.Close()
	vector, err := q.Exec(p.t.Context()).Vector()
	if err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	var all []float64
	for _, s := range vector {
		all = append(all, s.F)
	}
	return all
}

// parses says what is wrong with a query.
func parses(query string) error {
	if _, err := parser.ParseExpr(query); err != nil {
		return fmt.Errorf("%s: %w", strings.TrimSpace(query), err)
	}
	return nil
}

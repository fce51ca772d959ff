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
)

// step is what passes between two scrapes for Prometheus: an hour of the dashboard takes
// a minute here. Only signs of rates are looked at, no rates.
const step = 15 * time.Second

// prometheus scrapes processes and answers queries, with its clock running faster.
type prometheus struct {
	t       *testing.T
	samples *memory
	engine  *promql.Engine
	targets []string
	now     time.Time
	// shown are the series of the last scrape, by target.
	shown map[string]map[string]labels.Labels
}

// newPrometheus watches the addresses of processes.
func newPrometheus(t *testing.T, targets ...string) *prometheus {
	t.Helper()
	return &prometheus{
		t: t, samples: newMemory(), targets: targets, now: time.Now(), shown: map[string]map[string]labels.Labels{},
		engine: promql.NewEngine(promql.EngineOpts{MaxSamples: 10_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute}),
	}
}

// scrape lets a step pass and keeps what the processes show then.
func (p *prometheus) scrape() {
	p.t.Helper()
	p.now = p.now.Add(step)
	for _, target := range p.targets {
		p.read(target)
	}
}

// read keeps what a process shows, and that series have ended that it shows no more.
func (p *prometheus) read(target string) {
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
		p.samples.append(series, p.now.UnixMilli(), v)
		now[series.String()] = series
		delete(ended, series.String())
	}
	for _, series := range ended {
		p.samples.append(series, p.now.UnixMilli(), math.Float64frombits(value.StaleNaN))
	}
	p.shown[target] = now
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
	q, err := p.engine.NewRangeQuery(p.t.Context(), p.samples, nil, query, p.now.Add(-span), p.now, step)
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
	q, err := p.engine.NewInstantQuery(p.t.Context(), p.samples, nil, query, p.now.Add(-before))
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

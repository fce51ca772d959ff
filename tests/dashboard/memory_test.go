package dashboard

import (
	"cmp"
	"context"
	"slices"
	"sort"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// memory keeps samples as long as the test runs. It is all that the engine asks of a
// storage; Prometheus' own would bring the clients of every cloud with it.
type memory struct {
	series map[string]*promql.Series
}

func newMemory() *memory { return &memory{series: map[string]*promql.Series{}} }

// append adds the newest sample of a series.
func (m *memory) append(series labels.Labels, at int64, v float64) {
	name := series.String()
	kept, ok := m.series[name]
	if !ok {
		kept = &promql.Series{Metric: series}
		m.series[name] = kept
	}
	kept.Floats = append(kept.Floats, promql.FPoint{T: at, F: v})
}

// Querier implements storage.Queryable.
func (m *memory) Querier(from, to int64) (storage.Querier, error) {
	return querier{Querier: storage.NoopQuerier(), memory: m, from: from, to: to}, nil
}

// querier answers for a span of time; it knows no lists of labels.
type querier struct {
	storage.Querier
	memory   *memory
	from, to int64
}

// Select implements storage.Querier.
func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	found := &set{SeriesSet: storage.EmptySeriesSet(), at: -1}
	for _, s := range q.memory.series {
		if matches(s.Metric, matchers) {
			found.series = append(found.series, promql.Series{Metric: s.Metric, Floats: between(s.Floats, q.from, q.to)})
		}
	}
	slices.SortFunc(found.series, func(a, b promql.Series) int { return labels.Compare(a.Metric, b.Metric) })
	return found
}

func matches(series labels.Labels, matchers []*labels.Matcher) bool {
	return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(series.Get(m.Name)) })
}

// between returns the samples of a span, whose ends belong to it.
func between(samples []promql.FPoint, from, to int64) []promql.FPoint {
	at := func(p promql.FPoint, t int64) int { return cmp.Compare(p.T, t) }
	first, _ := slices.BinarySearchFunc(samples, from, at)
	after := sort.Search(len(samples), func(i int) bool { return samples[i].T > to })
	return samples[first:max(first, after)]
}

// set goes through series.
type set struct {
	storage.SeriesSet
	series []promql.Series
	at     int
}

// Next implements storage.SeriesSet.
func (s *set) Next() bool {
	s.at++
	return s.at < len(s.series)
}

// At implements storage.SeriesSet.
func (s *set) At() storage.Series { return promql.NewStorageSeries(s.series[s.at]) }

// Warnings implements storage.SeriesSet.
func (*set) Warnings() annotations.Annotations { return nil }

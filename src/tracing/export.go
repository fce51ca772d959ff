package tracing

import (
	"context"
	"log/slog"
	"sync/atomic"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// mostUnderWay bounds the spans that are over and not sent yet, about 2 KB each.
const mostUnderWay = 8192

// counts are what became of spans.
type counts struct{ underWay, exported, dropped, failed atomic.Int64 }

// Counts says what became of the spans that are over.
type Counts struct {
	// Exported were taken by the collector.
	Exported int64
	// Dropped found no room, because the collector is slow or does not answer.
	Dropped int64
	// Failed were given up after the collector did not take them.
	Failed int64
}

// Counts returns what became of spans since the start.
func (t *Tracing) Counts() Counts {
	if t == nil {
		return Counts{}
	}
	return Counts{Exported: t.counts.exported.Load(), Dropped: t.counts.dropped.Load(), Failed: t.counts.failed.Load()}
}

// bounded passes on the spans that find room, and counts the others. What comes
// after it has room for all of them.
type bounded struct {
	sdk.SpanProcessor
	counts *counts
}

// OnEnd implements sdk.SpanProcessor.
func (b bounded) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if b.counts.underWay.Add(1) > mostUnderWay {
		b.counts.underWay.Add(-1)
		b.counts.dropped.Add(1)
		return
	}
	b.SpanProcessor.OnEnd(s)
}

// counting counts what an exporter sends, and says when it begins to fail and when
// it works again.
type counting struct {
	sdk.SpanExporter
	counts  *counts
	log     *slog.Logger
	failing atomic.Bool
}

// ExportSpans implements sdk.SpanExporter.
func (c *counting) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	c.counts.underWay.Add(-int64(len(spans)))
	if err != nil {
		c.counts.failed.Add(int64(len(spans)))
		if !c.failing.Swap(true) {
			c.log.Warn("the collector does not take traces; spans are lost", "error", err)
		}
		return nil // it is told here
	}
	c.counts.exported.Add(int64(len(spans)))
	if c.failing.Swap(false) {
		c.log.Info("the collector takes traces again")
	}
	return nil
}

package portal

import (
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// chart is the columns over time above the deliveries.
type chart struct {
	Columns   []column
	Delivered int
	Failed    int
	Most      int
	P50, P95  time.Duration
	Estimated bool
	Width     int
	Height    int
	Unit      string
	// Scale labels the axis: the start, the middle and the end of the time.
	Start, End time.Time
}

// column is one step of time; the numbers of its rectangles are in the chart's units.
type column struct {
	Start            time.Time
	Delivered        int
	Failed           int
	X, Width         int
	OKY, OKHeight    int
	BadY, BadHeight  int
	HasOK, HasFailed bool
}

// The chart's drawing, in its own units.
const (
	chartWidth  = 720
	chartHeight = 72
	columnGap   = 2
)

// chart counts the deliveries of a filter in steps that fit its time.
func (v *visit) chart(f hook.JobFilter) (*chart, error) {
	until := f.Until
	if until.IsZero() {
		until = v.Now()
	}
	step := stepFor(until.Sub(f.Since))
	summary, err := v.Store.Summary(v.r.Context(), v.project.ID, f, step)
	if err != nil {
		return nil, fmt.Errorf("sum up jobs: %w", err)
	}
	c := &chart{P50: summary.P50, P95: summary.P95, Estimated: summary.Estimated, Width: chartWidth, Height: chartHeight, Start: f.Since, End: until}
	switch step {
	case time.Hour:
		c.Unit = v.t("per hour")
	case 24 * time.Hour:
		c.Unit = v.t("per day")
	default:
		c.Unit = v.t("per %d min", int(step/time.Minute))
	}
	for _, s := range summary.Steps {
		c.Delivered, c.Failed, c.Most = c.Delivered+s.Delivered, c.Failed+s.Failed, max(c.Most, s.Delivered+s.Failed)
	}
	c.draw(summary.Steps)
	return c, nil
}

// stepFor returns steps of an hour for what a person looks at most, and others for
// much less or more time.
func stepFor(span time.Duration) time.Duration {
	switch {
	case span <= 2*time.Hour:
		return 5 * time.Minute
	case span <= 8*24*time.Hour:
		return time.Hour
	case span <= 200*24*time.Hour:
		return 24 * time.Hour
	default:
		return (span/200 + time.Hour).Truncate(time.Hour)
	}
}

// draw puts the failed on top of the delivered. What is not nothing is seen.
func (c *chart) draw(steps []hook.SummaryStep) {
	wide := chartWidth / max(len(steps), 1)
	for i, s := range steps {
		col := column{Start: s.Start, Delivered: s.Delivered, Failed: s.Failed, X: i * wide, Width: max(wide-columnGap, 1)}
		col.OKHeight, col.BadHeight = c.height(s.Delivered), c.height(s.Failed)
		col.OKY = chartHeight - col.OKHeight
		col.BadY = max(col.OKY-col.BadHeight, 0)
		col.HasOK, col.HasFailed = s.Delivered > 0, s.Failed > 0
		c.Columns = append(c.Columns, col)
	}
}

func (c *chart) height(n int) int {
	if n == 0 {
		return 0
	}
	return max(n*(chartHeight-4)/c.Most, 2)
}

package portal

import (
	"fmt"
	"strings"
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
	// Start and End label the axis.
	Start, End time.Time
	// Good and Bad are the outlines of all columns.
	Good, Bad string
}

// column is one step of time.
type column struct {
	Start     time.Time
	Delivered int
	Failed    int
}

// Any says whether anything happened in the step.
func (c column) Any() bool { return c.Delivered+c.Failed > 0 }

// The chart's drawing, in its own units; it is as wide at most, and stretched.
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
	c := &chart{P50: summary.P50, P95: summary.P95, Estimated: summary.Estimated, Height: chartHeight, Start: f.Since, End: until}
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
	var good, bad strings.Builder
	wide := chartWidth / max(len(steps), 1)
	for i, s := range steps {
		c.Columns = append(c.Columns, column{s.Start, s.Delivered, s.Failed})
		x, width := i*wide, max(wide-columnGap, 1)
		ok, failed := c.height(s.Delivered), c.height(s.Failed)
		rectangle(&good, x, chartHeight-ok, width, ok)
		rectangle(&bad, x, max(chartHeight-ok-failed, 0), width, failed)
	}
	c.Good, c.Bad, c.Width = good.String(), bad.String(), max(wide*len(steps), 1)
}

// rectangle adds one that is not empty to an outline: one path for all columns takes a
// fifth of what as many elements do.
func rectangle(outline *strings.Builder, x, y, width, height int) {
	if height > 0 {
		fmt.Fprintf(outline, "M%d %dh%dv%dh-%dz", x, y, width, height, width)
	}
}

func (c *chart) height(n int) int {
	if n == 0 {
		return 0
	}
	return max(n*(chartHeight-4)/c.Most, 2)
}

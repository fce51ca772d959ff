package hook

import "time"

// Outcomes counts how jobs ended.
type Outcomes struct {
	Delivered int
	Failed    int
	// Other are those that wait, run or were stopped.
	Other int
	// More says that there are more jobs than were counted.
	More bool
}

// Total is how many jobs were counted.
func (o Outcomes) Total() int { return o.Delivered + o.Failed + o.Other }

// Summary says how the jobs of a span of time ended.
type Summary struct {
	// Steps cover the span without gap, oldest first.
	Steps []SummaryStep
	// P50 and P95 are how long the last attempts of delivered jobs took; zero if there are none.
	P50, P95 time.Duration
	// Estimated says that the numbers were made from a sample of the jobs.
	Estimated bool
}

// SummaryStep is a part of a Summary.
type SummaryStep struct {
	Start     time.Time
	Delivered int
	Failed    int
}

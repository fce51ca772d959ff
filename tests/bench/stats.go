package main

import (
	"math"
	"slices"
	"time"
)

// latencies are the samples of one measure, in no order.
type latencies []time.Duration

// percentile returns the smallest sample that at least p percent of the samples
// do not exceed (nearest rank), so that it is always one that was measured. It
// is 0 without samples.
func (l latencies) percentile(p float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// max returns the largest sample, 0 without samples.
func (l latencies) max() time.Duration { return l.percentile(100) }

// perSecond is a rate, 0 if no time has passed.
func perSecond(n int, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(n) / took.Seconds()
}

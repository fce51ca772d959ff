package main

import (
	"testing"
	"time"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	t.Parallel()
	hundred := make(latencies, 0, 100)
	for i := 100; i >= 1; i-- {
		hundred = append(hundred, time.Duration(i))
	}
	cases := []struct {
		name    string
		samples latencies
		p       float64
		want    time.Duration
	}{
		{"no samples", nil, 50, 0},
		{"one sample", latencies{7}, 1, 7},
		{"the middle of three", latencies{30, 10, 20}, 50, 20},
		{"the lower middle of four", latencies{4, 3, 2, 1}, 50, 2},
		{"of a hundred, 50", hundred, 50, 50},
		{"of a hundred, 95", hundred, 95, 95},
		{"of a hundred, 99", hundred, 99, 99},
		{"of thirty, 95 is the last but one", hundred[:30], 95, 99},
		{"the largest", hundred, 100, 100},
		{"the smallest", hundred, 0, 1},
	}
	for _, c := range cases {
		if got := c.samples.percentile(c.p); got != c.want {
			t.Errorf("%s: percentile(%v) = %v, want %v", c.name, c.p, got, c.want)
		}
	}
	if got := hundred.max(); got != 100 {
		t.Errorf("max() = %v, want 100", got)
	}
	if hundred[0] != 100 {
		t.Error("the samples were put in another order")
	}
}

func TestPerSecond(t *testing.T) {
	t.Parallel()
	if got := perSecond(500, 250*time.Millisecond); got != 2000 {
		t.Errorf("perSecond = %v, want 2000", got)
	}
	if got := perSecond(500, 0); got != 0 {
		t.Errorf("perSecond without time = %v, want 0", got)
	}
}

package main

import "testing"

func TestVerdict(t *testing.T) {
	t.Parallel()
	rate, latency := asked{least: 2500, aim: 4000}, asked{least: 50, aim: 15}
	cases := []struct {
		asked asked
		value float64
		want  string
	}{
		{rate, 2499, "**missed**"},
		{rate, 2500, "reached"},
		{rate, 4000, "aim reached"},
		{latency, 51, "**missed**"},
		{latency, 50, "reached"},
		{latency, 15, "aim reached"},
	}
	for _, c := range cases {
		if got := c.asked.verdict(c.value); got != c.want {
			t.Errorf("%v when %v is asked: %s, want %s", c.value, c.asked.least, got, c.want)
		}
	}
}

func TestEveryMeasureThatIsAskedForIsFound(t *testing.T) {
	t.Parallel()
	m := sampleWithExtras()
	m.loads = append(m.loads, ran{load: load{name: onePolicy, events: 1, policies: 1}}, ran{load: load{name: halfLoad, events: 1, policies: 1}})
	for _, s := range []shape{standalone, production} {
		for _, a := range askedOf(s) {
			if _, ok := a.of(m); !ok {
				t.Errorf("%s, %s: not found in what was measured", s, a.measure)
			}
		}
	}
}

func TestFigure(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0.5: "0.5", 0.804: "0.8", 2.346: "2.35", 15.04: "15", 49.96: "50", 99.96: "100", 2632.7: "2,632"} {
		if got := figure(v); got != want {
			t.Errorf("figure(%v) = %s, want %s", v, got, want)
		}
	}
}

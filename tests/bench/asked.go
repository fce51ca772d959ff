package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// asked is what a measure should come to.
type asked struct {
	measure string
	// least is what is asked at least, aim what would be good. Both are upper bounds
	// if the least one is the greater.
	least, aim float64
	// of finds the measured value; false if it was not measured.
	of func(measured) (float64, bool)
}

// verdict says how a value compares with what is asked.
func (a asked) verdict(value float64) string {
	better := func(than float64) bool {
		if a.least > a.aim {
			return value <= than
		}
		return value >= than
	}
	switch {
	case better(a.aim):
		return "aim reached"
	case better(a.least):
		return "reached"
	default:
		return "**missed**"
	}
}

// writeAsked writes what is asked beside what was reached. What was not measured
// is left out.
func writeAsked(w io.Writer, all []measured) {
	fmt.Fprint(w, "\n| asked and reached | at least | aim | measured | |\n|---|---:|---:|---:|---|\n")
	for _, m := range all {
		for _, a := range askedOf(m.shape) {
			if value, ok := a.of(m); ok {
				fmt.Fprintf(w, "| %s, %s | %s | %s | %s | %s |\n", m.shape, a.measure, figure(a.least), figure(a.aim), figure(value), a.verdict(value))
			}
		}
	}
}

// figure writes whole numbers from 100 on, and two digits after the point of small
// ones where they have any.
func figure(v float64) string {
	if v >= 100 {
		return thousands(int(v))
	}
	if v >= 10 {
		return strconv.FormatFloat(float64(int(v*10+0.5))/10, 'f', -1, 64)
	}
	return strconv.FormatFloat(float64(int(v*100+0.5))/100, 'f', -1, 64)
}

// askedOf is what is asked of a shape: of the standalone one half of the rates, of
// the bare one nothing.
func askedOf(s shape) []asked {
	if s == barely {
		return nil
	}
	if s == standalone {
		return []asked{
			{"1 policy, deliveries/s", 1250, 2000, rateOf(onePolicy)},
			{"10 policies, deliveries/s", 2500, 4000, rateOf(tenPolicies)},
		}
	}
	return []asked{
		{"idle latency p50, ms", 5, 2, func(m measured) (float64, bool) { return millis(m.idle.percentile(50)), len(m.idle) > 0 }},
		{"idle latency max, ms", 30, 10, func(m measured) (float64, bool) { return millis(m.idle.max()), len(m.idle) > 0 }},
		{"1 policy, deliveries/s", 2500, 4000, rateOf(onePolicy)},
		{"10 policies, deliveries/s", 5000, 8000, rateOf(tenPolicies)},
		{"1 policy, CPU seconds per 1,000 deliveries", 0.8, 0.5, cpuOf(onePolicy)},
		{"10 policies, CPU seconds per 1,000 deliveries", 0.8, 0.5, cpuOf(tenPolicies)},
		{"half load, accept latency p99, ms", 20, 5, ofLoad(halfLoad, func(r ran) float64 { return millis(r.accept.percentile(99)) })},
		{"deliveries waiting, peak memory of core and jobservice, MiB", 150, 80, waitingMemory},
		{"throughput with a history, % of that without", 80, 95, func(m measured) (float64, bool) {
			if m.history == nil {
				return 0, false
			}
			return 100 * m.history.share(), true
		}},
		{"fast endpoint beside a slow one, p99, ms", 50, 15, arrivalsOf(besideSlow)},
		{"fast endpoint beside a silent one, p99, ms", 50, 15, arrivalsOf(besideSilent)},
	}
}

func ofLoad(name string, value func(ran) float64) func(measured) (float64, bool) {
	return func(m measured) (float64, bool) {
		i := slices.IndexFunc(m.loads, func(r ran) bool { return r.name == name })
		if i < 0 {
			return 0, false
		}
		return value(m.loads[i]), true
	}
}

func rateOf(name string) func(measured) (float64, bool) {
	return ofLoad(name, func(r ran) float64 { return perSecond(r.deliveries(), r.took) })
}

func cpuOf(name string) func(measured) (float64, bool) {
	return ofLoad(name, func(r ran) (all float64) {
		for _, used := range r.cpu {
			all += used.Seconds()
		}
		return all / float64(r.deliveries()) * 1000
	})
}

func waitingMemory(m measured) (float64, bool) {
	if m.waiting == nil {
		return 0, false
	}
	return float64(ownSum(m.processes, m.waiting.drained)) / (1 << 20), true
}

func arrivalsOf(name string) func(measured) (float64, bool) {
	return func(m measured) (float64, bool) {
		if m.neighbours == nil {
			return 0, false
		}
		i := slices.IndexFunc(m.neighbours.fast, func(n neighbour) bool { return n.name == name })
		if i < 0 {
			return 0, false
		}
		return millis(m.neighbours.fast[i].arrivals.percentile(99)), true
	}
}

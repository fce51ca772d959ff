package main

import (
	"strings"
	"testing"
	"time"
)

func sample() measured {
	return measured{
		shape: production, processes: []string{"PostgreSQL", "Redis", "core", "jobservice"},
		idle: latencies{2 * time.Millisecond, 1 * time.Millisecond, 40 * time.Millisecond},
		loads: []ran{{
			load:    load{name: "bench-ten", title: "10 policies", events: 2000, policies: 10, senders: 16, connections: 16},
			offered: offered{accept: latencies{time.Millisecond, 3 * time.Millisecond}},
			took:    4 * time.Second,
			others:  0.123,
			cpu:     cpuTimes{4 * time.Second, time.Second, 2 * time.Second, 3 * time.Second},
		}},
		peaks: []int64{20 << 20, 8 << 20, 60 << 20, 70 << 20},
	}
}

func TestTheReportTellsRatesAndShares(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	writeReport(&out, "a machine", options{idleEvents: 3, idleGap: time.Second, given: []string{"-senders=16"}}, "harborhook v1",
		time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), []measured{sample()})
	for _, want := range []string{
		"Machine: a machine.",
		"Date: 2026-01-02. harborhook v1. Command: `go run ./tests/bench -senders=16`.",
		"| measure | production |\n|---|---:|\n",
		"| idle latency, 3 events 1s apart: p50 / p95 / max, ms | 2.0 / 40.0 / 40.0 |",
		"| **2,000 events, 10 policies, 16 senders**: deliveries/s | **5,000** |",
		"| – CPU seconds per 1,000 deliveries | 0.50, harborhook 0.25 (PostgreSQL 0.20, Redis 0.05, core 0.10, jobservice 0.15) |",
		"| – CPU taken by others meanwhile, % | 12 |",
		"| – accept latency p50 / p99, ms | 1.0 / 3.0 |",
		"| peak memory, MiB | PostgreSQL 20, Redis 8, core 60, jobservice 70 |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}

func TestWhatIsLostOrRepeatedIsAFault(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*measured)
		want   string
	}{
		"nothing":      {func(*measured) {}, ""},
		"refused once": {func(m *measured) { m.loads[0].refused = 1 }, ""},
		"lost":         {func(m *measured) { m.loads[0].lost = 1 }, "10 policies: lost 1"},
		"twice":        {func(m *measured) { m.loads[0].repeated = 2 }, "twice 2"},
		"not recorded": {func(m *measured) { m.loads[0].unfinished = 3 }, "not recorded 3"},
		"idle, twice":  {func(m *measured) { m.idleWas.repeated = 1 }, "single events: lost 0, twice 1"},
	}
	for name, c := range cases {
		m := sample()
		c.change(&m)
		err := faults([]measured{m})
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: faults = %v, want %q", name, err, c.want)
		}
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}

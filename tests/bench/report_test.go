package main

import (
	"slices"
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

func sampleWithExtras() measured {
	m := sample()
	run := func(name string, took time.Duration) ran {
		return ran{load: load{name: name, title: name, events: 1000, policies: 1, senders: 16, connections: 16, rate: 100}, took: took, cpu: m.loads[0].cpu}
	}
	m.history = &historyRan{deliveries: 1_000_000, filled: 90 * time.Second, empty: run("empty", time.Second), full: run("full", 1250*time.Millisecond)}
	m.history.full.beside = "1,000,000 finished deliveries in the tables"
	waiting := ran{load: load{name: "waiting", title: "waiting", events: 1000, policies: 10}}
	m.waiting = &waitingRan{
		ran: waiting, waited: 9990, held: []int64{30 << 20, 9 << 20, 50 << 20, 60 << 20}, drained: []int64{40 << 20, 9 << 20, 51 << 20, 99 << 20},
		first: 2 * time.Second, most: 5 * time.Second, all: 8500 * time.Millisecond,
	}
	m.neighbours = &neighboursRan{warm: run("warm", time.Second), fast: []neighbour{
		{run(besideNobody, 0), latencies{time.Millisecond}},
		{run(besideSlow, 0), latencies{3 * time.Millisecond, 2 * time.Millisecond}},
		{run(besideSilent, 0), latencies{60 * time.Millisecond}},
	}}
	return m
}

func TestTheReportTellsOfHistoryWaitingAndNeighbours(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	writeReport(&out, "a machine", options{}, "harborhook v1", time.Now(), []measured{sampleWithExtras()})
	for _, want := range []string{
		"| **1,000 events, 1 policy, 16 senders**, 1,000,000 finished deliveries in the tables: deliveries/s | **800** |",
		"| – compared with empty tables, % | **80** |",
		"| **10,000 deliveries wait** for 10 endpoints: peak memory of harborhook, MiB | **150** |",
		"| – each process while they wait, MiB | PostgreSQL 30, Redis 9, core 50, jobservice 60 |",
		"| – waiting, says the API | 9,990 |",
		"| – the endpoints are back: first / 99 % / last arrival, s | 2.0 / 5.0 / 8.5 |",
		"| – from the first arrival to 99 %, deliveries/s | 3,300 |",
		"| **a fast endpoint bench-slow**, 1,000 events, 100/s: event to arrival p50 / p99, ms | 2.0 / 3.0 |",
		"| production, 10 policies, deliveries/s | 5,000 | 8,000 | 5,000 | reached |",
		"| production, deliveries waiting, peak memory of core and jobservice, MiB | 150 | 80 | 150 | reached |",
		"| production, throughput with a history, % of that without | 80 | 95 | 80 | reached |",
		"| production, fast endpoint beside a slow one, p99, ms | 50 | 15 | 3 | aim reached |",
		"| production, fast endpoint beside a silent one, p99, ms | 50 | 15 | 60 | **missed** |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}

func TestTheBareShapeIsComparedWithAndNotAsked(t *testing.T) {
	t.Parallel()
	bare := sample()
	bare.shape, bare.loads = barely, slices.Clone(bare.loads)
	bare.loads[0].took = time.Second
	var out strings.Builder
	writeReport(&out, "a machine", options{}, "harborhook v1", time.Now(), []measured{bare, sampleWithExtras()})
	for _, want := range []string{"| 10 policies, deliveries/s | 25 |", "| – compared with empty tables, % |  | **80** |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "| bare, ") {
		t.Errorf("something is asked of the bare shape:\n%s", out.String())
	}
}

func TestWhatWasLeftOutIsNotAsked(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	writeAsked(&out, []measured{sample()})
	for _, left := range []string{"history", "waiting", "beside", "half load"} {
		if strings.Contains(out.String(), left) {
			t.Errorf("%q was not measured, and is in the table:\n%s", left, out.String())
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
		"history":      {func(m *measured) { m.history.full.lost = 4 }, "full: lost 4"},
		"waiting":      {func(m *measured) { m.waiting.unfinished = 5 }, "waiting: lost 0, twice 0, strange 0, not recorded 5"},
		"neighbours":   {func(m *measured) { m.neighbours.fast[2].repeated = 6 }, besideSilent + ": lost 0, twice 6"},
		"too slow":     {func(m *measured) { m.neighbours.fast[2].arrivals = latencies{time.Hour} }, ""},
		"idle, twice":  {func(m *measured) { m.idleWas.repeated = 1 }, "single events: lost 0, twice 1"},
	}
	for name, c := range cases {
		m := sampleWithExtras()
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

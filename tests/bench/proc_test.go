package main

import (
	"testing"
	"testing/fstest"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, line string
		want       stat
		fails      bool
	}{
		{
			name: "a plain name",
			line: "4242 (harborhook) S 17 4242 4242 0 -1 4194560 5000 0 3 0 150 50 7 3 20 0 12 0 8000 1300000000 9000 18446744073709551615",
			want: stat{parent: 17, own: 2 * time.Second, reaped: 100 * time.Millisecond},
		},
		{
			name: "a name with blanks and parentheses",
			line: "9 (postgres: (a) 1 2) R 4 9 9 0 -1 0 0 0 0 0 1 2 3 4 20 0",
			want: stat{parent: 4, own: 30 * time.Millisecond, reaped: 70 * time.Millisecond},
		},
		{name: "no name", line: "9 postgres R 4", fails: true},
		{name: "cut off", line: "9 (x) R 4 9 9 0 -1 0 0 0 0 0 1 2", fails: true},
		{name: "no number", line: "9 (x) R 4 9 9 0 -1 0 0 0 0 0 1 two 3 4 20 0", fails: true},
	}
	for _, c := range cases {
		got, err := parseStat(c.line)
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: parseStat = %+v, %v, want %+v, failure %v", c.name, got, err, c.want, c.fails)
		}
	}
}

func TestParsePeak(t *testing.T) {
	t.Parallel()
	got, err := parsePeak("Name:\tredis\nVmPeak:\t   99999 kB\nVmHWM:\t    8192 kB\nVmRSS:\t    4096 kB\n")
	if err != nil || got != 8<<20 {
		t.Errorf("parsePeak = %d, %v, want %d", got, err, 8<<20)
	}
	for _, status := range []string{"", "Name:\tkthreadd\n", "VmHWM:\tmuch\n"} {
		if _, err := parsePeak(status); err == nil {
			t.Errorf("parsePeak(%q) did not fail", status)
		}
	}
}

func TestParseMachine(t *testing.T) {
	t.Parallel()
	got, err := parseMachine("cpu  100 20 30 400 50 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n")
	if want := (machineTimes{all: 6210 * time.Millisecond, busy: 1710 * time.Millisecond}); got != want || err != nil {
		t.Errorf("parseMachine = %+v, %v, want %+v", got, err, want)
	}
	for _, text := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3", "cpu 1 2 3 4 5 6 7 x"} {
		if _, err := parseMachine(text); err == nil {
			t.Errorf("parseMachine(%q) did not fail", text)
		}
	}
}

func TestTheShareOfOthersLeavesUsOut(t *testing.T) {
	t.Parallel()
	before := reading{processes: cpuTimes{time.Second, 0}, self: time.Second, machine: machineTimes{all: 10 * time.Second, busy: 5 * time.Second}}
	after := reading{processes: cpuTimes{2 * time.Second, time.Second}, self: 2 * time.Second, machine: machineTimes{all: 20 * time.Second, busy: 9 * time.Second}}
	if got := after.othersSince(before); got != 0.1 {
		t.Errorf("others took %v, want 0.1", got)
	}
	if got := before.othersSince(before); got != 0 {
		t.Errorf("others took %v of no time", got)
	}
}

func TestChildrenAreCounted(t *testing.T) {
	t.Parallel()
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	proc := procFS{fstest.MapFS{
		"100/stat":   file("100 (postgres) S 1 0 0 0 -1 0 0 0 0 0 100 0 20 30 20 0"),
		"100/status": file("VmHWM: 10 kB\n"),
		"101/stat":   file("101 (postgres: walwriter) S 100 0 0 0 -1 0 0 0 0 0 5 5 0 0 20 0"),
		"101/status": file("VmHWM: 30 kB\n"),
		"102/stat":   file("102 (stranger) S 1 0 0 0 -1 0 0 0 0 0 9999 0 0 0 20 0"),
		"102/status": file("VmHWM: 999 kB\n"),
		"meminfo":    file("MemTotal: 1 kB\n"),
	}}
	if got, err := proc.cpu(100); err != nil || got != 1600*time.Millisecond {
		t.Errorf("cpu = %v, %v, want 1.6s", got, err)
	}
	if got, err := proc.peak(100); err != nil || got != 30<<10 {
		t.Errorf("peak = %d, %v, want %d", got, err, 30<<10)
	}
	if _, err := proc.cpu(7); err == nil {
		t.Error("cpu of a process that does not exist did not fail")
	}
}

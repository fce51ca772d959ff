package main

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// procFS reads Linux's /proc.
type procFS struct{ fs.FS }

// tick is the unit of times in /proc/<pid>/stat: USER_HZ is 100 on every Linux
// that Go runs on.
const tick = time.Second / 100

// stat is what we read of /proc/<pid>/stat.
type stat struct {
	parent int
	// own is user and system time of the process, reaped that of its children
	// which have ended.
	own, reaped time.Duration
}

// parseStat reads a line of /proc/<pid>/stat. The second field is the program's
// name in parentheses, which may itself hold blanks and parentheses.
func parseStat(line string) (stat, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("stat without a name: %q", line)
	}
	fields := strings.Fields(line[end+1:]) // from the third on
	const ppid, utime, cstime = 4 - 3, 14 - 3, 17 - 3
	if len(fields) <= cstime {
		return stat{}, fmt.Errorf("stat with %d fields: %q", len(fields)+2, line)
	}
	parent, err := strconv.Atoi(fields[ppid])
	if err != nil {
		return stat{}, fmt.Errorf("parent in stat: %w", err)
	}
	var ticks [4]int64 // utime, stime, cutime, cstime
	for i := range ticks {
		if ticks[i], err = strconv.ParseInt(fields[utime+i], 10, 64); err != nil {
			return stat{}, fmt.Errorf("times in stat: %w", err)
		}
	}
	return stat{parent, time.Duration(ticks[0]+ticks[1]) * tick, time.Duration(ticks[2]+ticks[3]) * tick}, nil
}

// parsePeak returns the line VmHWM of /proc/<pid>/status, in bytes: the most
// memory that the process has held at any time.
func parsePeak(status string) (int64, error) {
	for line := range strings.Lines(status) {
		value, ok := strings.CutPrefix(line, "VmHWM:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("VmHWM: %w", err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("no VmHWM in %d bytes of status", len(status))
}

// cpu returns the CPU time of a process and of its children, dead and alive.
// Grandchildren that live are not counted.
func (p procFS) cpu(pid int) (time.Duration, error) {
	s, err := p.stat(pid)
	if err != nil {
		return 0, err
	}
	total := s.own + s.reaped
	err = p.eachChild(pid, func(_ int, s stat) { total += s.own + s.reaped })
	return total, err
}

// peak returns the peak memory of the process, or of the one of its children
// that had the most, in bytes.
func (p procFS) peak(pid int) (int64, error) {
	most, err := p.peakOf(pid)
	if err != nil {
		return 0, err
	}
	err = p.eachChild(pid, func(child int, _ stat) {
		if bytes, err := p.peakOf(child); err == nil {
			most = max(most, bytes)
		}
	})
	return most, err
}

func (p procFS) peakOf(pid int) (int64, error) {
	status, err := fs.ReadFile(p, strconv.Itoa(pid)+"/status")
	if err != nil {
		return 0, err
	}
	return parsePeak(string(status))
}

// machineTimes is how long all processors together have run, and how long of it
// they had something to do.
type machineTimes struct{ all, busy time.Duration }

// parseMachine reads the first line of /proc/stat: user, nice, system, idle,
// iowait, irq, softirq and steal, the last of which others have used.
func parseMachine(text string) (machineTimes, error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return machineTimes{}, fmt.Errorf("not the times of all processors: %q", line)
	}
	var m machineTimes
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return machineTimes{}, fmt.Errorf("times of all processors: %w", err)
		}
		m.all += time.Duration(ticks) * tick
		if i != 3 && i != 4 {
			m.busy += time.Duration(ticks) * tick
		}
	}
	return m, nil
}

func (p procFS) machine() (machineTimes, error) {
	text, err := fs.ReadFile(p, "stat")
	if err != nil {
		return machineTimes{}, err
	}
	return parseMachine(string(text))
}

func (p procFS) stat(pid int) (stat, error) {
	line, err := fs.ReadFile(p, strconv.Itoa(pid)+"/stat")
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(line))
}

// eachChild leaves out processes that end meanwhile.
func (p procFS) eachChild(parent int, do func(pid int, s stat)) error {
	entries, err := fs.ReadDir(p, ".")
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue // not a process
		}
		if s, err := p.stat(pid); err == nil && s.parent == parent {
			do(pid, s)
		}
	}
	return nil
}

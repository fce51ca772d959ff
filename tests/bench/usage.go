package main

import (
	"fmt"
	"os"
	"time"
)

// cpuTimes is the CPU time that processes have used, in the order of a system's
// processes.
type cpuTimes []time.Duration

// since returns what was used after an earlier reading.
func (c cpuTimes) since(before cpuTimes) cpuTimes {
	used := make(cpuTimes, len(c))
	for i := range c {
		used[i] = c[i] - before[i]
	}
	return used
}

// reading is the CPU time used until a moment: by the processes of a system, by
// this program, and by everybody.
type reading struct {
	processes cpuTimes
	self      time.Duration
	machine   machineTimes
}

func (s *system) read() (reading, error) {
	proc := procFS{os.DirFS("/proc")}
	r := reading{processes: make(cpuTimes, len(s.processes))}
	for i, p := range s.processes {
		var err error
		if r.processes[i], err = proc.cpu(p.pid()); err != nil {
			return r, fmt.Errorf("CPU time of %s: %w", p.name, err)
		}
	}
	self, err := proc.stat(os.Getpid())
	if err != nil {
		return r, fmt.Errorf("CPU time of this program: %w", err)
	}
	r.self = self.own
	r.machine, err = proc.machine()
	return r, err
}

// othersSince is the part of the machine's processors, from 0 to 1, that others
// have taken since an earlier reading: what makes numbers worse than they are.
func (r reading) othersSince(before reading) float64 {
	all := r.machine.all - before.machine.all
	if all <= 0 {
		return 0
	}
	others := r.machine.busy - before.machine.busy - (r.self - before.self)
	for _, used := range r.processes.since(before.processes) {
		others -= used
	}
	return max(0, float64(others)/float64(all))
}

package harness

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ForgetPeak lets the peak that Resident tells begin now.
func (p *Process) ForgetPeak(t T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte("5"), 0); err != nil {
		t.Fatalf("memory of %s: %v", p.spec.name, err)
	}
}

// Resident returns how many bytes of memory the process holds, or held at its
// peak.
func (p *Process) Resident(t T) (now, peak int64) {
	t.Helper()
	p.mu.Lock()
	r := p.running
	p.mu.Unlock()
	if r == nil {
		t.Fatalf("%s does not run", p.spec.name)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		t.Fatalf("memory of %s: %v", p.spec.name, err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kB, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch {
		case err != nil:
		case name == "VmRSS":
			now = kB << 10
		case name == "VmHWM":
			peak = kB << 10
		}
	}
	return now, peak
}

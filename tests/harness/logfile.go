package harness

import (
	"bytes"
	"os"
	"strings"
)

// logfile is where a process writes. A file needs no goroutine, and outlives
// the process.
type logfile struct{ path string }

func (l logfile) open() (*os.File, error) {
	return os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
}

// tail returns the last lines.
func (l logfile) tail(lines int) string {
	data, err := os.ReadFile(l.path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(all[len(all)-min(len(all), lines):], "\n")
}

// race returns what the race detector has reported, or nothing.
func (l logfile) race() string {
	data, err := os.ReadFile(l.path)
	if err != nil {
		return ""
	}
	const mark = "WARNING: DATA RACE"
	i := bytes.Index(data, []byte(mark))
	if i < 0 {
		return ""
	}
	report := data[i:]
	return string(report[:min(len(report), 8<<10)])
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// describeMachine tells in one line what the numbers depend on. dir is where the
// data lies.
func describeMachine(dir string) string {
	memory := "unknown memory"
	if kib, err := strconv.ParseInt(strings.TrimSuffix(value(readText("/proc/meminfo"), "MemTotal"), " kB"), 10, 64); err == nil {
		memory = fmt.Sprintf("%.0f GiB", float64(kib)/(1<<20))
	}
	model := value(readText("/proc/cpuinfo"), "model name")
	if model == "" {
		model = runtime.GOARCH
	}
	if abs, err := filepath.EvalSymlinks(dir); err == nil {
		dir = abs
	}
	return fmt.Sprintf("%s, %d cores, %s, %s, data on %s, %s %s/%s", model, runtime.NumCPU(), memory,
		"Linux "+strings.TrimSpace(readText("/proc/sys/kernel/osrelease")), fileSystem(readText("/proc/mounts"), dir),
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// readText returns nothing for what cannot be read: a description lacks it then.
func readText(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// value returns what follows the first "key:" that begins a line.
func value(text, key string) string {
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// fileSystem finds the type of the file system of dir in the lines of
// /proc/mounts: what a sync costs hangs on it.
func fileSystem(mounts, dir string) string {
	found, longest := "an unknown file system", -1
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		point := fields[1]
		under := point == "/" || dir == point || strings.HasPrefix(dir, point+"/")
		if under && len(point) >= longest { // a later mount hides an earlier one
			found, longest = fields[2], len(point)
		}
	}
	return found
}

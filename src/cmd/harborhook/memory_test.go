package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestTheMemoryLimitLeavesALargeHeapRoomToGrow(t *testing.T) {
	t.Parallel()
	for _, live := range []uint64{0, 10 << 20, 160 << 20, 180 << 20, 256 << 20, 1 << 30, 64 << 30} {
		limit := limitFor(live)
		if limit < memoryLimit || uint64(limit) < live+live/2 {
			t.Errorf("%d MiB in use: the limit is %d MiB", live>>20, limit>>20)
		}
		if live <= 160<<20 && limit != memoryLimit {
			t.Errorf("%d MiB in use: the limit is raised to %d MiB", live>>20, limit>>20)
		}
		if uint64(limit) > max(memoryLimit, live+live/2+limitStep) {
			t.Errorf("%d MiB in use: the limit of %d MiB bounds nothing", live>>20, limit>>20)
		}
	}
}

func cycles() uint64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// It changes settings of the whole process, so it runs beside no other test.
func TestALargeHeapIsNotCollectedWithoutEnd(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	percent := debug.SetGCPercent(100)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	})
	boundMemory()
	inUse := make([]byte, memoryLimit+memoryLimit/8)
	for start := time.Now(); debug.SetMemoryLimit(-1) <= int64(len(inUse)); runtime.GC() {
		if time.Since(start) > 30*time.Second {
			t.Fatal("the limit stays below what is in use")
		}
	}
	before := cycles()
	var garbage []byte
	for range 2 * memoryLimit >> 16 {
		garbage = make([]byte, 64<<10)
	}
	if n := cycles() - before; n > 12 {
		t.Errorf("%d collections, for garbage of twice the limit", n)
	} else {
		t.Logf("%d collections", n)
	}
	runtime.KeepAlive(garbage)
	runtime.KeepAlive(inUse)
}

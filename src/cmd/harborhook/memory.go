package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// gcPercent lets a heap of a few megabytes grow to a few tens between collections,
	// which saves a tenth of the processor time under load. GOGC overrides it.
	gcPercent = 300
	// memoryLimit is where more frequent collections take the place of a growing heap:
	// what an attack leaves behind is not kept. GOMEMLIMIT overrides it.
	memoryLimit = 256 << 20
	// limitStep is how finely the limit follows the heap.
	limitStep = 16 << 20
)

// boundMemory says when garbage is collected.
func boundMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		limit := int64(memoryLimit)
		debug.SetMemoryLimit(limit)
		afterCollections(func() {
			if next := limitFor(liveHeap()); next != limit {
				limit = next
				debug.SetMemoryLimit(limit)
			}
		})
	}
}

// limitFor is the limit while so many bytes are in use. A heap that needs most of
// memoryLimit may still grow by half between two collections: one that may not would
// be collected without end.
func limitFor(live uint64) int64 {
	steps := (live + live/2) / limitStep
	return max(memoryLimit, int64(steps+1)*limitStep)
}

// liveHeap is how many bytes were in use at the last collection.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// afterCollections calls f after every collection or two, one call after the other.
func afterCollections(f func()) {
	// Something that is garbage at once. Without a pointer in it, it might share its
	// place with something that is not.
	type mark struct{ _ *mark }
	runtime.AddCleanup(&mark{}, func(f func()) {
		f()
		afterCollections(f)
	}, f)
}

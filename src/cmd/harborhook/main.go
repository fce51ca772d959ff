// Command harborhook is Harbor's webhook module: the whole system in one
// process (standalone), or one part of it (core, jobservice).
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/harborhook/harborhook/src/app"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = "dev"

// gcPercent lets a heap of a few megabytes grow to a few tens between collections,
// which saves a tenth of the processor time under load. GOGC overrides it.
const gcPercent = 300

// memoryLimit is where more frequent collections take the place of a growing heap:
// what an attack leaves behind is not kept. GOMEMLIMIT overrides it.
const memoryLimit = 256 << 20

func main() {
	ctx, stop := withSignals(context.Background(), os.Exit)
	p := program{
		serve:     app.Run,
		migrate:   app.Migrate,
		reconcile: app.Reconcile,
		rotateKey: app.RotateKey,
		environ:   os.Environ(),
		stdin:     os.Stdin,
		stdout:    os.Stdout,
		stderr:    os.Stderr,
		ask:       asker(os.Stdin, os.Stderr),
		colours:   coloured(os.Stdout),
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// Command harborhook is Harbor's webhook module: the whole system in one
// process (standalone), or one part of it (core, jobservice).
package main

import (
	"context"
	"os"

	"github.com/harborhook/harborhook/src/app"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = "dev"

func main() {
	ctx, stop := withSignals(context.Background(), os.Exit)
	p := program{
		serve:     app.Run,
		migrate:   app.Migrate,
		reconcile: app.Reconcile,
		rotateKey: app.RotateKey,
		listen:    takeLibraries,
		environ:   os.Environ(),
		stdin:     os.Stdin,
		stdout:    os.Stdout,
		stderr:    os.Stderr,
		ask:       asker(os.Stdin, os.Stderr),
		colours:   coloured(os.Stdout),
	}
	boundMemory()
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

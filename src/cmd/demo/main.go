// Command demo pushes a small image to a running standalone harborhook and shows
// the webhook that arrives.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/harborhook/harborhook/src/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs the demo and returns the exit code: 2 for wrong use, 1 if the
// webhook did not arrive.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	d, err := newDemo(args, environ, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "demo: %v\n", err)
		return 2
	}
	if err := d.run(ctx); err != nil {
		fmt.Fprintf(stderr, "demo: %v\n", err)
		return 1
	}
	return 0
}

// newDemo reads flags and configuration. The defaults, and the variables that
// replace them, are those of "harborhook standalone".
func newDemo(args, environ []string, out io.Writer) (*demo, error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	given := map[string]string{}
	for _, s := range config.Settings() {
		switch s.Variable {
		case "HARBORHOOK_DATA_DIR", "HARBORHOOK_CORE_ADDR", "HARBORHOOK_REGISTRY_ADDR":
			flags.Func(s.Flag, "as given to the standalone that runs (default "+s.DefaultFor(config.Standalone)+")", func(text string) error {
				given[s.Variable] = text
				return nil
			})
		}
	}
	wait := flags.Duration("wait", 15*time.Second, "how long the webhook may take")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(out, "Usage: demo [flags]\n\nPushes an image to a running standalone and shows the webhook that arrives.\n\n")
			flags.SetOutput(out)
			flags.PrintDefaults()
		}
		return nil, err
	}
	cfg, _, err := config.Load(config.Input{Shape: config.Standalone, Environ: environ, Flags: given})
	if err != nil {
		return nil, err
	}
	passwordFrom := "$HARBORHOOK_ADMIN_PASSWORD"
	if cfg.AdminPassword == "" {
		if cfg, err = config.ReadSecrets(cfg, cfg.DataDir); err != nil {
			return nil, err
		}
		passwordFrom = "$(cat " + config.SecretPath(cfg.DataDir, "admin_password") + ")"
	}
	return &demo{
		core:         &core{client: &http.Client{Timeout: 10 * time.Second}, url: "http://" + cfg.CoreAddr, password: cfg.AdminPassword.Reveal()},
		registry:     cfg.RegistryAddr,
		passwordFrom: passwordFrom,
		wait:         *wait,
		out:          out,
	}, nil
}

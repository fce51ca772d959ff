// Command bench measures harborhook as a registry and a receiver see it. It
// starts real processes on free loopback ports, in both shapes, plays the
// registry and the receivers, and prints Markdown tables. What it started it
// stops, also when it is interrupted.
//
//	go run ./tests/bench                 the whole of it, some ten minutes
//	go run ./tests/bench -quick          small numbers, to see that it works
//
// It ends with exit code 1 when a delivery was lost, made twice or not recorded; not
// when it was slower than asked, which the last table tells.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/harborhook/harborhook/tests/bench/bare"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	binary     string
	dir        string
	shapes     []shape
	idleEvents int
	idleGap    time.Duration
	events     int
	senders    int
	// history, waiting and neighbours say how large the measures of these names are;
	// 0 leaves one out.
	history, waiting, neighbours int
	// circuitProbe is how often an endpoint is tried that takes no connections.
	circuitProbe time.Duration
	// settle is how long the system may go on after the last arrival, to record what
	// it has done, before its CPU time is read.
	settle     time.Duration
	profile    string
	profileFor time.Duration
	// given are the flags that were set and change what is measured, to be told in
	// the report.
	given []string
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{settle: time.Second}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.binary, "binary", "", "harborhook to measure; empty = build one")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "where to put data for the time being; its disk is part of what is measured")
	shapes := flags.String("shapes", "standalone,production,bare", "shapes to measure, separated by commas; bare is not harborhook, but the least that any such system does")
	flags.IntVar(&o.idleEvents, "idle-events", 30, "single events for the idle latency")
	flags.DurationVar(&o.idleGap, "idle-gap", time.Second, "time between single events")
	flags.IntVar(&o.events, "events", 10_000, "events of the throughput run; the run with 10 policies has a fifth of them")
	flags.IntVar(&o.senders, "senders", 16, "requests offered side by side")
	flags.IntVar(&o.history, "history", 1_000_000, "finished deliveries in the tables, with which the throughput is compared with that of empty ones; 0 leaves it out")
	flags.IntVar(&o.waiting, "waiting", 100_000, "deliveries that wait for endpoints which take no connections, while the memory is measured; 0 leaves it out")
	flags.IntVar(&o.neighbours, "neighbours", 2500, "events for a fast endpoint alone, beside a slow one and beside a silent one; 0 leaves it out")
	flags.DurationVar(&o.circuitProbe, "circuit-probe", 30*time.Second, "how often such an endpoint is tried: HARBORHOOK_CIRCUIT_PROBE")
	flags.StringVar(&o.profile, "profile", "", "folder for CPU profiles of the throughput runs; empty = none")
	flags.DurationVar(&o.profileFor, "profile-time", 3*time.Second, "how long each profile takes")
	quick := flags.Bool("quick", false, "small numbers, to see that it works")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *quick {
		o.events, o.idleEvents, o.idleGap = 200, 3, 200*time.Millisecond
		o.history, o.waiting, o.neighbours = min(o.history, 2000), min(o.waiting, 500), min(o.neighbours, 50)
		o.circuitProbe, o.settle = 2*time.Second, 50*time.Millisecond
	}
	if flags.NArg() > 0 || o.idleEvents < 1 || o.events < 10 || o.senders < 1 {
		return o, errors.New("takes flags only; at least 1 single event, 10 events and 1 sender")
	}
	if o.history < 0 || o.neighbours < 0 || o.waiting < 0 || o.waiting%waitingPolicies != 0 {
		return o, fmt.Errorf("-history, -neighbours and -waiting are 0 or more, and -waiting is a multiple of %d", waitingPolicies)
	}
	flags.Visit(func(f *flag.Flag) {
		if !slices.Contains([]string{"binary", "dir", "profile"}, f.Name) {
			o.given = append(o.given, "-"+f.Name+"="+f.Value.String())
		}
	})
	for name := range strings.SplitSeq(*shapes, ",") {
		s := shape(name)
		if !slices.Contains([]shape{standalone, production, barely}, s) {
			return o, fmt.Errorf("-shapes: there is no shape %q", name)
		}
		o.shapes = append(o.shapes, s)
	}
	return o, nil
}

// run measures and prints. progress is for people who wait.
func run(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	if len(args) == 3 && args[0] == string(barely) { // startBare has started this
		return bare.Serve(ctx, args[1], args[2])
	}
	o, err := parse(args, progress)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "harborhook-bench-")
	if err != nil {
		return fmt.Errorf("make a folder for the data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// PostgreSQL, which is another user, must get through to its own folder.
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	if err := provideBinary(ctx, &o, dir, progress); err != nil {
		return err
	}
	var all []measured
	for _, s := range o.shapes {
		m, err := measureShape(ctx, o, s, dir, progress)
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		all = append(all, m)
	}
	writeReport(out, describeMachine(o.dir), o, version(ctx, o.binary), time.Now(), all)
	return faults(all)
}

// provideBinary builds harborhook unless a binary was given.
func provideBinary(ctx context.Context, o *options, dir string, progress io.Writer) error {
	if o.binary != "" {
		path, err := filepath.Abs(o.binary)
		if err != nil {
			return err
		}
		o.binary = path
		_, err = os.Stat(path)
		return err
	}
	fmt.Fprintln(progress, "building harborhook")
	o.binary = filepath.Join(dir, "harborhook")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", o.binary, "github.com/harborhook/harborhook/src/cmd/harborhook")
	build.Stdout, build.Stderr = progress, progress
	if err := build.Run(); err != nil {
		return fmt.Errorf("build harborhook: %w", err)
	}
	return nil
}

// version asks the binary which one it is.
func version(ctx context.Context, binary string) string {
	out, err := exec.CommandContext(ctx, binary, "version").Output()
	if err != nil {
		return "unknown version"
	}
	return strings.TrimSpace(string(out))
}

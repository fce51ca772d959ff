package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/harborhook/harborhook/src/app"
	"github.com/harborhook/harborhook/src/config"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// program is harborhook, with what it needs of the process it runs in.
type program struct {
	// serve runs a shape until ctx ends.
	serve func(ctx context.Context, shape config.Shape, cfg config.Config, o app.Options) error
	// migrate brings the schema up to date and says on out what it did.
	migrate func(ctx context.Context, cfg config.Config, out io.Writer) error
	// reconcile compares the registry with the tag memory and says on o.Out what it
	// found.
	reconcile func(ctx context.Context, cfg config.Config, o app.Options) error
	// rotateKey encrypts stored secrets anew and says on o.Out how far it is.
	rotateKey func(ctx context.Context, cfg config.Config, o app.Options) error
	// listen leads what libraries print by themselves into the log, until give is called.
	listen func(*slog.Logger) (give func(), err error)

	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
	// ask asks a person for a password; nil if nobody sits at a terminal.
	ask func(question string) (string, error)
	// colours says that stdout shows colours.
	colours bool
}

// command is one of harborhook's commands.
type command struct {
	name    string
	summary string
	// help is what "-h" says after the summary.
	help string
	// flags are the variables that have a flag here.
	flags []string
	run   func(ctx context.Context, c command, args []string) int
}

func (p *program) commands() []command {
	logging := []string{"HARBORHOOK_LOG_LEVEL", "HARBORHOOK_LOG_FORMAT"}
	own := []command{
		{
			name:    "standalone",
			summary: "run everything in this process: API, portal, registry, delivery",
			help: `Needs nothing else: data is kept in SQLite in the data folder, the queue is in
the process. Secrets that are not set are generated and kept in the data folder;
the password of admin is printed once, at the first start.`,
			flags: append([]string{"HARBORHOOK_DATA_DIR", "HARBORHOOK_CORE_ADDR", "HARBORHOOK_JOBSERVICE_ADDR", "HARBORHOOK_REGISTRY_ADDR", "HARBORHOOK_WORKERS"}, logging...),
			run:   p.server(config.Standalone),
		},
		{
			name:    "core",
			summary: "take events in and answer the API; PostgreSQL is required",
			help:    `Run as many as you like over one database.`,
			flags:   append([]string{"HARBORHOOK_CORE_ADDR"}, logging...),
			run:     p.server(config.Core),
		},
		{
			name:    "jobservice",
			summary: "deliver webhooks; PostgreSQL and Redis are required",
			help:    `Run as many as you like over one database and one Redis.`,
			flags:   append([]string{"HARBORHOOK_JOBSERVICE_ADDR", "HARBORHOOK_WORKERS"}, logging...),
			run:     p.server(config.JobService),
		},
		{
			name:    "migrate",
			summary: "bring the database's schema up to date",
			help:    `Does nothing when the schema is up to date.`,
			flags:   []string{"HARBORHOOK_DATA_DIR"},
			run:     p.runMigrate,
		},
		{
			name:    "reconcile",
			summary: "raise the events that the registry has lost",
			help: `Compares the registry's catalog and tags with what its events have told, and
raises what is missing once, marked as recovered. Run it where Core runs, with its
configuration: HARBORHOOK_REGISTRY_URL names the registry. Without
HARBORHOOK_DATABASE_URL, it compares the storage of the standalone shape's registry.
The first comparison of all raises nothing: it only learns what is there.`,
			flags: append([]string{"HARBORHOOK_DATA_DIR"}, logging...),
			run:   p.once(config.Reconcile, p.reconcile),
		},
		{
			name:    "rotate-key",
			summary: "encrypt the secrets in the database with a new key",
			help: `HARBORHOOK_ENCRYPTION_KEY is the new key, HARBORHOOK_OLD_ENCRYPTION_KEYS those
before it. Every process must know both while this runs; none needs to stop. It may
be interrupted and run again. Without HARBORHOOK_DATABASE_URL it is the database of
the standalone shape. docs/security.md tells the steps.`,
			flags: append([]string{"HARBORHOOK_DATA_DIR"}, logging...),
			run:   p.once(config.RotateKey, p.rotateKey),
		},
		{
			name:    "config",
			summary: "print the configuration in effect, and what is wrong with it",
			help: `Each variable is printed with its value, secrets masked, and where the value
came from. The exit code is 1 if the shape could not start with it.`,
			run: p.runConfig,
		},
		{
			name:    "health",
			summary: "ask a running process whether it is ready",
			help: `Asks /readyz at the address of the configuration, that of Core unless -shape says
otherwise. The exit code is 0 if the process is ready, and 1 if it is not or does
not answer. For the health checks of containers.`,
			flags: []string{"HARBORHOOK_CORE_ADDR", "HARBORHOOK_JOBSERVICE_ADDR"},
			run:   p.runHealth,
		},
	}
	return slices.Concat(own, p.people(), []command{
		{name: "version", summary: "print the version", run: p.runVersion},
		{name: "help", summary: "print this, or the help of a command", run: p.runHelp},
	})
}

// run runs the command that args name and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		p.usage(p.stderr)
		return exitUsage
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	if completing(name) {
		return p.runPeople(ctx, command{name: name}, args[1:])
	}
	c, ok := p.command(name)
	if !ok {
		return p.unknown(name)
	}
	return c.run(ctx, c, args[1:])
}

func (p *program) command(name string) (command, bool) {
	all := p.commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return all[i], true
}

func (p *program) unknown(name string) int {
	fmt.Fprintf(p.stderr, "harborhook: there is no command %q\nRun \"harborhook help\" for the commands.\n", name)
	return exitUsage
}

// server returns the command that runs a shape.
func (p *program) server(shape config.Shape) func(context.Context, command, []string) int {
	return func(ctx context.Context, c command, args []string) int {
		cfg, code, ok := p.configure(c, shape, args)
		if !ok {
			return code
		}
		o := app.Options{Version: version, Out: p.stdout, Log: logger(cfg, p.stderr)}
		give, err := p.listen(o.Log)
		if err != nil {
			return p.failed(err)
		}
		defer give()
		if err := p.serve(ctx, shape, cfg, o); err != nil {
			return p.failed(err)
		}
		return exitOK
	}
}

func (p *program) runMigrate(ctx context.Context, c command, args []string) int {
	cfg, code, ok := p.configure(c, config.Migrate, args)
	if !ok {
		return code
	}
	if err := p.migrate(ctx, cfg, p.stdout); err != nil {
		return p.failed(err)
	}
	return exitOK
}

// once returns a command that does one thing and ends.
func (p *program) once(shape config.Shape, do func(context.Context, config.Config, app.Options) error) func(context.Context, command, []string) int {
	return func(ctx context.Context, c command, args []string) int {
		cfg, code, ok := p.configure(c, shape, args)
		if !ok {
			return code
		}
		o := app.Options{Version: version, Out: p.stdout, Log: logger(cfg, p.stderr)}
		if err := do(ctx, cfg, o); err != nil {
			return p.failed(err)
		}
		return exitOK
	}
}

// configure reads a command's flags and the configuration. If the command
// cannot go on, it says why and returns false and the exit code.
func (p *program) configure(c command, shape config.Shape, args []string) (config.Config, int, bool) {
	in := config.Input{Shape: shape, Environ: p.environ}
	if code, ok := p.parse(c, p.flagSet(c, &in), args); !ok {
		return config.Config{}, code, false
	}
	cfg, warnings, err := config.Load(in)
	p.warn(warnings)
	if err := errors.Join(err, cfg.Validate(shape)); err != nil {
		fmt.Fprintf(p.stderr, "harborhook: the configuration of %s is not right:\n%s", shape, indent(err))
		return config.Config{}, exitUsage, false
	}
	return cfg, exitOK, true
}

func (p *program) runConfig(_ context.Context, c command, args []string) int {
	in := config.Input{Shape: config.Standalone, Environ: p.environ}
	flags := p.flagSet(c, &in)
	flags.Func("shape", "`shape` to print for: standalone, core, jobservice or migrate (default standalone)", func(text string) error {
		in.Shape = config.Shape(text)
		if !slices.Contains(config.Shapes(), in.Shape) {
			return errors.New("standalone, core, jobservice or migrate")
		}
		return nil
	})
	if code, ok := p.parse(c, flags, args); !ok {
		return code
	}
	cfg, warnings, err := config.Load(in)
	p.warn(warnings)
	if in.Shape == config.Standalone {
		var readErr error
		cfg, readErr = config.ReadSecrets(cfg, cfg.DataDir)
		err = errors.Join(err, readErr)
	}
	if err := cfg.Print(p.stdout); err != nil {
		return p.failed(err)
	}
	if err := errors.Join(err, cfg.Validate(in.Shape)); err != nil {
		fmt.Fprintf(p.stderr, "\n%s cannot start with this:\n%s", in.Shape, indent(err))
		return exitFailed
	}
	return exitOK
}

func (p *program) warn(warnings []string) {
	for _, w := range warnings {
		fmt.Fprintln(p.stderr, "harborhook: "+w)
	}
}

func (p *program) failed(err error) int {
	fmt.Fprintf(p.stderr, "harborhook: %v\n", err)
	return exitFailed
}

func indent(err error) string {
	return "  " + strings.ReplaceAll(err.Error(), "\n", "\n  ") + "\n"
}

func logger(cfg config.Config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// parse reads a command's arguments. If the command is not to go on, it has
// said why and returns false and the exit code.
func (p *program) parse(c command, flags *flag.FlagSet, args []string) (int, bool) {
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		commandUsage(p.stdout, c, flags)
		return exitOK, false
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("%q is not expected", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "harborhook %s: %v\nRun \"harborhook %s -h\" for help.\n", c.name, err, c.name)
		return exitUsage, false
	}
	return exitOK, true
}

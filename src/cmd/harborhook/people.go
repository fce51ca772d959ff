package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/harborhook/harborhook/src/config"
)

// usageError is wrong use of a command.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }

func wrongUse(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// people are the commands that call a server as a person does, and have commands of
// their own: cobra runs them.
func (p *program) people() []command {
	return []command{
		{name: "policy", summary: "list, create and test the policies of a project", run: p.runPeople},
		{name: "deliveries", summary: "list, show and redeliver deliveries", run: p.runPeople},
		{name: "tail", summary: "follow the deliveries of a project as they happen", run: p.runPeople},
		{name: "listen", summary: "pass a project's events on to this machine", run: p.runPeople},
		{name: "completion", summary: "print the completion of a shell: bash, zsh or fish", run: p.runPeople},
	}
}

// completing says whether a shell asks for what could follow on a command line.
func completing(name string) bool {
	return name == cobra.ShellCompRequestCmd || name == cobra.ShellCompNoDescRequestCmd
}

func (p *program) runPeople(ctx context.Context, c command, args []string) int {
	root := p.tree() //nolint:contextcheck // cobra hands it to each command
	root.SetArgs(append([]string{c.name}, args...))
	ran, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(p.stderr, "%s: %v\nRun \"%[1]s -h\" for help.\n", ran.CommandPath(), err)
		return exitUsage
	default:
		return p.failed(errors.New(plain(err.Error())))
	}
}

// tree is every command, as cobra knows it.
func (p *program) tree() *cobra.Command {
	root := &cobra.Command{Use: "harborhook", SilenceErrors: true, SilenceUsage: true}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(p.policyCommand(), p.deliveriesCommand(), p.tailCommand(), p.listenCommand(), completionCommand())
	for _, c := range p.commands() {
		if known, _, err := root.Find([]string{c.name}); err != nil || known == root {
			root.AddCommand(p.named(c))
		}
	}
	return root
}

// named is a command that cobra does not run, but knows by its name and flags for
// the shells.
func (p *program) named(c command) *cobra.Command {
	return &cobra.Command{
		Use: c.name, Short: c.summary, DisableFlagParsing: true, Run: func(*cobra.Command, []string) {},
		ValidArgsFunction: func(_ *cobra.Command, _ []string, start string) ([]string, cobra.ShellCompDirective) {
			var found []string
			if strings.HasPrefix(start, "-") {
				p.flagSet(c, &config.Input{}).VisitAll(func(f *flag.Flag) { found = append(found, "--"+f.Name+"\t"+f.Usage) })
			}
			return found, cobra.ShellCompDirectiveDefault
		},
	}
}

// group is a command that has commands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short, Long: sentence(short),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrongUse("there is no command %q", args[0])
			}
			return wrongUse("which command?")
		},
	}
	g.AddCommand(commands...)
	return g
}

// arguments says how many arguments a command takes.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least {
			return wrongUse("%s is missing", what)
		}
		if len(args) > most {
			return wrongUse("%q is not expected", args[most])
		}
		return nil
	}
}

func completionCommand() *cobra.Command {
	shells := map[string]func(root *cobra.Command, w io.Writer) error{
		"bash": func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":  (*cobra.Command).GenZshCompletion,
		"fish": func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
	}
	return &cobra.Command{
		Use: "completion bash|zsh|fish", Short: "print the completion of a shell: bash, zsh or fish",
		Long: `Prints what makes a shell complete harborhook's commands and flags.

  bash:  source <(harborhook completion bash)
  zsh:   harborhook completion zsh > "${fpath[1]}/_harborhook"
  fish:  harborhook completion fish > ~/.config/fish/completions/harborhook.fish`,
		Args: arguments(1, 1, "the shell"), ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(c *cobra.Command, args []string) error {
			generate, ok := shells[args[0]]
			if !ok {
				return wrongUse("%q is none of bash, zsh and fish", args[0])
			}
			return generate(c.Root(), c.OutOrStdout())
		},
	}
}

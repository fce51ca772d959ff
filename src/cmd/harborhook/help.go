package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/harborhook/harborhook/src/config"
)

// flagSet returns a command's flags, which fill in in when they are parsed.
func (p *program) flagSet(c command, in *config.Input) *flag.FlagSet {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // parse says what is to be said
	flags.Usage = func() {}
	flags.StringVar(&in.File, "config", "", "YAML `file` to read (HARBORHOOK_CONFIG)")
	in.Flags = map[string]string{}
	for _, s := range config.Settings() {
		if s.Flag == "" || !slices.Contains(c.flags, s.Variable) {
			continue
		}
		usage := fmt.Sprintf("%s (%s, default %s)", s.Help, s.Variable, s.DefaultFor(in.Shape))
		flags.Func(s.Flag, usage, func(text string) error {
			in.Flags[s.Variable] = text
			return nil
		})
	}
	return flags
}

func commandUsage(w io.Writer, c command, flags *flag.FlagSet) {
	fmt.Fprintf(w, "Usage: harborhook %s [flags]\n\n%s\n", c.name, sentence(c.summary))
	if c.help != "" {
		fmt.Fprintf(w, "\n%s\n", c.help)
	}
	fmt.Fprint(w, "\nFlags:\n")
	flags.SetOutput(w)
	flags.PrintDefaults()
	fmt.Fprint(w, `
Everything else is set by environment variables or the YAML file; flags win over
the environment, the environment over the file. "harborhook config" lists them.
`)
}

func (p *program) runHelp(ctx context.Context, _ command, args []string) int {
	if len(args) == 0 {
		p.usage(p.stdout)
		return exitOK
	}
	c, ok := p.command(args[0])
	if !ok {
		return p.unknown(args[0])
	}
	if c.name == "help" {
		p.usage(p.stdout)
		return exitOK
	}
	return c.run(ctx, c, append(slices.Clone(args[1:]), "-h"))
}

func (p *program) usage(w io.Writer) {
	fmt.Fprint(w, "harborhook is Harbor's webhook module.\n\nUsage: harborhook command [flags]\n\nCommands:\n")
	for _, c := range p.commands() {
		fmt.Fprintf(w, "  %-11s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nRun \"harborhook command -h\" for a command's flags.\nTo begin: harborhook standalone\n")
}

// sentence makes a summary one.
func sentence(text string) string {
	return string(text[0]-'a'+'A') + text[1:] + "."
}

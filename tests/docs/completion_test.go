package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// TestShellsCompleteCommandsAndFlags loads the completion of each shell as docs/cli.md
// says, and has the shell itself complete a line.
func TestShellsCompleteCommandsAndFlags(t *testing.T) {
	t.Parallel()
	harness.Require(t, "bash", "zsh", "fish")
	home := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(home, "bin/harborhook"), "./src/cmd/harborhook")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	page := read(t, "../../docs/cli.md")
	_, section, _ := strings.Cut(page, "\n## Completion\n")
	line := func(shell string) string {
		for l := range strings.Lines(section) {
			if strings.Contains(l, "harborhook completion "+shell) {
				return strings.TrimSpace(l)
			}
		}
		t.Fatalf("docs/cli.md does not say how to load the completion of %s", shell)
		return ""
	}
	for _, shell := range []struct {
		name string
		args []string
		// ask completes "harborhook" and the words of $LINE, and prints what may follow.
		ask string
	}{
		{"bash", []string{"--norc", "-c"}, `. /usr/share/bash-completion/bash_completion
` + line("bash") + `
COMP_LINE="harborhook $LINE" COMP_POINT=$((11 + ${#LINE})) COMP_WORDS=(harborhook $LINE) COMP_TYPE=63
case $LINE in '' | *' ') COMP_WORDS+=('') ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
__start_harborhook
printf '%s\n' "${COMPREPLY[@]}"`},
		{"zsh", []string{"-f", "-c"}, `fpath=($HOME/functions $fpath)
` + line("zsh") + `
autoload -Uz compinit && compinit -u -d $HOME/dump
# What the function asks the program for, and hands to the shell.
_describe() { print -rl -- "${completions[@]}" }
compdef() { : }
words=(harborhook ${(z)LINE})
[[ -z $LINE || $LINE == *' ' ]] && words+=('')
CURRENT=${#words}
source $HOME/functions/_harborhook
_harborhook`},
		{"fish", []string{"-c"}, `mkdir -p ~/.config/fish/completions
` + line("fish") + `
complete -C "harborhook $LINE"`},
	} {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			own := filepath.Join(home, shell.name)
			if err := os.MkdirAll(filepath.Join(own, "functions"), 0o755); err != nil {
				t.Fatal(err)
			}
			for typed, want := range map[string][]string{
				"":                          {"policy", "deliveries", "tail", "listen", "standalone"},
				"policy ":                   {"list", "create", "test"},
				"deliveries list --status ": {"error", "scheduled"},
				"listen --forw":             {"--forward"},
			} {
				cmd := exec.CommandContext(t.Context(), shell.name, append(shell.args, shell.ask)...)
				cmd.Env = []string{"HOME=" + own, "PATH=" + filepath.Join(home, "bin") + ":" + os.Getenv("PATH"), "LINE=" + typed, "TERM=dumb", "LC_ALL=C.UTF-8"}
				cmd.Dir = own
				out, err := cmd.CombinedOutput()
				for _, w := range want {
					if !strings.Contains(string(out), w) {
						t.Errorf("%q: %v, without %s:\n%s", typed, err, w, out)
						break
					}
				}
			}
		})
	}
}

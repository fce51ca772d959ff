package harness

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Line is a line that a command has printed.
type Line struct {
	Text string
	At   time.Time
}

// Session is a command of a person that runs until it is interrupted.
type Session struct {
	t     T
	cmd   *exec.Cmd
	lines chan Line
	errs  bytes.Buffer
}

// Person is the environment of a person who calls the system as admin.
func (s *System) Person(project string) []string {
	return append(os.Environ(), "HARBORHOOK_SERVER="+s.CoreURL, "HARBORHOOK_PASSWORD="+s.password, "HARBORHOOK_PROJECT="+project)
}

// Call runs a command of a person to its end and returns what it prints and its exit code.
func (s *System) Call(t T, project string, args ...string) (out, errs string, code int) {
	t.Helper()
	cmd := exec.Command(s.processes[0].spec.path, args...)
	cmd.Env, cmd.Dir = s.Person(project), folder(t)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// Begin starts a command of a person, whose output is a pipe, and returns when it says
// that it listens.
func (s *System) Begin(t T, project string, args ...string) *Session {
	t.Helper()
	n := s.session(t, project, args)
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("%s: %v", args[0], err)
	}
	n.begin(out)
	return n
}

// BeginAtTerminal is Begin for an output that is a terminal.
func (s *System) BeginAtTerminal(t T, project string, args ...string) *Session {
	t.Helper()
	n := s.session(t, project, args)
	screen, inside, err := openTerminal()
	if err != nil {
		t.Fatalf("open a terminal: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	defer inside.Close() // the command has it then
	n.cmd.Stdout = inside
	n.begin(screen)
	return n
}

func (s *System) session(t T, project string, args []string) *Session {
	t.Helper()
	n := &Session{t: t, cmd: exec.Command(s.processes[0].spec.path, args...), lines: make(chan Line, 10_000)}
	n.cmd.Env, n.cmd.Dir = s.Person(project), folder(t)
	return n
}

func (n *Session) begin(out io.Reader) {
	n.t.Helper()
	listening := make(chan struct{})
	n.cmd.Stderr = &announced{to: &n.errs, text: "listening", seen: listening}
	if err := n.cmd.Start(); err != nil {
		n.t.Fatalf("%s: %v", n.cmd, err)
	}
	n.t.Cleanup(func() { _ = n.cmd.Process.Kill() }) // it has ended, mostly
	go func() {
		defer close(n.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			n.lines <- Line{scanner.Text(), time.Now()}
		}
	}()
	select {
	case <-listening:
	case <-time.After(startLimit):
		n.t.Fatalf("%s does not listen", n.cmd)
	}
}

// announced is an output that is watched for a text. Only one goroutine writes.
type announced struct {
	to   *bytes.Buffer
	text string
	seen chan struct{}
	done bool
}

// Write implements io.Writer.
func (a *announced) Write(text []byte) (int, error) {
	n, err := a.to.Write(text)
	if !a.done && strings.Contains(a.to.String(), a.text) {
		a.done = true
		close(a.seen)
	}
	return n, err
}

// Until returns the first line that holds all of these texts.
func (n *Session) Until(limit time.Duration, texts ...string) Line {
	n.t.Helper()
	deadline := time.After(limit)
	var all []string
	for {
		select {
		case l, more := <-n.lines:
			if !more {
				n.t.Fatalf("it ended without %q:\n%s", texts, strings.Join(all, "\n"))
			}
			all = append(all, l.Text)
			if containsAll(l.Text, texts) {
				return l
			}
		case <-deadline:
			n.t.Fatalf("not said in %v: %q; but\n%s", limit, texts, strings.Join(all, "\n"))
		}
	}
}

func containsAll(text string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

// Interrupt ends the command as Ctrl-C does, and returns its exit code and the
// lines that nobody has read.
func (n *Session) Interrupt() (code int, rest []string) {
	n.t.Helper()
	if err := n.cmd.Process.Signal(os.Interrupt); err != nil {
		n.t.Fatalf("interrupt: %v", err)
	}
	for l := range n.lines {
		rest = append(rest, l.Text)
	}
	if err := n.cmd.Wait(); n.cmd.ProcessState == nil {
		n.t.Fatalf("wait: %v", err)
	}
	return n.cmd.ProcessState.ExitCode(), rest
}

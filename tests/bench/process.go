package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a server that was started and must be stopped.
type process struct {
	// name is what the report calls it.
	name   string
	cmd    *exec.Cmd
	log    string
	signal os.Signal
	ended  chan struct{}
}

// start runs a program whose output goes to a file in dir. It stops at signal.
// The program is in a process group of its own, so that Ctrl-C reaches it through
// us, in the right order.
func start(name, dir string, signal syscall.Signal, as *syscall.Credential, env []string, program string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), signal: signal, ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(program, args...) // stop ends it, after what depends on it
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, env, log, log
	p.cmd.SysProcAttr = attributes(signal, as)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stopWithin is how long a process may take to stop before it is killed.
const stopWithin = 20 * time.Second

func (p *process) stop() {
	p.cmd.Process.Signal(p.signal)
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		p.cmd.Process.Kill()
		<-p.ended
	}
}

// startWithin is how long a server may take until it answers.
const startWithin = 30 * time.Second

// ready asks until the server answers, and fails with the end of its log if it
// ends before that or takes too long.
func (p *process) ready(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at its start:\n%s", p.name, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w\n%s", p.name, errors.Join(err, context.Cause(ctx)), p.tail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tail returns the last lines that the process has printed.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}

// complaints returns up to three lines of the log that are warnings or worse.
func (p *process) complaints() []string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		for _, word := range []string{`"level":"WARN"`, `"level":"ERROR"`, "level=WARN", "level=ERROR", " ERROR: ", " FATAL: ", "panic:"} {
			if strings.Contains(line, word) && len(found) < 3 && !strings.Contains(line, "is starting up") {
				found = append(found, strings.TrimSpace(line))
				break
			}
		}
	}
	return found
}

// freeAddresses returns n loopback addresses on which nobody listens now.
func freeAddresses(ctx context.Context, n int) (addresses []string, err error) {
	var listeners []io.Closer
	for range n {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		listeners = append(listeners, l) // kept until all are found, so that they differ
		addresses = append(addresses, l.Addr().String())
	}
	for _, l := range listeners {
		err = errors.Join(err, l.Close())
	}
	return addresses, err
}

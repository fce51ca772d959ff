package harness

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// command says how a process is started.
type command struct {
	// name is what the process is called in failures.
	name string
	path string
	args []string
	env  []string
	// dir is where it runs and where its log is kept.
	dir        string
	credential *syscall.Credential
	// polite is the signal that asks it to stop; 0 means SIGTERM.
	polite syscall.Signal
	// careless says that its exit code means nothing.
	careless bool
	// ready says whether it can be used.
	ready func(ctx context.Context) error
}

// Process is a program that can be stopped, killed and started again. At the end
// of the test it is stopped; the test fails if it ended by itself, or if the race
// detector has something to say.
type Process struct {
	t    T
	spec command
	log  logfile

	mu      sync.Mutex
	running *run
	mortal  bool // it may end by itself
	// unexpected are the ends that nobody asked for.
	unexpected []string
}

// run is one life of a process.
type run struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	err    error // how it ended; read it after ended
	wanted bool  // somebody asked for its end
}

func newProcess(t T, spec command) *Process {
	t.Helper()
	if spec.polite == 0 {
		spec.polite = syscall.SIGTERM
	}
	p := &Process{t: t, spec: spec, log: logfile{filepath.Join(spec.dir, spec.name+".log")}}
	t.Cleanup(p.close)
	return p
}

// Start starts the process and waits until it is ready.
func (p *Process) Start() {
	p.t.Helper()
	r, err := p.launch()
	if err != nil {
		p.t.Fatalf("start %s: %v", p.spec.name, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		err := p.spec.ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-r.ended:
			p.t.Fatalf("%s ended at its start: %v\n%s", p.spec.name, r.err, p.log.tail(50))
		case <-ctx.Done():
			p.t.Fatalf("%s is not ready after %s: %v\n%s", p.spec.name, startLimit, err, p.log.tail(50))
		case <-ticker.C:
		}
	}
}

func (p *Process) launch() (*run, error) {
	out, err := p.log.open()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(p.spec.path, p.spec.args...)
	cmd.Dir, cmd.Env = p.spec.dir, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.spec.dir, "LC_ALL=C"}, p.spec.env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = procAttr(p.spec.credential, p.spec.polite)

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		return nil, errors.New("it runs already")
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &run{cmd: cmd, ended: make(chan struct{})}
	p.running = r
	go p.watch(r)
	return r, nil
}

// watch waits for the end of a life.
func (p *Process) watch(r *run) {
	err := r.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	r.err, p.running = err, nil
	if !r.wanted && !p.mortal {
		p.unexpected = append(p.unexpected, fmt.Sprintf("%s ended by itself: %s", p.spec.name, r.cmd.ProcessState))
	}
	close(r.ended)
}

// end sends a signal and waits for the end. A process that does not run has
// ended well.
func (p *Process) end(signal syscall.Signal) error {
	p.mu.Lock()
	r := p.running
	if r == nil {
		p.mu.Unlock()
		return nil
	}
	r.wanted = true
	p.mu.Unlock()
	if err := r.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %s a %s: %w", p.spec.name, signal, err)
	}
	timer := time.NewTimer(stopLimit)
	defer timer.Stop()
	select {
	case <-r.ended:
		return r.err
	case <-timer.C:
	}
	if err := r.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", p.spec.name, err)
	}
	<-r.ended
	return fmt.Errorf("%s did not stop within %s", p.spec.name, stopLimit)
}

// Stop asks the process to stop and waits. The test fails unless it does so in
// time, and with exit code 0.
func (p *Process) Stop() {
	p.t.Helper()
	if p.spec.careless {
		p.kill(p.spec.polite)
		return
	}
	if err := p.end(p.spec.polite); err != nil {
		p.t.Errorf("stop %s: %v\n%s", p.spec.name, err, p.log.tail(20))
	}
}

// Become stops the process and starts another program in its place, as an upgrade does.
func (p *Process) Become(path string) {
	p.t.Helper()
	p.Stop()
	p.spec.path = path
	p.Start()
}

// Kill9 ends the process as a crash would, and waits until it is gone.
func (p *Process) Kill9() {
	p.t.Helper()
	p.kill(syscall.SIGKILL)
}

// kill ends the process with a signal whose exit code says nothing.
func (p *Process) kill(signal syscall.Signal) {
	p.t.Helper()
	err := p.end(signal)
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("%v", err)
	}
}

// close is the end of the test.
func (p *Process) close() {
	p.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, what := range p.unexpected {
		p.t.Errorf("%s", what)
	}
	if report := p.log.race(); report != "" {
		p.t.Errorf("%s has a data race:\n%s", p.spec.name, report)
	}
	if p.t.Failed() {
		p.t.Logf("the last words of %s:\n%s", p.spec.name, p.log.tail(100))
	}
}

// Pause stops the process where it is, without a word to anybody, until Resume.
func (p *Process) Pause() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
}

// Resume lets a paused process go on.
func (p *Process) Resume() {
	p.t.Helper()
	p.signal(syscall.SIGCONT)
}

func (p *Process) signal(signal syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(p.PID(), signal); err != nil {
		p.t.Fatalf("send %s a %s: %v", p.spec.name, signal, err)
	}
}

// PID is the number of the running process.
func (p *Process) PID() int {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		p.t.Fatalf("%s does not run", p.spec.name)
	}
	return p.running.cmd.Process.Pid
}

// Memory is how much memory the process holds, in bytes.
func (p *Process) Memory() int64 {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.PID()))
	var total, resident int64
	if err == nil {
		_, err = fmt.Sscan(string(status), &total, &resident)
	}
	if err != nil {
		p.t.Fatalf("memory of %s: %v", p.spec.name, err)
	}
	return resident * int64(os.Getpagesize())
}

// Log is all that the process has said in all its lives.
func (p *Process) Log() string { return p.log.tail(math.MaxInt) }

// Revive starts the process if it has ended, which from now on it may by itself.
func (p *Process) Revive() {
	p.t.Helper()
	p.mu.Lock()
	p.mortal = true
	p.unexpected = nil
	runs := p.running != nil
	p.mu.Unlock()
	if !runs {
		p.Start()
	}
}

package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/openapi"
)

// recorder is a T that keeps what it is told instead of failing a test.
type recorder struct {
	errors   []string
	cleanups []func()
}

func (r *recorder) Helper()                   {}
func (r *recorder) Logf(string, ...any)       {}
func (r *recorder) Failed() bool              { return len(r.errors) > 0 }
func (r *recorder) Cleanup(f func())          { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }
func (r *recorder) Fatalf(f string, a ...any) {
	r.Errorf(f, a...)
	runtime.Goexit()
}

// play runs a test of its own to its end and returns what failed in it.
func play(test func(t T)) []string {
	r, done := &recorder{}, make(chan struct{})
	go func() {
		defer close(done)
		test(r)
	}()
	<-done
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
	return r.errors
}

// script is a process that is ready when it has written the file "ready".
func script(t T, dir, text string) *Process {
	return newProcess(t, command{
		name: "script", path: "/bin/sh", args: []string{"-c", text}, dir: dir,
		ready: func(context.Context) error {
			return os.Remove(filepath.Join(dir, "ready"))
		},
	})
}

// untilTERM is a script that ends well when it is asked to. It is ready once
// per life.
const untilTERM = `trap 'exit 0' TERM; touch ready; while :; do sleep 0.01; done`

func TestWhatAProcessDoesWrongFailsTheTest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		act  func(p *Process)
		want string
	}{
		"it ends well":                 {untilTERM, func(*Process) {}, ""},
		"it is killed and starts":      {untilTERM, func(p *Process) { p.Kill9(); p.Start() }, ""},
		"it ends by itself":            {"touch ready; exit 0", func(p *Process) { p.await() }, "ended by itself"},
		"it ends badly":                {strings.Replace(untilTERM, "exit 0", "exit 3", 1), func(*Process) {}, "exit status 3"},
		"it ends before it is ready":   {"echo no luck; exit 1", func(*Process) {}, "no luck"},
		"the race detector reports it": {"echo WARNING: DATA RACE; " + untilTERM, func(*Process) {}, "data race"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			failed := strings.Join(play(func(t T) {
				p := script(t, dir, test.text)
				p.Start()
				test.act(p)
			}), "\n")
			if (failed == "") != (test.want == "") || !strings.Contains(failed, test.want) {
				t.Errorf("failures %q, want one of %q", failed, test.want)
			}
		})
	}
}

// await waits for the end of a process.
func (p *Process) await() {
	p.mu.Lock()
	r := p.running
	p.mu.Unlock()
	if r != nil {
		<-r.ended
	}
}

func TestEventuallyGivesUp(t *testing.T) {
	t.Parallel()
	failed := play(func(t T) { Eventually(t, time.Millisecond, "godot", func() bool { return false }) })
	if len(failed) != 1 || !strings.Contains(failed[0], "godot") {
		t.Errorf("failures %q", failed)
	}
}

func TestAReceiverKeepsWhatItGetsAndAnswersAsTold(t *testing.T) {
	t.Parallel()
	r := NewReceiver(t)
	r.Answer(func(n int, d Delivery) Answer {
		return Answer{Status: 500 + n, Body: string(d.Body) + "!"}
	})
	c := &Client{base: r.URL, document: &openapi.Document{}, secrets: newSecrets(), t: t}
	for n, body := range []string{"one", "two"} {
		reply := c.Do(t, "POST", "/hook?a=b", body, "X-Test", body)
		if reply.Status != 501+n || reply.Body != body+"!" {
			t.Errorf("%d: %s", reply.Status, reply.Body)
		}
	}
	got := r.Wait(t, 2, startLimit)
	if len(got) != 2 || string(got[1].Body) != "two" || got[1].Header.Get("X-Test") != "two" || got[0].URI != "/hook?a=b" {
		t.Errorf("got %+v", got)
	}
	if failed := play(func(t T) { r.Wait(t, 3, time.Millisecond) }); len(failed) != 1 {
		t.Errorf("waiting for a third: %q", failed)
	}
}

func TestAnAnswerThatTheDocumentDoesNotTellOfFailsTheTest(t *testing.T) {
	t.Parallel()
	document, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	r := NewReceiver(t)
	r.Answer(func(int, Delivery) Answer { return Answer{Status: 201, Body: "Pong"} })
	for name, call := range map[string]func(c *Client, t T){
		"Do":  func(c *Client, t T) { c.Do(t, "GET", "/api/ping", nil) },
		"Try": func(c *Client, _ T) { _, _ = c.Try("GET", "/api/ping", nil) },
	} {
		failed := play(func(t T) { call(&Client{base: r.URL, document: document, secrets: newSecrets(), t: t}, t) })
		if len(failed) != 1 || !strings.Contains(failed[0], "ping of /api/ping: add the status 201") {
			t.Errorf("%s: failures %q", name, failed)
		}
	}
}

func TestFreeAddrNeverRepeats(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 100 {
		addr := FreeAddr(t)
		if seen[addr] {
			t.Fatalf("%s again", addr)
		}
		seen[addr] = true
	}
}

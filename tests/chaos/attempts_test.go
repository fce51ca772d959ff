package chaos

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// ending is a way for an attempt to end, and what must come of it.
type ending struct {
	name, result, status string
	attempts             int
	// target starts a receiver and returns its URL, and how many attempts have come
	// to it; nil where none can.
	target func(t *testing.T) (url string, came func() int)
}

// endings are how attempts end. Four attempts are made after a network error, one
// after anything else.
func endings() []ending {
	list := []ending{
		{"refused", "connect_failed", "error", 4, func(t *testing.T) (string, func() int) {
			t.Helper()
			return "http://" + harness.FreeAddr(t), nil
		}},
		{"no such host", "dns_error", "error", 4, func(*testing.T) (string, func() int) { return "http://nobody.invalid", nil }},
		{"reset", "reset", "error", 4, conversation("http", func(c net.Conn) { ask(c); breakOff(c) })},
		{"TLS handshake broken off", "reset", "error", 4, conversation("https", func(c net.Conn) { wait(c) })},
		{"no answer", "timeout", "error", 4, conversation("http", func(c net.Conn) { ask(c); wait(c) })},
		{"broken off in the headers", "reset", "error", 4, conversation("http", func(c net.Conn) { ask(c); fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Le") })},
		{"broken off in the body", "ok", "finished", 1, conversation("http", func(c net.Conn) { ask(c); fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it") })},
		{"not HTTP", "invalid_response", "error", 1, conversation("http", func(c net.Conn) { ask(c); fmt.Fprint(c, "220 mail.example.com ESMTP\r\n\r\n"); wait(c) })},
		{"unknown authority", "tls_error", "error", 1, func(t *testing.T) (string, func() int) {
			t.Helper()
			s := httptest.NewTLSServer(http.NotFoundHandler())
			t.Cleanup(s.Close)
			return s.URL, nil
		}},
		// Core lets it pass, and JobService does not: as after a change of settings.
		{"blocked", "blocked", "error", 1, func(*testing.T) (string, func() int) { return "http://127.0.0.2:9", nil }},
	}
	for status, end := range map[int]string{200: "finished", 204: "finished", 301: "error", 400: "error", 410: "error", 429: "error", 500: "error", 503: "error", 599: "error"} {
		answer := fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: 0\r\nLocation: /elsewhere\r\nRetry-After: 1\r\nConnection: close\r\n\r\n", status)
		if status == http.StatusNoContent {
			answer = strings.Replace(answer, "Content-Length: 0\r\n", "", 1)
		}
		result := map[string]string{"finished": "ok", "error": "http_error"}[end]
		list = append(list, ending{fmt.Sprint("status ", status), result, end, 1, conversation("http", func(c net.Conn) { ask(c); fmt.Fprint(c, answer) })})
	}
	return list
}

// ask reads a request to its end.
func ask(c net.Conn) {
	c.SetReadDeadline(time.Now().Add(patience))
	if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		io.Copy(io.Discard, r.Body)
	}
}

// wait waits until the other side sends something, or ends.
func wait(c net.Conn) {
	c.SetReadDeadline(time.Now().Add(patience))
	c.Read(make([]byte, 1<<10))
}

// conversation is a receiver that talks by itself.
func conversation(scheme string, talk func(net.Conn)) func(t *testing.T) (string, func() int) {
	return func(t *testing.T) (string, func() int) {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("start a receiver: %v", err)
		}
		t.Cleanup(func() { l.Close() })
		var came atomic.Int64
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return // closed
				}
				came.Add(1)
				go func() {
					defer c.Close()
					talk(c)
				}()
			}
		}()
		return scheme + "://" + l.Addr().String(), func() int { return int(came.Load()) }
	}
}

// The number of attempts is kept in the database, so that restarts in between
// neither add nor remove one.
func TestAttemptsAreCountedAcrossRestarts(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	settings := harness.Settings{"RETRY_BACKOFF": "3s,3s,3s", "DELIVERY_TIMEOUT": "1s"}
	t.Run(harness.Standalone, func(t *testing.T) {
		t.Parallel()
		// One process, whose settings let no address be saved that it then blocks.
		list := slices.DeleteFunc(endings(), func(e ending) bool { return e.name == "blocked" })
		newWorld(t, harness.Standalone, size, settings).countAttempts(t, list, harness.Standalone)
	})
	t.Run(harness.Production, func(t *testing.T) {
		t.Parallel()
		w := newServers(t, size)
		w.start(t, w.database, map[string]harness.Settings{"jobservice": {"DENIED_NETWORKS": "127.0.0.2/32"}}, settings)
		w.countAttempts(t, endings(), "jobservice", "jobservice-2")
	})
}

// countAttempts has a delivery end in each way, with processes restarted between
// its attempts.
func (w *world) countAttempts(t *testing.T, list []ending, restarted ...string) {
	t.Helper()
	const wait = 3 * time.Second
	came := map[string]func() int{}
	for n, e := range list {
		url, count := e.target(t)
		came[e.name] = count
		project := fmt.Sprint("p", n)
		w.policy(t, project, url)
		w.MustNotify(t, harness.NewPush(project+"/app", "v1"))
	}
	for _, name := range restarted {
		waiting(t, w, "p0", 1)
		w.Process(name).Stop()
		w.Process(name).Start()
	}
	start := time.Now()
	wrong := 0
	for n, e := range list {
		project := fmt.Sprint("p", n)
		job := w.Admin.FinalJobs(t, project, 1, patience)[0]
		if !e.fits(t, job, w.Admin.Attempts(t, project, job.ID), came[e.name], wait) {
			wrong++
		}
	}
	table.add(row{
		promise: 7, name: fmt.Sprint("attempts after each of ", len(list), " ways to end; lost: a wrong count"), shape: w.Shape,
		faults: fmt.Sprint("SIGTERM × ", len(restarted), " between attempts"), outcome: outcome{accepted: len(list), lost: wrong}, recovery: time.Since(start),
	})
}

// fits says whether a job went as it must.
func (e ending) fits(t *testing.T, job harness.Job, attempts []harness.Attempt, came func() int, wait time.Duration) bool {
	t.Helper()
	good := job.Status == e.status && job.Attempts == e.attempts && len(attempts) == e.attempts
	for i, a := range attempts {
		good = good && a.Result == e.result && a.Number == i+1
		if i == 0 {
			continue
		}
		if waited := a.StartedAt.Sub(attempts[i-1].StartedAt); waited < wait*8/10 || waited > wait*12/10+stuckAfter {
			t.Errorf("%s: attempt %d came %s after the one before, want %s", e.name, a.Number, waited, wait)
			good = false
		}
	}
	if e.name == "broken off in the body" && good {
		good = attempts[0].Response != nil && attempts[0].Response.Truncated
	}
	n := e.attempts
	if came != nil {
		n = came()
	}
	if !good || n != e.attempts {
		t.Errorf("%s: %d attempts came, want %d; job %+v, attempts %+v", e.name, n, e.attempts, job, attempts)
	}
	return good && n == e.attempts
}

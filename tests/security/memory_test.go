package security

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// What attacks may add to the memory of a process, as docs/security.md says. It is
// measured in the program as it is shipped: the race detector takes several times the
// memory, and would tell nothing of what users have.
const (
	maxOfCallers   = 256 << 20
	maxOfReceivers = 160 << 20
)

// connections is how many callers attack Core side by side.
const connections = 500

// footprint is the memory of a process that is attacked.
type footprint struct {
	process *harness.Process
	before  int64
	most    int64 // that it may grow by
}

// measured returns the footprint of a process before the first attack.
func measured(t *testing.T, process *harness.Process, most int64) footprint {
	t.Helper()
	before, _ := process.Resident(t)
	return footprint{process: process, before: before, most: most}
}

// during runs an attack, and fails if the process meanwhile took more memory than
// attackers may cost it.
func (f footprint) during(t *testing.T, attack func()) {
	t.Helper()
	f.process.ForgetPeak(t)
	attack()
	now, peak := f.process.Resident(t)
	t.Logf("memory: %d MiB before the first attack, %d at the peak of this one, %d after it", f.before>>20, peak>>20, now>>20)
	if peak-f.before > f.most {
		t.Errorf("memory grew by %d MiB, more than %d", (peak-f.before)>>20, f.most>>20)
	}
}

// eachShipped runs a case on a system of its own of each shape, of the program as it
// is shipped.
func eachShipped(t *testing.T, settings harness.Settings, test func(t *testing.T, s *harness.System)) {
	t.Helper()
	for _, shape := range []string{harness.Standalone, harness.Production} {
		t.Run(shape, func(t *testing.T) { test(t, suite.NewShipped(t, shape, settings)) })
	}
}

// sideBySide runs n callers that each have a connection to Core, and waits for all.
func sideBySide(t *testing.T, s *harness.System, n int, call func(net.Conn) error) {
	t.Helper()
	var callers sync.WaitGroup
	for range n {
		callers.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.CoreURL, "http://"))
			if err != nil {
				t.Errorf("connect: %v", err)
				return
			}
			defer conn.Close()
			if err := errors.Join(conn.SetDeadline(time.Now().Add(2*soon)), call(conn)); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
}

// hungUp reads what Core says until it closes the connection, which it must.
func hungUp(conn net.Conn) error {
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the connection is still open")
	}
	return nil
}

// drip sends a beginning, and then a byte now and then until Core hangs up.
func drip(beginning, drop string) func(net.Conn) error {
	return func(conn net.Conn) error {
		io.WriteString(conn, beginning) // it may be refused before its end
		over := make(chan struct{})
		var dripping sync.WaitGroup
		dripping.Go(func() {
			ticker := time.NewTicker(500 * time.Millisecond)
			defer ticker.Stop()
			for {
				select {
				case <-over:
					return
				case <-ticker.C:
					io.WriteString(conn, drop) // it may be over by now
				}
			}
		})
		err := hungUp(conn)
		close(over)
		dripping.Wait()
		return err
	}
}

// pour sends a head and a block again and again until Core hangs up.
func pour(head, block string) func(net.Conn) error {
	return func(conn net.Conn) error {
		var pouring sync.WaitGroup
		pouring.Go(func() { endless(head, block)(conn) })
		err := hungUp(conn)
		conn.Close()
		pouring.Wait()
		return err
	}
}

// post sends a whole request, and wants one of two answers. Core may hang up on a
// body that it does not want to read.
func post(head, body string, want ...int) func(net.Conn) error {
	return func(conn net.Conn) error {
		fmt.Fprintf(conn, "%sContent-Length: %d\r\nConnection: close\r\n\r\n", head, len(body))
		io.WriteString(conn, body)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return nil //nolint:nilerr // the answer was lost with the rest of the body
		}
		answer.Body.Close()
		for _, status := range want {
			if answer.StatusCode == status {
				return nil
			}
		}
		return fmt.Errorf("%.50q: %d, want %v", head, answer.StatusCode, want)
	}
}

// pushes is an envelope of about so many bytes, full of events that can be used.
func pushes(t *testing.T, repository string, size int) string {
	t.Helper()
	var events strings.Builder
	for events.Len() < size {
		event, err := json.Marshal(harness.NewPush(repository, fmt.Sprintf("v%d", events.Len())))
		if err != nil {
			t.Fatal(err)
		}
		if events.Len() > 0 {
			events.WriteByte(',')
		}
		events.Write(event)
	}
	return `{"events":[` + events.String() + `]}`
}

// crowd is callers who all do the same.
type crowd struct {
	callers int
	call    func(net.Conn) error
}

// No test but its own two shapes runs beside it: they would be measured with it.
func TestCallersCostCoreLittleMemory(t *testing.T) {
	eachShipped(t, networks, func(t *testing.T, s *harness.System) {
		t.Parallel()
		project := newProject(t, s)
		const usual = " HTTP/1.1\r\nHost: core\r\nContent-Type: application/json\r\n"
		notify := "POST /service/notifications" + usual + "Authorization: Bearer " + s.Token + "\r\n"
		basic := http.Request{Header: http.Header{}}
		basic.SetBasicAuth("admin", s.Password())
		save := "POST " + harness.Policies(project) + usual + "Authorization: " + basic.Header.Get("Authorization") + "\r\n"
		login := "POST /c/login HTTP/1.1\r\nHost: core\r\nContent-Type: application/x-www-form-urlencoded\r\n"

		const large, small = 15 << 20, 1<<20 - 1
		block := strings.Repeat(" ", 64<<10)
		chunk := "10000\r\n" + block + "\r\n"
		// Who signs in while many others do is asked to come again, too.
		answers := []int{400, 429, 503}
		deep := func(size int) string { return strings.Repeat("[", size) }
		long := func(size int) string { return strings.Repeat("x", size) }
		events := pushes(t, "nobody/app", large)

		memory := measured(t, s.Process(s.Processes()[0]), maxOfCallers)
		for _, attack := range []struct {
			name   string
			crowds []crowd
		}{
			{"headers that drip", []crowd{{connections, drip("GET /livez HTTP/1.1\r\nHost: core\r\nX: "+long(60<<10), "x")}}},
			{"bodies that drip", []crowd{
				{connections, drip(login+"Content-Length: 16384\r\n\r\n"+long(16000), "x")},
				{connections, drip(save+"Content-Length: 1048576\r\n\r\n"+long(1<<20-500), "x")},
				{connections / 5, drip(notify+"Content-Length: 16777216\r\n\r\n"+strings.Repeat(" ", 4<<20), " ")},
			}},
			{"large notifications", []crowd{{30, post(notify, events, 200, 503)}}},
			{"large bodies", []crowd{{connections, post(save, `{"name":"`+long(small-20)+`"}`, answers...)}}},
			{"deep JSON", []crowd{{connections, post(save, deep(small), answers...)}}},
			{"deep notifications", []crowd{{30, post(notify, `{"events":`+deep(large), 400, 503)}}},
			{"endless chunks", []crowd{
				{50, pour(save+"Transfer-Encoding: chunked\r\n\r\n", chunk)},
				{50, pour(notify+"Transfer-Encoding: chunked\r\n\r\n", chunk)},
			}},
			{"endless headers", []crowd{{50, pour("GET /livez HTTP/1.1\r\nHost: core\r\n", "X: y\r\n")}}},
		} {
			t.Run(attack.name, func(t *testing.T) {
				memory.during(t, func() {
					var crowds sync.WaitGroup
					for _, c := range attack.crowds {
						crowds.Go(func() { sideBySide(t, s, c.callers, c.call) })
					}
					crowds.Wait()
				})
			})
		}
		s.MustNotify(t, harness.NewPush(project+"/app", "v1")) // it still works
	})
}

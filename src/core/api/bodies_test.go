package api_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/harborhook/harborhook/src/core/api"
)

const urlencoded = "application/x-www-form-urlencoded"

// fill sends the most bodies of a kind that there is room for, all but their ends,
// and returns what ends them, one after the other.
func (s *site) fill(n, size int, method, path string, headers ...string) (end func()) {
	s.t.Helper()
	var ends []func()
	for range n {
		reader, writer := io.Pipe()
		r := s.request(method, path, reader, headers...)
		var answering sync.WaitGroup
		answering.Go(func() { s.api.ServeHTTP(httptest.NewRecorder(), r) })
		ends = append(ends, func() {
			writer.Close()
			answering.Wait()
		})
		// What was read may be counted a moment later: all but the last byte has been.
		for _, part := range []string{strings.Repeat(" ", size-1), " "} {
			if _, err := io.WriteString(writer, part); err != nil {
				s.t.Fatalf("%s %s: a body within the room was not read: %v", method, path, err)
			}
		}
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

func (s *site) request(method, path string, body io.Reader, headers ...string) *http.Request {
	r := httptest.NewRequest(method, path, body)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

func TestBodiesShareTheRoomOfTheirKind(t *testing.T) {
	t.Parallel()
	const json, basic = "Content-Type: application/json", "Authorization: Basic cm9vdDpyb290"
	kinds := []struct {
		name, path string
		headers    []string
		n, size    int
	}{
		{"notifications", notifications, []string{json, bearer}, 3, api.MaxNotificationBody},
		{"requests", "/api/projects", []string{json, basic}, 16, api.MaxBody},
		{"forms", "/c/login", []string{"Content-Type: " + urlencoded}, 512, api.MaxForm},
	}
	for _, full := range kinds {
		t.Run(full.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			end := s.fill(full.n, full.size, "POST", full.path, full.headers...)
			answers := func() (status map[string]int, retry string) {
				status = map[string]int{}
				for _, k := range kinds {
					w := httptest.NewRecorder()
					s.api.ServeHTTP(w, s.request("POST", k.path, strings.NewReader("{}"+strings.Repeat(" ", full.n)), k.headers...))
					if status[k.name] = w.Code; k.name == full.name {
						retry = w.Header().Get("Retry-After")
					}
				}
				return status, retry
			}
			status, retry := answers()
			for name, got := range status {
				if (got == http.StatusServiceUnavailable) != (name == full.name) {
					t.Errorf("%s: %d while %s take all their room", name, got, full.name)
				}
			}
			if retry == "" {
				t.Error("no Retry-After")
			}
			answers()
			end()
			if status, _ := answers(); status[full.name] == http.StatusServiceUnavailable {
				t.Error("the room was not given back")
			}
			if lines := strings.Count(s.log.String(), "take all the room"); lines != 1 {
				t.Errorf("%d lines of the log, want 1:\n%s", lines, s.log)
			}
		})
	}
}

func TestRoomIsGivenBackAfterAPanic(t *testing.T) {
	t.Parallel()
	broken := true
	s := newSite(t, func(c *api.Config) {
		c.Intake = intakeFunc(func(context.Context, []byte) (int, int, error) {
			if broken {
				panic("a mistake of ours")
			}
			return 1, 0, nil
		})
	})
	body := strings.Repeat(" ", api.MaxNotificationBody)
	for range 3 {
		wantStatus(t, s.do(nobody, "POST", notifications, body, bearer), http.StatusInternalServerError)
	}
	broken = false
	wantStatus(t, s.do(nobody, "POST", notifications, body, bearer), http.StatusOK)
}

// pipes is a listener whose connections are made by the test.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// The server is somebody else's, who embeds the API and waits for ever.
func TestABodyThatDoesNotEndIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		connections := make(pipes)
		server := &http.Server{Handler: s.api}
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(connections) })
		client, host := net.Pipe()
		connections <- host
		start := time.Now()
		var sending sync.WaitGroup
		sending.Go(func() {
			io.WriteString(client, "POST "+notifications+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+bearer+"\r\nContent-Length: 100\r\n\r\n{")
		})
		answer := make([]byte, 12)
		if _, err := io.ReadFull(client, answer); err != nil || string(answer) != "HTTP/1.1 400" {
			t.Errorf("got %q, %v", answer, err)
		}
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("the body was waited for %s", took)
		}
		client.Close()
		sending.Wait()
		close(connections)
		server.Close()
		serving.Wait()
	})
}

package delivery

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// patience bounds waits that succeed at once unless something is broken.
const patience = 10 * time.Second

// local returns a client that may call this machine.
func local(t testing.TB, change ...func(*Config)) *Client {
	t.Helper()
	g, err := NewGuard(GuardConfig{Allowed: loopbackNetworks})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Guard: g, Timeout: patience, UserAgent: "harborhook/test"}
	for _, f := range change {
		f(&cfg)
	}
	c := New(cfg)
	t.Cleanup(c.Close)
	return c
}

func within(d time.Duration) func(*Config) { return func(c *Config) { c.Timeout = d } }

// to returns a delivery with everything in it but secrets.
func to(address string) hook.Delivery {
	return hook.Delivery{
		Job: hook.Job{
			ID: 7, UUID: "8c7e0a4f-5d0e-4d6c-9f5c-0d8f6f1f7a10", PolicyID: 3, EventID: "event-1",
			HookType: hook.PushImage, ContentType: "application/json", Detail: []byte(`{"event_type":"pushImage"}`),
		},
		Number: 2,
		SendTo: hook.Target{Type: hook.TargetHTTP, Address: address},
	}
}

// receiver is a TCP server whose behaviour on each connection is a function. It
// ends with the test.
func receiver(t testing.TB, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		conns []net.Conn
	)
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			wg.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, conn := range conns {
			conn.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// readRequest takes a whole request off a connection.
func readRequest(conn net.Conn) bool {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// answering returns a receiver's behaviour: take a request, write text, hang up.
func answering(text string) func(net.Conn) {
	return func(conn net.Conn) {
		if readRequest(conn) {
			io.WriteString(conn, text)
		}
	}
}

// silent waits until the other side hangs up.
func silent(conn net.Conn) { io.Copy(io.Discard, conn) }

// reset makes closing a connection a TCP reset.
func reset(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// drip writes text, then one byte after the other until the other side hangs up.
func drip(conn net.Conn, text, dropped string) {
	if _, err := io.WriteString(conn, text); err != nil {
		return
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := io.WriteString(conn, dropped); err != nil {
			return
		}
	}
}

// quiet is the log of servers that are made to fail.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

package harness

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Delivery is a request that a Receiver got.
type Delivery struct {
	At     time.Time
	Method string
	// URI is path and query as they were sent.
	URI    string
	Header http.Header
	Body   []byte
}

// Answer is how a Receiver answers a request. The zero Answer is 200 at once.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	// After, if set, is waited for before anything is answered. A client that
	// hangs up ends the wait.
	After <-chan struct{}
}

// Receiver is an endpoint of webhooks: it keeps what it gets.
type Receiver struct {
	// URL is where it listens, without a path.
	URL string

	mu     sync.Mutex
	got    []Delivery
	more   chan struct{} // closed and replaced with every delivery
	answer func(n int, d Delivery) Answer
}

// NewReceiver starts a receiver that answers 200.
func NewReceiver(t T) *Receiver {
	t.Helper()
	return NewReceiverAt(t, "127.0.0.1:0")
}

// NewReceiverAt starts a receiver at an address that nobody answered until now.
func NewReceiverAt(t T, addr string) *Receiver {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("start a receiver: %v", err)
	}
	r := &Receiver{more: make(chan struct{}), answer: func(int, Delivery) Answer { return Answer{} }}
	server := httptest.NewUnstartedServer(http.HandlerFunc(r.receive))
	if err := server.Listener.Close(); err != nil {
		t.Fatalf("start a receiver: %v", err)
	}
	server.Listener = l
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections() // whoever still waits for an answer
		server.Close()
	})
	r.URL = server.URL
	return r
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender has gone
	}
	d := Delivery{At: time.Now(), Method: req.Method, URI: req.RequestURI, Header: req.Header, Body: body}
	r.mu.Lock()
	r.got = append(r.got, d)
	answer := r.answer(len(r.got), d)
	close(r.more)
	r.more = make(chan struct{})
	r.mu.Unlock()

	if answer.After != nil {
		select {
		case <-answer.After:
		case <-req.Context().Done():
			return
		}
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	if answer.Status != 0 {
		w.WriteHeader(answer.Status)
	}
	io.WriteString(w, answer.Body)
}

// Answer makes f choose the answers from now on; n counts the deliveries from 1.
// f must not block.
func (r *Receiver) Answer(f func(n int, d Delivery) Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// Got returns the deliveries so far, in the order of their arrival.
func (r *Receiver) Got() []Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Delivery(nil), r.got...)
}

// Wait waits until there are n deliveries or more, and returns them all.
func (r *Receiver) Wait(t T, n int, limit time.Duration) []Delivery {
	t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		r.mu.Lock()
		got, more := append([]Delivery(nil), r.got...), r.more
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-more:
		case <-timer.C:
			t.Fatalf("%d of %d deliveries came within %s%s", len(got), n, limit, bodies(got))
		}
	}
}

func bodies(got []Delivery) string {
	text := ""
	for _, d := range got[:min(len(got), 5)] {
		text += fmt.Sprintf("\n  %s", d.Body)
	}
	return text
}

// Resetter is an endpoint that breaks off every connection as soon as it has
// read something of the request. It returns the endpoint's URL.
func Resetter(t T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start a resetter: %v", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			reset(conn)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}

func reset(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	conn.Read(make([]byte, 1))
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

package security

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
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

// workers is how many deliveries are under way at once, the default of HARBORHOOK_WORKERS.
const workers = 64

// origins is how many receivers attack together: of each, two deliveries. One
// receiver alone would get no more than its share of the workers.
const origins = workers / 2

// gate holds back those who wait at it until as many are there as there are workers.
type gate struct {
	open   chan struct{}
	passed atomic.Int32
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

// wait returns false if the others do not come.
func (g *gate) wait() bool {
	if g.passed.Add(1) == workers {
		close(g.open)
	}
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case <-g.open:
		return true
	case <-timer.C:
		return false
	}
}

// attack is what a receiver does to a delivery, and how the delivery is to end.
type attack struct {
	name string
	// serve does it to a connection; serve2 to a request of HTTP/2.
	serve   func(net.Conn)
	serve2  http.HandlerFunc
	results []string
	// attempts is how many requests come of one delivery at most; 0 means one.
	attempts int
}

// receiver starts one of the origins. Nobody is attacked before all workers are there.
func (a attack) receiver(t *testing.T, g *gate) string {
	t.Helper()
	if a.serve != nil {
		return hostile(t, func(conn net.Conn) {
			if g.wait() {
				a.serve(conn)
			}
		})
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.ProtoMajor != 2 {
			t.Errorf("%s: %s", a.name, r.Proto)
		}
		if g.wait() {
			a.serve2(w, r)
		}
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL + "/"
}

// dripping writes a beginning, and then a drop now and then until the other side
// hangs up.
func dripping(beginning, drop string) func(net.Conn) {
	return func(conn net.Conn) {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		_, err := io.WriteString(conn, beginning)
		for ; err == nil; <-ticker.C {
			_, err = io.WriteString(conn, drop)
		}
	}
}

// bomb is a gigabyte, compressed to one megabyte.
func bomb(t *testing.T) string {
	t.Helper()
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	if _, err := io.CopyN(z, zeros{}, 1<<30); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return compressed.String()
}

func attacks(t *testing.T) []attack {
	t.Helper()
	block := strings.Repeat("x", 64<<10)
	once := func(text string) func(net.Conn) { return func(conn net.Conn) { io.WriteString(conn, text) } }
	bomb := bomb(t)
	ok, bad, refused := []string{"ok"}, []string{"invalid_response"}, []string{"http_error"}
	return []attack{
		{name: "endless body", serve: endless("HTTP/1.1 200 OK\r\n\r\n", block), results: ok},
		{name: "endless chunks", serve: endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "10000\r\n"+block+"\r\n"), results: ok},
		{name: "endless extension of a chunk", serve: endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=", block), results: ok},
		{name: "endless trailers", serve: endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n", "X: "+block[:1000]+"\r\n"), results: ok},
		{name: "a gigabyte of body", serve: endless("HTTP/1.1 500 No\r\nContent-Length: 1073741824\r\n\r\n", block), results: refused},
		{name: "a gzip bomb", serve: once(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(bomb), bomb)), results: ok},
		{name: "a gigabyte of one header", serve: endless("HTTP/1.1 200 OK\r\nX: ", block), results: bad},
		{name: "a gigabyte of headers", serve: endless("HTTP/1.1 200 OK\r\n", strings.Repeat("X: y\r\n", 10_000)), results: bad},
		{name: "a gigabyte of status", serve: endless("HTTP/1.1 200 ", block), results: bad},
		{name: "100 Continue for ever", serve: endless("", "HTTP/1.1 100 Continue\r\n\r\n"), results: bad},
		{name: "early hints for ever", serve: endless("", "HTTP/1.1 103 Early Hints\r\nLink: "+block[:60<<10]+"\r\n\r\n"), results: bad},
		{name: "redirects for ever", serve: once("HTTP/1.1 307 Again\r\nLocation: /\r\nContent-Length: 0\r\nX: " + block[:60<<10] + "\r\n\r\n"), results: refused},
		{name: "a header that drips", serve: dripping("HTTP/1.1 200 OK\r\nX: "+block[:60<<10], "x"), results: []string{"timeout"}, attempts: 2},
		{name: "a body that drips", serve: dripping("HTTP/1.1 200 OK\r\n\r\n"+block[:60<<10], "x"), results: ok},
		{name: "endless body of HTTP/2", serve2: func(w http.ResponseWriter, _ *http.Request) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(w, block)
			}
		}, results: ok},
		{name: "large headers of HTTP/2", serve2: func(w http.ResponseWriter, _ *http.Request) {
			for i := range 8 {
				w.Header().Set(fmt.Sprintf("X-%d", i), block)
			}
			// The connection ends, and may take another delivery with it.
		}, results: []string{"invalid_response", "reset"}, attempts: 2},
		{name: "early hints of HTTP/2 for ever", serve2: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", block[:60<<10])
			for r.Context().Err() == nil {
				w.WriteHeader(http.StatusEarlyHints)
			}
		}, results: bad},
	}
}

// Nothing runs beside it, its shapes neither: an attack wants the machine for itself.
func TestReceiversCostTheDelivererLittleMemory(t *testing.T) {
	settings := harness.Settings{"ALLOWED_NETWORKS": "127.0.0.0/8", "RETRY_BACKOFF": "100ms"}
	list := attacks(t)
	eachShipped(t, settings, func(t *testing.T, s *harness.System) {
		memory := measured(t, s.Process(s.Deliverer()), maxOfReceivers)
		for _, a := range list {
			t.Run(a.name, func(t *testing.T) { memory.during(t, func() { a.onAllWorkers(t, s) }) })
		}
		// It still works.
		project, receiver := newProject(t, s), harness.NewReceiver(t)
		s.Admin.CreatePolicy(t, project, policy("p", receiver.URL+"/"))
		s.MustNotify(t, harness.NewPush(project+"/app", "v1"))
		receiver.Wait(t, 1, soon)
	})
}

// onAllWorkers has the attack made on as many deliveries at once as there can be.
func (a attack) onAllWorkers(t *testing.T, s *harness.System) {
	t.Helper()
	project, g := newProject(t, s), newGate()
	for i := range origins {
		p := policy(fmt.Sprintf("p%d", i), a.receiver(t, g))
		p.SkipCertVerify = a.serve2 != nil
		s.Admin.CreatePolicy(t, project, p)
	}
	s.MustNotify(t, harness.NewPush(project+"/app", "v1"), harness.NewPush(project+"/app", "v2"))
	for _, job := range s.Admin.FinalJobs(t, project, workers, 2*soon) {
		attempts := s.Admin.Attempts(t, project, job.ID)
		if last := attempts[len(attempts)-1]; !slices.Contains(a.results, last.Result) {
			t.Errorf("%s (%s), want %s", last.Result, last.Error, a.results)
		}
	}
	select {
	case <-g.open:
	default:
		t.Error("the deliveries were not under way at once")
	}
	if got, most := int(g.passed.Load()), workers*max(1, a.attempts); got > most {
		t.Errorf("%d requests, want %d at most", got, most)
	}
}

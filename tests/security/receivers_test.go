package security

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// hostile is a receiver whose behaviour on each connection is a function.
func hostile(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					io.Copy(io.Discard, r.Body)
					serve(conn)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/"
}

func endless(head, block string) func(net.Conn) {
	return func(conn net.Conn) {
		_, err := io.WriteString(conn, head)
		for err == nil {
			_, err = io.WriteString(conn, block)
		}
	}
}

func TestHostileReceiversAreTold(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		project := newProject(t, s)
		block := strings.Repeat("x", 64<<10)
		receivers := map[string]struct {
			target, result string
		}{
			"endless body":    {hostile(t, endless("HTTP/1.1 200 OK\r\n\r\n", block)), "ok"},
			"endless chunks":  {hostile(t, endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "10000\r\n"+block+"\r\n")), "ok"},
			"a gigabyte":      {hostile(t, endless("HTTP/1.1 500 No\r\nContent-Length: 1073741824\r\n\r\n", block)), "http_error"},
			"gzip bomb":       {hostile(t, endless("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", block)), "ok"},
			"endless header":  {hostile(t, endless("HTTP/1.1 200 OK\r\nX: ", block)), "invalid_response"},
			"endless headers": {hostile(t, endless("HTTP/1.1 200 OK\r\n", "X: y\r\n")), "invalid_response"},
			"endless 1xx":     {hostile(t, endless("", "HTTP/1.1 102 Processing\r\n\r\n")), "invalid_response"},
			"no HTTP":         {hostile(t, endless("", block)), "invalid_response"},
			"status 999":      {hostile(t, endless("HTTP/1.1 999 X\r\n\r\n", block)), "http_error"},
			"other protocol":  {hostile(t, endless("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", block)), "http_error"},
		}
		want := map[int64]string{}
		results := map[int64]string{}
		for name, r := range receivers {
			id := s.Admin.CreatePolicy(t, project, policy(name, r.target))
			want[id], results[id] = r.result, name
		}
		const pushes = 5
		for i := range pushes {
			s.MustNotify(t, harness.NewPush(project+"/app", fmt.Sprintf("v%d", i)))
		}
		for _, job := range s.Admin.FinalJobs(t, project, pushes*len(receivers), 2*soon) {
			attempts := s.Admin.Attempts(t, project, job.ID)
			if last := attempts[len(attempts)-1]; last.Result != want[job.PolicyID] {
				t.Errorf("%s: %s (%s), want %s", results[job.PolicyID], last.Result, last.Error, want[job.PolicyID])
			}
		}
	})
}

package delivery

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// zeros is a body without an end, and counts what is read of it.
type zeros struct {
	read   int
	closed bool
}

func (z *zeros) Read(p []byte) (int, error) {
	clear(p)
	z.read += len(p)
	return len(p), nil
}

func (z *zeros) Close() error {
	z.closed = true
	return nil
}

func TestNoMoreOfABodyIsReadThanMayBeStored(t *testing.T) {
	t.Parallel()
	endless := &zeros{}
	body, truncated := readBody(&http.Response{StatusCode: http.StatusOK, Body: endless})
	if len(body) != hook.MaxStoredBody || !truncated || !endless.closed {
		t.Errorf("%d bytes, truncated: %t, closed: %t", len(body), truncated, endless.closed)
	}
	if endless.read > hook.MaxStoredBody+1 {
		t.Errorf("%d bytes were read, for %d to be stored", endless.read, hook.MaxStoredBody)
	}
}

func TestHTTP2ReceiversSendLittleUnasked(t *testing.T) {
	t.Parallel()
	sent := make(chan int, 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		// Nothing is read, so that no write after the last one of use ends.
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Error(err)
		}
		total := 0
		for err := error(nil); err == nil; {
			var n int
			n, err = w.Write(make([]byte, 16<<10))
			total += n
		}
		sent <- total
	}))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = quiet()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c := local(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.unverified.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if total := <-sent; resp.ProtoMajor != 2 || total > 4*hook.MaxStoredBody {
		t.Errorf("%d bytes were taken of HTTP/%d before one was read", total, resp.ProtoMajor)
	}
}

package delivery

import (
	"net/http"
	"testing"

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

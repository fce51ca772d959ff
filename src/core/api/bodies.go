package api

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// maxBodies is how many bytes of bodies one Core holds at a time, of all requests
// together: as much as three of the largest notifications.
const maxBodies = 3 * MaxNotificationBody

var errNoRoom = errors.New("the bodies of other requests take all the room")

// bodies is the room that the bodies of all requests under way share. A request
// for which there is none is asked to come again.
type bodies struct{ taken atomic.Int64 }

// bound counts what is read of a body until the request is answered. What was
// announced and not sent takes no room from others.
func (b *bodies) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		held := &heldBody{ReadCloser: r.Body, room: b}
		defer held.release()
		r.Body = held
		next.ServeHTTP(w, r)
	})
}

// heldBody is a body that takes room as it is read.
type heldBody struct {
	io.ReadCloser
	room *bodies
	held int64
}

func (h *heldBody) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.held += int64(n)
	if h.room.taken.Add(int64(n)) > maxBodies {
		return n, unavailable(errNoRoom)
	}
	return n, err
}

func (h *heldBody) release() { h.room.taken.Add(-h.held) }

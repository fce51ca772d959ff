package api

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// How many bytes of bodies one Core holds at a time. Each kind of caller has room of
// its own: strangers, who send forms, take none from users, and users none from a
// registry.
const (
	roomForNotifications = 3 * MaxNotificationBody
	roomForRequests      = 16 * MaxBody
	roomForForms         = 512 * MaxForm
)

// maxBodyTime is how long a body may take, and so may hold its room.
const maxBodyTime = 30 * time.Second

var errNoRoom = errors.New("the bodies of other requests take all the room")

// bodies is the room that the bodies of requests under way share. A request for
// which there is none is asked to come again.
type bodies struct{ notifications, requests, forms room }

func newBodies() *bodies {
	return &bodies{room{size: roomForNotifications}, room{size: roomForRequests}, room{size: roomForForms}}
}

func (b *bodies) roomFor(path string) *room {
	switch {
	case under(path, notificationPath):
		return &b.notifications
	case takesForms(path):
		return &b.forms
	default:
		return &b.requests
	}
}

// bound counts what is read of a body until the request is answered. What was
// announced and not sent takes no room from others.
func (b *bodies) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		limitBodyTime(w, r)
		held := &heldBody{ReadCloser: r.Body, room: b.roomFor(r.URL.Path)}
		defer held.release()
		r.Body = held
		next.ServeHTTP(w, r)
	})
}

// limitBodyTime gives a body its time where the server, which may be somebody else's,
// gives it as long as it likes.
func limitBodyTime(w http.ResponseWriter, r *http.Request) {
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ReadTimeout <= 0 {
		// A writer that cannot do it is not a server's.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxBodyTime))
	}
}

// room is a number of bytes, and how many of them are taken.
type room struct {
	size  int64
	taken atomic.Int64
}

// heldBody is a body that takes room as it is read.
type heldBody struct {
	io.ReadCloser
	room *room
	held int64
}

func (h *heldBody) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.held += int64(n)
	if h.room.taken.Add(int64(n)) > h.room.size {
		return n, unavailable(errNoRoom)
	}
	return n, err
}

func (h *heldBody) release() { h.room.taken.Add(-h.held) }

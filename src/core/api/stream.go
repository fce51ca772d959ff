package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/core/stream"
	"github.com/harborhook/harborhook/src/hook"
)

// Stream tells what happens to deliveries.
type Stream interface {
	// Listen fails with stream.ErrTooMany, and stream.ErrStopped at the end.
	Listen(ctx context.Context, projectID int64) (*stream.Listener, error)
}

const (
	// heartbeat is how often a line is sent when nothing happens, so that proxies do
	// not take the connection for dead.
	heartbeat = 15 * time.Second
	// streamWrite is how long a listener may take to read.
	streamWrite = 10 * time.Second
	// resumeSlack is how much is told again to somebody who comes back: transactions
	// do not end in the order of their times.
	resumeSlack = 5 * time.Second
	// resumeMost is how long ago somebody may have left.
	resumeMost = 24 * time.Hour
	// resumeBatch is how many deliveries are read at a time for somebody who comes back.
	resumeBatch = 500
)

// streamedJSON is a job in the stream: its body, and the headers that are sent with
// it, are there if it was asked for.
type streamedJSON struct {
	jobJSON
	JobDetail *string           `json:"job_detail,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
}

// streamQuery is what a listener wants to hear of.
type streamQuery struct {
	filter  hook.JobFilter
	payload bool
	// since is the last change that the listener knows; zero if it comes for the
	// first time.
	since  time.Time
	lastID int64
}

func (c *call) streamQuery() (streamQuery, error) {
	q := c.query()
	wanted := streamQuery{
		filter:  hook.JobFilter{PolicyID: q.integer("policy_id", 0, 1, 1<<62), HookTypes: q.hookTypes(c.api.Catalog), Repository: q.optional("repository")},
		payload: q.boolean("payload"),
	}
	if last := c.r.Header.Get("Last-Event-ID"); last != "" && q.err == nil {
		at, id, ok := parseCursor(last)
		if !ok {
			return wanted, refuse(c.family.badParameter, "Last-Event-ID is none of this stream")
		}
		wanted.since, wanted.lastID = at, id
	}
	return wanted, q.err
}

// wants says whether a listener is told of the job.
func (s streamQuery) wants(j hook.Job) bool {
	f := s.filter
	return (f.PolicyID == 0 || f.PolicyID == j.PolicyID) && (f.Repository == "" || f.Repository == j.Repository) &&
		(len(f.HookTypes) == 0 || slices.Contains(f.HookTypes, j.HookType))
}

// cursorOf names a state of a job: its last change and its id.
func cursorOf(j hook.Job) string {
	return strconv.FormatInt(j.UpdateTime.UnixMicro(), 10) + "-" + strconv.FormatInt(j.ID, 10)
}

func parseCursor(text string) (at time.Time, id int64, ok bool) {
	first, second, ok := strings.Cut(text, "-")
	us, numeric := number(first)
	id, also := number(second)
	return time.UnixMicro(us).UTC(), id, ok && numeric && also
}

// stream answers with the changes of deliveries as they happen, until the caller
// hangs up.
func (a *API) stream(c *call) error {
	wanted, err := c.streamQuery()
	if err != nil {
		return err
	}
	if a.Stream == nil {
		return nowhere(c)
	}
	if c.r.Method == http.MethodHead {
		c.streamHeader()
		return nil
	}
	listener, err := a.Stream.Listen(c.r.Context(), c.project.ID)
	if err != nil {
		return orBusy(err)
	}
	defer listener.Close()
	s := &streaming{call: c, wanted: wanted, control: http.NewResponseController(c.w)}
	c.streamHeader()
	// The server's limits are for answers that end.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("listen without a deadline: %w", err)
	}
	// From here on the answer has begun: what goes wrong ends it.
	if s.send(": listening\n\n") != nil || s.resume() != nil {
		return nil
	}
	s.follow(listener)
	return nil
}

func orBusy(err error) error {
	if errors.Is(err, stream.ErrTooMany) || errors.Is(err, stream.ErrStopped) {
		return &problem{Status: http.StatusServiceUnavailable, Message: err.Error(), RetryAfter: retryUnavailable, Cause: err}
	}
	return fmt.Errorf("listen: %w", err)
}

func (c *call) streamHeader() {
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // tells nginx to pass on every line at once
	h.Set("X-Content-Type-Options", "nosniff")
	c.w.WriteHeader(http.StatusOK)
}

// streaming is an answer under way.
type streaming struct {
	*call
	wanted  streamQuery
	control *http.ResponseController
}

// follow tells what happens until the listener is gone, slow or no longer allowed.
func (s *streaming) follow(listener *stream.Listener) {
	beat := time.NewTicker(cmp.Or(s.api.Heartbeat, heartbeat))
	defer beat.Stop()
	for {
		var err error
		select {
		case <-s.r.Context().Done():
			return
		case <-beat.C:
			if !s.stillAllowed() {
				s.send(": no longer allowed\n\n") //nolint:errcheck // the end
				return
			}
			err = s.send(": alive\n\n")
		case j, more := <-listener.Changes:
			if !more {
				s.send(fmt.Sprintf(": %v; come back with Last-Event-ID\n\n", listener.Err())) //nolint:errcheck // the end
				return
			}
			err = s.tell(j)
		}
		if err != nil {
			return
		}
	}
}

// stillAllowed asks anew who listens and whether they may: a session may be over, a
// robot disabled, a member removed. It does not count as use of a session.
func (s *streaming) stillAllowed() bool {
	s.r.Header.Set(noRenewalHeader, "true")
	if err := s.identify(); err != nil {
		return false
	}
	allowed, err := s.can(auth.ActionJobList)
	return err == nil && allowed
}

// resume tells a listener who comes back what has happened meanwhile. Some of it
// may be told again.
func (s *streaming) resume() error {
	if s.wanted.since.IsZero() {
		return nil
	}
	at, id := s.wanted.since.Add(-resumeSlack), int64(0)
	if oldest := s.api.Now().Add(-resumeMost); at.Before(oldest) {
		at = oldest
		if err := s.send(": what happened more than a day ago is left out\n\n"); err != nil {
			return err
		}
	}
	for {
		jobs, err := s.api.Store.JobsChangedAfter(s.r.Context(), s.project.ID, at, id, resumeBatch)
		if err != nil {
			s.api.Logger.Warn("cannot tell a listener what happened meanwhile", "request", requestID(s.r.Context()), "error", err)
			return err
		}
		for _, j := range jobs {
			if err := s.tell(j); err != nil {
				return err
			}
			at, id = j.UpdateTime, j.ID
		}
		if len(jobs) < resumeBatch {
			return nil
		}
	}
}

// tell sends a job, if the listener wants to hear of it.
func (s *streaming) tell(j hook.Job) error {
	if !s.wanted.wants(j) {
		return nil
	}
	shown := streamedJSON{jobJSON: s.api.showJob(s.family, j)}
	if s.wanted.payload {
		whole, err := s.api.Store.Job(s.r.Context(), s.project.ID, j.ID)
		if errors.Is(err, hook.ErrNotFound) {
			return nil // it was removed meanwhile
		}
		if err != nil {
			return fmt.Errorf("read job %d: %w", j.ID, err)
		}
		detail := string(whole.Detail)
		shown.JobDetail, shown.Headers = &detail, whole.Headers()
	}
	data, err := json.Marshal(shown)
	if err != nil {
		return fmt.Errorf("encode job %d: %w", j.ID, err)
	}
	return s.send("id: " + cursorOf(j) + "\nevent: delivery\ndata: " + string(data) + "\n\n")
}

// send writes at once.
func (s *streaming) send(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return fmt.Errorf("extend the deadline: %w", err)
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return s.control.Flush()
}

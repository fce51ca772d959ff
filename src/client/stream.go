package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// silence is how long a stream may say nothing: the server says something every
	// 15 s.
	silence = 50 * time.Second
	// The waits before a stream is opened again.
	firstWait, longestWait = 500 * time.Millisecond, 10 * time.Second
)

// Follower follows what happens to the deliveries of a project. What it has heard
// once it may hear again after it has lost the connection.
type Follower struct {
	Client  *Client
	Project string
	// Query narrows the stream; payload=true asks for bodies.
	Query url.Values
	// Told is called for each state of a delivery, one at a time. Its error ends the
	// following.
	Told func(ctx context.Context, d Object[Delivery]) error
	// Listening is called when the server listens, each time; Lost when the connection
	// is gone and opened again after a wait. Both may be nil.
	Listening func()
	Lost      func(why error, wait time.Duration)
	// Wait is the first wait before the stream is opened again; 0 means half a second.
	Wait time.Duration

	// cursor is what to come back with.
	cursor string
}

// errEnded is what a server does when it stops.
var errEnded = errors.New("the server has ended the stream")

// toldError is an error of Told.
type toldError struct{ err error }

func (e toldError) Error() string { return e.err.Error() }

// Run follows until ctx ends, which is no error. It fails if the first connection
// cannot be made, and if the server refuses to serve the stream at all.
func (f *Follower) Run(ctx context.Context) error {
	first := f.Wait
	if first == 0 {
		first = firstWait
	}
	wait := first
	for opened := false; ; {
		now, err := f.once(ctx)
		opened = opened || now
		if now {
			wait = first
		}
		var told toldError
		var refused *Error
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of ctx is how it ends
		case errors.As(err, &told):
			return told.err
		case !opened, errors.As(err, &refused) && refused.Status < 500 && refused.Status != http.StatusTooManyRequests:
			return err
		}
		pause := wait
		if refused != nil {
			pause = max(pause, min(refused.RetryAfter, longestWait))
		}
		if f.Lost != nil {
			f.Lost(err, pause)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		wait = min(2*wait, longestWait)
	}
}

// once follows over one connection, and says whether there was one.
func (f *Follower) once(ctx context.Context) (opened bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := f.Client.request(ctx, http.MethodGet, webhooks(f.Project)+"/stream?"+f.Query.Encode(), nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept", "text/event-stream")
	if f.cursor != "" {
		req.Header.Set("Last-Event-ID", f.cursor)
	}
	watch := time.AfterFunc(silence, func() { cancel(errors.New("the server is silent")) })
	defer watch.Stop()
	resp, err := f.Client.http.Do(req)
	if err != nil {
		return false, unreachable(because(ctx, err))
	}
	defer resp.Body.Close() //nolint:errcheck // what was read is there
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // an empty text says as much
		return false, refusal(resp, text)
	}
	if kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); kind != "text/event-stream" {
		return false, errors.New("the answer is not harborhook's: it is no stream of events")
	}
	f.begin(resp.Header)
	if f.Listening != nil {
		f.Listening()
	}
	return true, because(ctx, f.listen(ctx, resp.Body, watch))
}

// because returns why ctx was cancelled, if it was, instead of an error that says
// that it was.
func because(ctx context.Context, err error) error {
	var told toldError
	if ctx.Err() != nil && !errors.As(err, &told) {
		return context.Cause(ctx)
	}
	return err
}

// begin makes sure that there is something to come back with before anything has
// happened: the server's time.
func (f *Follower) begin(h http.Header) {
	if at, err := http.ParseTime(h.Get("Date")); err == nil && f.cursor == "" {
		f.cursor = strconv.FormatInt(at.UnixMicro(), 10) + "-0"
	}
}

// listen reads events until the stream ends.
func (f *Follower) listen(ctx context.Context, body io.Reader, watch *time.Timer) error {
	lines := bufio.NewReader(body)
	var id string
	var data strings.Builder
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return errEnded
		}
		if err != nil {
			return fmt.Errorf("the connection broke off: %w", err)
		}
		watch.Stop() // what is done with an event may take its time
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case name == "id":
			id = value
		case name == "data":
			data.WriteString(value)
		case strings.TrimRight(line, "\r\n") == "" && data.Len() > 0:
			if err := f.tell(ctx, id, data.String()); err != nil {
				return err
			}
			data.Reset()
		}
		watch.Reset(silence)
	}
}

func (f *Follower) tell(ctx context.Context, id, data string) error {
	var d Object[Delivery]
	if err := json.Unmarshal([]byte(data), &d); err != nil {
		return errors.New("an event of the stream is not harborhook's: it cannot be read as JSON")
	}
	if err := f.Told(ctx, d); err != nil {
		return toldError{err}
	}
	if id != "" {
		f.cursor = id
	}
	return nil
}

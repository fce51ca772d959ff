package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Listener hears the deliveries of a project as they happen.
type Listener struct {
	t     T
	close context.CancelFunc
	heard chan Heard
}

// Heard is a delivery as it was told, and what to come back with.
type Heard struct {
	Job
	Cursor string
	At     time.Time
}

// Listen listens to a project until Close. Query may narrow it; lastID is what an
// earlier listener has heard last, or empty.
func (c *Client) Listen(t T, project, query, lastID string) *Listener {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/api/projects/"+project+"/webhook/stream"+query, nil)
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	req.SetBasicAuth(c.username, c.password)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("listen: %s", resp.Status)
	}
	l := &Listener{t: t, close: cancel, heard: make(chan Heard, 10_000)}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	lines.Scan() // it tells at once that it listens
	go l.read(lines, resp)
	return l
}

func (l *Listener) read(lines *bufio.Scanner, resp *http.Response) {
	defer close(l.heard)
	defer resp.Body.Close()
	var h Heard
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			h = Heard{Cursor: value}
		case "data":
			if json.Unmarshal([]byte(value), &h.Job) == nil {
				h.At = time.Now()
				l.heard <- h
			}
		}
	}
}

// Close hangs up.
func (l *Listener) Close() { l.close() }

// Until returns what is heard, up to the first that is wanted.
func (l *Listener) Until(limit time.Duration, what string, wanted func(Heard) bool) []Heard {
	l.t.Helper()
	deadline := time.After(limit)
	var all []Heard
	for {
		select {
		case h, more := <-l.heard:
			if !more {
				l.t.Fatalf("the stream ended before %s; heard %+v", what, all)
			}
			if all = append(all, h); wanted(h) {
				return all
			}
		case <-deadline:
			l.t.Fatalf("not heard in %v: %s; heard %+v", limit, what, all)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// notifier plays registries that notify Core.
type notifier struct {
	url, token string
	client     *http.Client
}

// newNotifier returns a registry that keeps up to connections open. With 0 it
// opens a connection for each notification, as docker/distribution does.
func newNotifier(core, token string, connections int) *notifier {
	return &notifier{url: core + "/service/notifications", token: token, client: &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: connections == 0, MaxIdleConnsPerHost: max(connections, 1), DisableCompression: true,
		},
	}}
}

func (r *notifier) close() { r.client.CloseIdleConnections() }

// notify posts one envelope and says whether it was accepted.
func (r *notifier) notify(ctx context.Context, body []byte) (accepted bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header = http.Header{
		"Content-Type":  {"application/vnd.docker.distribution.events.v1+json"},
		"Authorization": {"Bearer " + r.token},
		"User-Agent":    {"Go-http-client/1.1"},
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return false, fmt.Errorf("notify: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return false, fmt.Errorf("notify: %w", err)
	}
	if resp.StatusCode == http.StatusOK && !bytes.Contains(answer, []byte(`"accepted":1`)) {
		return false, fmt.Errorf("notify: core took the envelope and made no use of it: %s", answer)
	}
	return resp.StatusCode == http.StatusOK, nil
}

// offered is what offering a load came to.
type offered struct {
	// accept is the time from the start of each accepted POST to the answer.
	accept latencies
	// refused counts the answers other than 200, and those that did not come.
	refused int
	// due is when each POST should have begun, and did unless all senders were busy.
	due   []time.Time
	start time.Time
	took  time.Duration
}

// repeatAfter is how long a refused notification waits. Registries wait a second.
const repeatAfter = 100 * time.Millisecond

// offer posts every body through so many senders: as fast as they are accepted,
// or so many a second if rate is not 0. What is refused is repeated.
func (r *notifier) offer(ctx context.Context, bodies [][]byte, senders int, rate float64) (offered, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	o := offered{start: time.Now(), accept: make(latencies, len(bodies)), due: make([]time.Time, len(bodies))}
	var mu sync.Mutex
	var group sync.WaitGroup
	turns := pace(ctx, len(bodies), rate)
	for range senders {
		group.Go(func() {
			for turn := range turns {
				due := turn.due
				if due.IsZero() {
					due = time.Now()
				}
				took, refused, err := r.insist(ctx, bodies[turn.body], due)
				mu.Lock()
				o.due[turn.body] = due
				o.accept[turn.body] = took
				o.refused += refused
				mu.Unlock()
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	group.Wait()
	o.took = time.Since(o.start)
	return o, context.Cause(ctx)
}

// insist repeats a body until it is accepted, and returns how long the POST that
// was took. If the body had to wait for a free sender, so that it could not be
// offered when it was due, that counts.
func (r *notifier) insist(ctx context.Context, body []byte, due time.Time) (took time.Duration, refused int, err error) {
	start := due
	for {
		accepted, err := r.notify(ctx, body)
		if accepted {
			return time.Since(start), refused, nil
		}
		if ctx.Err() != nil {
			return 0, refused, ctx.Err()
		}
		refused++
		if refused == 100 {
			return 0, refused, fmt.Errorf("refused %d times: %w", refused, err)
		}
		if err := pause(ctx, repeatAfter); err != nil {
			return 0, refused, err
		}
		start = time.Now()
	}
}

// turn tells a sender which body is next. due is when it was released; zero if
// nothing is due at a time.
type turn struct {
	body int
	due  time.Time
}

// pace releases turns at a rate, or at once if it is 0, until all are released
// or ctx ends.
func pace(ctx context.Context, n int, rate float64) <-chan turn {
	turns := make(chan turn, n)
	if rate == 0 {
		for i := range n {
			turns <- turn{body: i}
		}
		close(turns)
		return turns
	}
	go func() {
		defer close(turns)
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		start := time.Now()
		for released := 0; released < n; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			now := time.Now()
			for due := min(n, int(now.Sub(start).Seconds()*rate)+1); released < due; released++ {
				turns <- turn{released, now}
			}
		}
	}()
	return turns
}

// pause waits, or fails when ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

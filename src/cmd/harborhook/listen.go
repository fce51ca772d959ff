package main

import (
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

	"github.com/spf13/cobra"

	"github.com/harborhook/harborhook/src/client"
)

const (
	// forwardLimit is how long the developer's program may take to answer.
	forwardLimit = 30 * time.Second
	// mostAnswer is how much of its answer is read, so that the connection can be
	// used again, in bytes.
	mostAnswer = 1 << 20
	// generation is how many deliveries are remembered, twice.
	generation = 50_000
)

func (p *program) listenCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "listen", Short: "pass a project's events on to this machine", Args: arguments(0, 0, ""),
		Long: `Receives the deliveries of a project over one outgoing connection and posts each, once,
to an address of this machine: with the body and the headers that its target gets, but
for Authorization and signatures, whose secrets the server tells nobody. The deliveries
themselves go on as ever. Ends when it is interrupted.`,
		Example: `  harborhook listen --project library --forward http://localhost:3000`,
	}
	to := p.connect(c)
	var f narrowFlags
	f.flags(c)
	forward := c.Flags().String("forward", "", "`URL` to post to, for example http://localhost:3000")
	c.RunE = func(c *cobra.Command, _ []string) error {
		u, err := url.Parse(*forward)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return wrongUse("--forward must be an address such as http://localhost:3000")
		}
		l := newForwarder(p, *forward, to)
		return p.follow(c.Context(), to, f, url.Values{"payload": {"true"}}, l.told)
	}
	return c
}

// forwarder posts each delivery once.
type forwarder struct {
	program *program
	to      *connection
	address string
	client  *http.Client
	// known are the deliveries that were posted: the last ones, and those before.
	known, before map[int64]bool
}

func newForwarder(p *program, address string, to *connection) *forwarder {
	return &forwarder{
		program: p, to: to, address: address, known: map[int64]bool{},
		client: &http.Client{
			Timeout:       forwardLimit,
			Transport:     &http.Transport{ForceAttemptHTTP2: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// seen says whether a delivery was posted before, and remembers it.
func (f *forwarder) seen(id int64) bool {
	if f.known[id] || f.before[id] {
		return true
	}
	if len(f.known) >= generation {
		f.known, f.before = map[int64]bool{}, f.known
	}
	f.known[id] = true
	return false
}

// forwarded is a delivery as --json shows it, with what became of it here.
type forwarded struct {
	Delivery   json.RawMessage `json:"delivery"`
	Status     int             `json:"status"`
	DurationMS int64           `json:"duration_ms"`
	Error      string          `json:"error,omitempty"`
}

// told posts a delivery that is new. What goes wrong here ends nothing.
func (f *forwarder) told(ctx context.Context, d client.Object[client.Delivery]) error {
	if f.seen(d.Value.ID) {
		return nil
	}
	started := time.Now()
	status, err := f.post(ctx, d.Value)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.say(d, started, status, err)
	return nil
}

func (f *forwarder) post(ctx context.Context, d client.Delivery) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.address, strings.NewReader(d.JobDetail))
	if err != nil {
		return 0, fmt.Errorf("make the request: %w", err)
	}
	for name, value := range d.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(time.Now().Unix(), 10))
	req.Header.Set("User-Agent", "harborhook/"+version)
	resp, err := f.client.Do(req)
	var of *url.Error
	if errors.As(err, &of) {
		return 0, of.Err
	}
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()                                           //nolint:errcheck // what was read is there
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, mostAnswer)) // the status is there
	return resp.StatusCode, nil
}

func (f *forwarder) say(d client.Object[client.Delivery], started time.Time, status int, err error) {
	p, took := f.program, time.Since(started)
	if f.to.json {
		shown := forwarded{Delivery: d.JSON, Status: status, DurationMS: took.Milliseconds()}
		if err != nil {
			shown.Error = err.Error()
		}
		text, _ := json.Marshal(shown) // what was read as JSON: it cannot fail
		line(p.stdout, text)
		return
	}
	result := cell{fmt.Sprintf("%d in %s", status, milliseconds(took)), green}
	if err != nil {
		result = cell{err.Error(), red}
	} else if status < 200 || status > 299 {
		result.colour = red
	}
	fmt.Fprintf(p.stdout, "%s %6d %s %s → %s\n", started.Format(clock), d.Value.ID,
		p.show(cell{text: d.Value.EventType}, 15), plain(artifact(d.Value)), p.show(result, 0))
}

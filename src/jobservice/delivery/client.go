// Package delivery is the one outbound HTTP client: whatever goes to an address
// that a user gave goes through it, deliveries and tests alike. It decides where
// connections may lead, signs, bounds what a receiver can cost, and says in the
// API's words how an attempt ended.
//
// The standard library's HTTP client prints to the standard logger what a
// receiver sends unasked, quoted. Programs should not keep that output: it may
// repeat what the receiver was sent.
package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

const (
	defaultTimeout = 10 * time.Second
	// Until a connection stands, and for its TLS handshake. Half of the default
	// deadline, so that a dead address does not look like a slow receiver.
	maxConnectTime = 5 * time.Second
	maxHeaderBytes = 64 << 10
	// What a receiver may send over HTTP/2 before anything of it is read; a whole body
	// that may be stored.
	maxUnread        = 2 * hook.MaxStoredBody
	maxIdleConns     = 1024
	defaultIdleConns = 64
	// Below what common receivers and load balancers keep (60 s and more), so
	// that we close idle connections before they do.
	idleTime = 30 * time.Second
)

// Config is what a Client needs to know.
type Config struct {
	// Guard decides about addresses; nil allows public ones only.
	Guard *Guard
	// Timeout is the time for a whole attempt, from the lookup of the name to the
	// last byte of the answer; 0 means 10 s.
	Timeout time.Duration
	// UserAgent is the value of the User-Agent header; empty means "harborhook".
	UserAgent string
	// MaxConnsPerHost bounds the connections to one origin, idle ones included;
	// attempts beyond it wait for one within their Timeout, and end as
	// connect_failed if none gets free. 0 means no limit.
	MaxConnsPerHost int
	// ForbidSkipVerify verifies certificates even for targets that say not to.
	ForbidSkipVerify bool
	// RootCAs are the authorities to trust; nil means the system's.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil means Go's own, with the system's settings.
	Resolver *net.Resolver
	// Proxy, if set, is an http:// URL of a proxy through which every connection is
	// made, with CONNECT and the address that Guard has allowed.
	Proxy *url.URL
}

// Client sends deliveries. It is safe for concurrent use, and keeps connections
// open between deliveries to the same origin.
type Client struct {
	timeout          time.Duration
	userAgent        string
	forbidSkipVerify bool
	// Two pools, so that a verified delivery never uses an unverified connection.
	verified, unverified *http.Transport
}

// New returns a client. It neither follows redirects nor keeps cookies, and
// takes no proxy from the environment: the guard would only see the proxy.
func New(cfg Config) *Client {
	if cfg.Guard == nil {
		cfg.Guard = &Guard{}
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "harborhook"
	}
	dial := newDialer(cfg.Guard, cfg.Resolver, min(cfg.Timeout, maxConnectTime), cfg.Proxy)
	return &Client{
		timeout:          cfg.Timeout,
		userAgent:        cfg.UserAgent,
		forbidSkipVerify: cfg.ForbidSkipVerify,
		verified:         newTransport(cfg, dial, false),
		unverified:       newTransport(cfg, dial, true),
	}
}

func newTransport(cfg Config, dial *dialer, skipVerify bool) *http.Transport {
	idle := defaultIdleConns
	if cfg.MaxConnsPerHost > 0 {
		idle = cfg.MaxConnsPerHost
	}
	return &http.Transport{
		DialContext: dial.DialContext,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            cfg.RootCAs,
			InsecureSkipVerify: skipVerify, //nolint:gosec // a policy's choice, shown as such
			ClientSessionCache: tls.NewLRUClientSessionCache(256),
		},
		ForceAttemptHTTP2: true, // a dialer of one's own turns it off otherwise
		// A connection that went dead in silence must not serve attempt after attempt.
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: cfg.Timeout / 2, PingTimeout: cfg.Timeout / 2,
			MaxReceiveBufferPerStream: maxUnread, MaxReceiveBufferPerConnection: 4 * maxUnread,
		},
		TLSHandshakeTimeout:    min(cfg.Timeout, maxConnectTime),
		DisableCompression:     true, // a small answer must not become a large one
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxConnsPerHost:        cfg.MaxConnsPerHost,
		MaxIdleConnsPerHost:    idle,
		MaxIdleConns:           maxIdleConns,
		IdleConnTimeout:        idleTime,
	}
}

// Close closes the connections that are idle. Attempts under way are not
// disturbed.
func (c *Client) Close() {
	c.verified.CloseIdleConnections()
	c.unverified.CloseIdleConnections()
}

// Send makes one attempt to deliver and says how it ended; a refused delivery is
// a value, not an error. Any answer is one: 2xx is hook.ResultOK, every other
// status hook.ResultHTTPError, also if its body breaks off. A connection that
// fails while in use is not tried again: each POST that a receiver sees is an
// attempt of its own.
//
// If ctx is cancelled before an answer came, the result is
// hook.ResultInterrupted: the receiver may or may not have seen the delivery,
// and the caller should release the job without counting the attempt.
func (c *Client) Send(ctx context.Context, d hook.Delivery) hook.Attempt {
	start := time.Now()
	attempt := c.send(ctx, &d, start)
	attempt.Number = d.Number
	attempt.StartedAt = start.Round(0).UTC()
	attempt.Duration = time.Since(start)
	return attempt
}

func (c *Client) send(parent context.Context, d *hook.Delivery, start time.Time) hook.Attempt {
	sent := headers(d, c.userAgent, start)
	attempt := hook.Attempt{Request: shown(d, sent)}

	ctx, cancel := context.WithTimeout(parent, c.timeout)
	defer cancel()
	var way journey
	req, err := newRequest(way.attach(ctx), d, sent)
	if err != nil {
		attempt.Result, attempt.Error = hook.ResultInvalidRequest, err.Error()
		return attempt
	}

	resp, err := c.transport(d).RoundTrip(req) //nolint:bodyclose // answer closes it
	attempt.RemoteAddr = way.peer()
	if err != nil {
		why := way.classify(err)
		if errors.Is(parent.Err(), context.Canceled) {
			why = fault{hook.ResultInterrupted, "interrupted before an answer came"}
		}
		attempt.Result, attempt.Error = why.result, why.text
		return attempt
	}
	attempt.Response = readResponse(resp, secretsOf(d, sent))
	attempt.Result, attempt.Error = judge(resp.StatusCode)
	return attempt
}

func (c *Client) transport(d *hook.Delivery) *http.Transport {
	if d.SendTo.SkipCertVerify && !c.forbidSkipVerify {
		return c.unverified
	}
	return c.verified
}

// judge says what a status means. HTTP knows none below 100.
func judge(status int) (hook.Result, string) {
	switch {
	case status >= 200 && status <= 299:
		return hook.ResultOK, ""
	case status < 100:
		return hook.ResultInvalidResponse, "the answer is not valid HTTP"
	default:
		return hook.ResultHTTPError, "the target answered " + strconv.Itoa(status)
	}
}

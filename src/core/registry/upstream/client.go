// Package upstream reads from the registry that the operator has configured. It
// is the only place where Core calls a registry.
//
// The address is the operator's own: it may lie in a private network. What the
// registry and its clients say decides nothing about where requests go.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Bounds of what is read.
const (
	maxManifest = 4 << 20  // what registries accept
	maxList     = 16 << 20 // 2.8 sends the tags of a repository on one page
	maxAnswer   = 64 << 10 // errors and tokens
	// requestTimeout bounds one request, if its context does not do so earlier.
	requestTimeout = 30 * time.Second
)

// Config is what a Client needs.
type Config struct {
	// URL is the registry's address, http:// or https://, without user.
	URL string
	// Username and Password are sent to the registry, or to its token service; both
	// empty = anonymous.
	Username, Password string
	// UserAgent names this module, so that it can tell its own pulls.
	UserAgent string
	// Handler, if set, answers in place of the network: a registry in this process.
	Handler http.Handler
}

// Client reads from one registry. It is safe for concurrent use.
type Client struct {
	base               *url.URL
	username, password string
	userAgent          string
	http               *http.Client

	mu     sync.Mutex
	tokens map[string]token // by scope
}

// New returns a client. It does not connect.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Host == "" || base.User != nil || base.Scheme != "http" && base.Scheme != "https" {
		return nil, errors.New("the registry's URL is no http:// or https:// address") // it may hold a password
	}
	base.Path, base.RawQuery, base.Fragment = strings.TrimSuffix(base.Path, "/"), "", ""
	var transport http.RoundTripper = newTransport()
	if c.Handler != nil {
		transport = inProcess{c.Handler}
	}
	return &Client{
		base: base, username: c.Username, password: c.Password, userAgent: c.UserAgent, tokens: map[string]token{},
		http: &http.Client{Transport: transport, CheckRedirect: sameOrigin, Timeout: requestTimeout},
	}, nil
}

// maxRedirects bounds the redirects of one request.
const maxRedirects = 3

// sameOrigin follows redirects within the registry only: wherever else they lead
// is not the operator's choice.
func sameOrigin(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	if len(via) > maxRedirects || next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

// request is one GET or HEAD request.
type request struct {
	method string
	path   string // below the base URL
	query  url.Values
	accept string
	// scope is what a token must allow.
	scope string
	most  int64
}

// answer is what came, whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request, a second time with a token if the registry asks for one,
// and returns what is answered with 200. What the registry does not have is a
// hook.ErrNotFound.
func (c *Client) do(ctx context.Context, r request) (answer, error) {
	got, err := c.send(ctx, r, c.authorization(r.scope))
	if err == nil && got.status == http.StatusUnauthorized {
		got, err = c.sendWithToken(ctx, r, got.header)
	}
	switch {
	case err != nil:
		return answer{}, err
	case got.status == http.StatusNotFound && (r.method == http.MethodHead || isErrorList(got.body)):
		return answer{}, hook.ErrNotFound
	case got.status == http.StatusNotFound:
		return answer{}, errors.New("the registry answers 404, but not as a registry does")
	case got.status != http.StatusOK:
		return answer{}, fmt.Errorf("the registry answers %d", got.status)
	}
	return got, nil
}

// sendWithToken sends a request that was refused again, as the refusal asks for.
func (c *Client) sendWithToken(ctx context.Context, r request, refusal http.Header) (answer, error) {
	challenge := bearer(refusal.Values("WWW-Authenticate"))
	if challenge == nil {
		return answer{}, errors.New("the registry refuses the credentials")
	}
	authorization, err := c.newToken(ctx, challenge, r.scope)
	if err != nil {
		return answer{}, err
	}
	return c.send(ctx, r, authorization)
}

func (c *Client) send(ctx context.Context, r request, authorization string) (answer, error) {
	address := *c.base
	address.Path += r.path
	address.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, address.String(), nil)
	if err != nil {
		return answer{}, fmt.Errorf("ask the registry: %w", err)
	}
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	got, err := c.ask(req, authorization, r.most)
	if err != nil {
		return answer{}, fmt.Errorf("ask the registry: %w", err)
	}
	return got, nil
}

// ask sends a request and reads the answer, which is an error if it is longer than
// most.
func (c *Client) ask(req *http.Request, authorization string, most int64) (answer, error) {
	req.Header.Set("User-Agent", c.userAgent)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		most = maxAnswer
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return answer{}, err
	case int64(len(body)) > most:
		return answer{}, fmt.Errorf("the answer has more than %d bytes", most)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

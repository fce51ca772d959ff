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

// answer is what came: status 200, and the whole body.
type answer struct {
	header http.Header
	body   []byte
}

// do sends a request, a second time with a token if the registry asks for one.
// What the registry does not have is a hook.ErrNotFound.
func (c *Client) do(ctx context.Context, r request) (answer, error) {
	resp, err := c.send(ctx, r, c.authorization(r.scope))
	if err != nil {
		return answer{}, err
	}
	if resp.StatusCode == http.StatusUnauthorized {
		challenge := bearer(resp.Header.Values("WWW-Authenticate"))
		resp.Body.Close()
		if challenge == nil {
			return answer{}, errors.New("the registry refuses the credentials")
		}
		authorization, err := c.newToken(ctx, challenge, r.scope)
		if err != nil {
			return answer{}, err
		}
		if resp, err = c.send(ctx, r, authorization); err != nil {
			return answer{}, err
		}
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return answer{}, notFound(r.method, resp.Body)
	case resp.StatusCode != http.StatusOK:
		return answer{}, fmt.Errorf("the registry answers %d", resp.StatusCode)
	}
	body, err := readAll(resp.Body, r.most)
	return answer{header: resp.Header, body: body}, err
}

func (c *Client) send(ctx context.Context, r request, authorization string) (*http.Response, error) {
	address := *c.base
	address.Path += r.path
	address.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, address.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask the registry: %w", err)
	}
	req.Header.Set("User-Agent", c.userAgent)
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the registry: %w", err)
	}
	return resp, nil
}

// readAll fails when there is more than most.
func readAll(body io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the registry's answer: %w", err)
	case int64(len(text)) > most:
		return nil, fmt.Errorf("the registry's answer has more than %d bytes", most)
	}
	return text, nil
}

// notFound tells a registry's own "there is no such thing" from a 404 of whatever
// else answers at the address. A HEAD request cannot tell.
func notFound(method string, body io.Reader) error {
	text, err := readAll(body, maxAnswer)
	if err != nil {
		return err
	}
	if method == http.MethodHead || isErrorList(text) {
		return hook.ErrNotFound
	}
	return errors.New("the registry answers 404, but not as a registry does")
}

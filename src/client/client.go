package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// base is what the paths of the API begin with.
	base = "/api/v2.0"
	// callLimit bounds a call, connecting included; a stream has no end.
	callLimit = 30 * time.Second
	// maxAnswer is the most that is read of an answer, in bytes.
	maxAnswer = 64 << 20
)

// Config says which server, and as whom.
type Config struct {
	// Server is an HTTP or HTTPS URL, possibly with a path before that of the API.
	Server         string
	User, Password string
	// Roots are the authorities to trust; nil means the system's.
	Roots *x509.CertPool
	// Insecure takes any certificate.
	Insecure  bool
	UserAgent string
}

// Client calls one server. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
}

// New returns a client. It fails if Server is no address of a server.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.Server)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("the server must be an address such as https://harbor.example.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the server's address must hold neither a user, a query nor a fragment")
	}
	cfg.Server = strings.TrimSuffix(cfg.Server, "/")
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSHandshakeTimeout: callLimit,
		ForceAttemptHTTP2:   true,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            cfg.Roots,
			InsecureSkipVerify: cfg.Insecure, //nolint:gosec // the user's choice
		},
	}
	return &Client{cfg: cfg, http: &http.Client{
		Transport: transport,
		// A password goes to the server that was named, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Error is an answer other than success.
type Error struct {
	Status int
	// Message is the server's.
	Message string
	// RetryAfter is how long the server asks to wait, if it does.
	RetryAfter time.Duration
}

// Error implements error.
func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("the server answers %d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("the server answers %d: %s", e.Status, e.Message)
}

// Object is a value of the API, and the JSON that it was.
type Object[T any] struct {
	Value T
	JSON  json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *Object[T]) UnmarshalJSON(text []byte) error {
	o.JSON = append(json.RawMessage(nil), text...)
	return json.Unmarshal(text, &o.Value)
}

// request returns a call; path is escaped and begins behind the base.
func (c *Client) request(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.Server+base+path, content)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	req.SetBasicAuth(c.cfg.User, c.cfg.Password)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Is-Resource-Name", "true") // a project may be named as a number is
	if c.cfg.UserAgent != "" {
		req.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// reply is the answer to a call that succeeded.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// do makes a call once. Answers other than 2xx are an *Error.
func (c *Client) do(ctx context.Context, method, path string, body any) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return reply{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, unreachable(err)
	}
	defer resp.Body.Close() //nolint:errcheck // what was read is there
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return reply{}, fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return reply{}, refusal(resp, text)
	}
	return reply{resp.StatusCode, resp.Header, text}, nil
}

// read makes a call and decodes what is answered.
func (c *Client) read(ctx context.Context, method, path string, body, to any) error {
	r, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(r.body, to); err != nil {
		return errors.New("the answer is not harborhook's: it cannot be read as JSON")
	}
	return nil
}

// unreachable leaves out what net/url adds: the whole URL.
func unreachable(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	return fmt.Errorf("the server cannot be reached: %w", err)
}

// refusal reads what the server says, in the shape of either family.
func refusal(resp *http.Response, text []byte) error {
	e := &Error{Status: resp.StatusCode}
	if wait, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s"); err == nil && wait > 0 {
		e.RetryAfter = wait
	}
	var said struct {
		Message string
		Errors  []struct{ Message string }
	}
	if json.Unmarshal(text, &said) == nil {
		e.Message = said.Message
		for _, one := range said.Errors {
			e.Message = strings.TrimPrefix(e.Message+"; "+one.Message, "; ")
		}
	}
	if to := resp.Header.Get("Location"); e.Message == "" && resp.StatusCode/100 == 3 {
		e.Message = "it redirects to " + to + ", which is not followed"
	}
	return e
}

func webhooks(project string) string { return "/projects/" + url.PathEscape(project) + "/webhook" }

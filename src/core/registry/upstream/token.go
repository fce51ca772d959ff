package upstream

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// token is what a token service gave.
type token struct {
	text  string
	until time.Time
}

const (
	// shortestToken is how long a token lives that does not say it.
	shortestToken = time.Minute
	// beforeItEnds is how long before its end a token is given up.
	beforeItEnds = 10 * time.Second
	// maxTokens bounds the tokens that are kept.
	maxTokens = 1000
)

// pull is the scope of reading a repository.
func pull(repository string) string { return "repository:" + repository + ":pull" }

// authorization returns the header for a request: a token that is known, or the
// credentials. Registries with a token service refuse these, and say where it is.
func (c *Client) authorization(scope string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.tokens[scope]; ok && time.Now().Before(t.until) {
		return "Bearer " + t.text
	}
	return c.basic()
}

func (c *Client) basic() string {
	if c.username == "" {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.username+":"+c.password))
}

// newToken asks the token service that a challenge names.
func (c *Client) newToken(ctx context.Context, challenge map[string]string, scope string) (string, error) {
	realm, err := c.realm(challenge["realm"])
	if err != nil {
		return "", err
	}
	query := realm.Query()
	query.Set("scope", scope)
	if asked := challenge["scope"]; asked != "" {
		query.Set("scope", asked)
	}
	if service := challenge["service"]; service != "" {
		query.Set("service", service)
	}
	realm.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), nil)
	if err != nil {
		return "", fmt.Errorf("ask for a token: %w", err)
	}
	got, err := c.ask(req, c.basic(), maxAnswer)
	if err != nil {
		return "", fmt.Errorf("ask for a token: %w", err)
	}
	if got.status != http.StatusOK {
		return "", fmt.Errorf("the registry's token service answers %d", got.status)
	}
	t, err := readToken(got.body)
	if err != nil {
		return "", err
	}
	c.keep(scope, t)
	return "Bearer " + t.text, nil
}

// realm checks that a token service is the registry's own, on the same host: the
// credentials are for nobody else, whatever the registry says.
func (c *Client) realm(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, errors.New("the registry names no token service that can be asked")
	}
	if !strings.EqualFold(u.Hostname(), c.base.Hostname()) || c.base.Scheme == "https" && u.Scheme != "https" {
		return nil, fmt.Errorf("the registry's token service is at %s, which is not the registry's host", u.Host)
	}
	return u, nil
}

func readToken(body []byte) (token, error) {
	var in struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"` // seconds
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return token{}, errors.New("the registry's token service does not answer in JSON")
	}
	if in.Token == "" {
		in.Token = in.AccessToken
	}
	if in.Token == "" || strings.ContainsFunc(in.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return token{}, errors.New("the registry's token service gives no token")
	}
	life := max(time.Duration(in.ExpiresIn)*time.Second, shortestToken)
	return token{text: in.Token, until: time.Now().Add(life - beforeItEnds)}, nil
}

func (c *Client) keep(scope string, t token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tokens) >= maxTokens {
		clear(c.tokens)
	}
	c.tokens[scope] = t
}

// parameter is one of a challenge's: realm="https://…".
var parameter = regexp.MustCompile(`([a-zA-Z_]+)="([^"]*)"`)

// bearer returns the parameters of the challenge that asks for a token, or nil.
func bearer(challenges []string) map[string]string {
	for _, text := range challenges {
		scheme, rest, _ := strings.Cut(text, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue
		}
		found := map[string]string{}
		for _, p := range parameter.FindAllStringSubmatch(rest, -1) {
			found[strings.ToLower(p[1])] = p[2]
		}
		return found
	}
	return nil
}

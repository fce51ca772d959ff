package harness

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// Browser calls Core as a page in a browser does: with cookies, and with the CSRF
// token of the last answer, as Harbor's own portal sends it.
type Browser struct {
	base    string
	client  *http.Client
	secrets *secrets
	// Token is what the next call that changes something sends. It outlives the
	// session, as in the portal, which keeps it in the browser's storage.
	Token string
}

// NewBrowser returns a browser in which nobody has signed in.
func (s *System) NewBrowser(t T) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatalf("make a cookie jar: %v", err)
	}
	return &Browser{base: s.CoreURL, client: &http.Client{Jar: jar, Timeout: callLimit}, secrets: s.secrets}
}

// At returns the browser on another Core: same cookies, same token.
func (b *Browser) At(s *System) *Browser {
	other := *b
	other.base = s.CoreURL
	return &other
}

// Get asks for something.
func (b *Browser) Get(t T, address string, headers ...string) Reply {
	t.Helper()
	return b.send(t, http.MethodGet, address, "", nil, headers)
}

// Send changes something, with a body that is written as JSON.
func (b *Browser) Send(t T, method, address string, body any, headers ...string) Reply {
	t.Helper()
	content, err := encode(body)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return b.send(t, method, address, "application/json", content, headers)
}

// Form posts a form.
func (b *Browser) Form(t T, address string, form url.Values, headers ...string) Reply {
	t.Helper()
	return b.send(t, http.MethodPost, address, "application/x-www-form-urlencoded", []byte(form.Encode()), headers)
}

// SignIn posts the form of the login.
func (b *Browser) SignIn(t T, username, password string) Reply {
	t.Helper()
	return b.Form(t, "/c/login", url.Values{"principal": {username}, "password": {password}})
}

// Cookies are what the browser would send to Core.
func (b *Browser) Cookies(t T) []*http.Cookie {
	t.Helper()
	u, err := url.Parse(b.base)
	if err != nil {
		t.Fatalf("parse %s: %v", b.base, err)
	}
	return b.client.Jar.Cookies(u)
}

func (b *Browser) send(t T, method, address, mediaType string, body []byte, headers []string) Reply {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, b.base+address, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	req.Header.Set("Accept", "application/json, text/plain, */*")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if mediaType != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	if method != http.MethodGet {
		req.Header.Set("Origin", b.base)
		if b.Token != "" {
			req.Header.Set("X-Harbor-CSRF-Token", b.Token)
		}
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	b.secrets.sent(body)
	resp, err := b.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	b.secrets.answered(t, method, req.URL.Path, resp.Header, text)
	b.secrets.cookies(resp.Header)
	if token := strings.TrimSpace(resp.Header.Get("X-Harbor-CSRF-Token")); token != "" {
		b.Token = token
	}
	return Reply{Status: resp.StatusCode, Header: resp.Header, Body: string(text)}
}

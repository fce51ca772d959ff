package delivery

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/hook"
)

// readResponse reads an answer as it may be stored and closes its body. Of the
// body no more than hook.MaxStoredBody is read; a body that breaks off, or is not
// there before the deadline, is cut there, since the status has decided already.
func readResponse(resp *http.Response, s secrets) *hook.Response {
	body, truncated := readBody(resp)
	masked := s.mask
	if truncated {
		masked = s.maskCut
	}
	text, cut := clip(printable(masked(body)))
	return &hook.Response{
		Status:    resp.StatusCode,
		Headers:   storable(resp.Header, s),
		Body:      text,
		Truncated: truncated || cut,
	}
}

func readBody(resp *http.Response) (body string, truncated bool) {
	// The answer stands; what closing the connection says changes nothing.
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return "", false // not a body: the connection itself
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, hook.MaxStoredBody+1))
	if len(raw) > hook.MaxStoredBody {
		return string(raw[:hook.MaxStoredBody]), true
	}
	return string(raw), err != nil
}

// printable makes text acceptable to every database: valid UTF-8 without NUL.
func printable(text string) string {
	const replacement = string(utf8.RuneError)
	return strings.ReplaceAll(strings.ToValidUTF8(text, replacement), "\x00", replacement)
}

// clip cuts a valid text to what may be stored, between characters.
func clip(text string) (string, bool) {
	if len(text) <= hook.MaxStoredBody {
		return text, false
	}
	end := hook.MaxStoredBody
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end], true
}

// storable copies headers, without the values that are secrets by their name or
// by what they repeat.
func storable(h http.Header, s secrets) map[string][]string {
	out := make(map[string][]string, len(h))
	for name, values := range h {
		shown := make([]string, len(values))
		for i, value := range values {
			shown[i] = storableValue(name, value, s)
		}
		out[printable(s.mask(name))] = shown
	}
	return out
}

func storableValue(name, value string, s secrets) string {
	switch {
	case sensitive(name):
		return hook.Mask
	case name == "Location" || name == "Content-Location":
		value = hook.MaskTarget(value)
	}
	return printable(s.mask(value))
}

// sensitive tells names of headers whose values nobody needs to see.
func sensitive(name string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc([]string{
		"authorization", "authentication-info", "cookie", "token", "secret", "signature", "password", "api-key", "apikey",
	}, func(word string) bool { return strings.Contains(lower, word) })
}

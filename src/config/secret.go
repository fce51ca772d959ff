package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// mask stands for a secret wherever one would be shown.
const mask = "********"

// Secret is a text that shows itself masked, so that no log line or error
// holds it by mistake.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String returns the mask, or nothing when there is no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString keeps %#v from showing the secret.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// MarshalText keeps encoders from writing the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps slog from writing the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// SecretURL is a URL that shows itself without its password.
type SecretURL string

// Reveal returns the URL with its password.
func (s SecretURL) Reveal() string { return string(s) }

// String returns the URL with the password, and every password among its query
// values, masked; if it cannot be parsed, nothing but the mask.
func (s SecretURL) String() string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(string(s))
	if err != nil || u.Scheme == "" || u.Opaque != "" {
		return mask
	}
	shown := u.Scheme + "://"
	if u.User != nil {
		shown += url.PathEscape(u.User.Username())
		if _, has := u.User.Password(); has {
			shown += ":" + mask
		}
		shown += "@"
	}
	shown += u.Host + u.EscapedPath()
	if u.RawQuery == "" {
		return shown
	}
	return shown + "?" + maskedQuery(u.RawQuery)
}

func maskedQuery(query string) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, _, _ := strings.Cut(pair, "=")
		if strings.Contains(strings.ToLower(name), "pass") {
			pairs[i] = name + "=" + mask
		}
	}
	return strings.Join(pairs, "&")
}

// GoString keeps %#v from showing the password.
func (s SecretURL) GoString() string { return fmt.Sprintf("%q", s.String()) }

// MarshalText keeps encoders from writing the password.
func (s SecretURL) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps slog from writing the password.
func (s SecretURL) LogValue() slog.Value { return slog.StringValue(s.String()) }

package delivery

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/harborhook/harborhook/src/hook"
)

// minEcho is the length from which a part of a secret is looked for in what a
// receiver answers. Shorter ones occur by chance.
const minEcho = 8

// secrets are texts that must not be stored although a receiver sent them back,
// longest first.
type secrets []string

// secretsOf lists what a delivery must keep to itself: authorization, signing
// secret, signatures and the values of the target's query, also in the forms
// that receivers give them when they quote a request as a URL or JSON.
func secretsOf(d *hook.Delivery, sent http.Header) secrets {
	var list secrets
	list.add(0, strings.TrimSpace(d.SendTo.AuthHeader), d.Secret, d.OldSecret)
	list.addToken(d.SendTo.AuthHeader)
	list.addQuery(d.SendTo.Address)
	for _, name := range []string{headerSignature, headerHubSignature} {
		for one := range strings.FieldsSeq(sent.Get(name)) {
			_, signature, _ := strings.Cut(one, signatureMark(name))
			list.add(minEcho, signature)
		}
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return slices.Compact(list)
}

func signatureMark(name string) string {
	if name == headerSignature {
		return ","
	}
	return "="
}

func (s *secrets) add(atLeast int, texts ...string) {
	for _, text := range texts {
		if text == "" || len(text) < atLeast {
			continue
		}
		*s = append(*s, text)
		if strings.IndexFunc(text, quotable) < 0 {
			continue
		}
		for _, form := range []string{url.QueryEscape(text), url.PathEscape(text), quoted(text)} {
			if form != text {
				*s = append(*s, form)
			}
		}
	}
}

// addToken adds what follows the scheme of an authorization, and for Basic the
// password that is in it.
func (s *secrets) addToken(auth string) {
	scheme, token, found := strings.Cut(strings.TrimSpace(auth), " ")
	if !found {
		return
	}
	token = strings.TrimSpace(token)
	s.add(minEcho, token)
	if !strings.EqualFold(scheme, "Basic") {
		return
	}
	if pair, err := base64.StdEncoding.DecodeString(token); err == nil {
		_, password, _ := strings.Cut(string(pair), ":")
		s.add(minEcho, string(pair), password)
	}
}

func (s *secrets) addQuery(address string) {
	_, query, _ := strings.Cut(address, "?")
	if query == "" {
		return
	}
	for part := range strings.SplitSeq(query, "&") {
		key, value, hasValue := strings.Cut(part, "=")
		if !hasValue {
			value = key // a bare token
		}
		s.add(minEcho, value)
		if plain, err := url.QueryUnescape(value); err == nil && plain != value {
			s.add(minEcho, plain)
		}
	}
}

// quotable tells characters that URLs or JSON may write in another way.
func quotable(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_.~", r)
}

func quoted(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return strings.Trim(string(out), `"`)
}

// mask replaces every secret in text.
func (s secrets) mask(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, hook.Mask)
	}
	return text
}

// maskCut is mask for a text whose end is missing: what it ends with may be the
// beginning of a secret.
func (s secrets) maskCut(text string) string {
	text = s.mask(text)
	for _, secret := range s {
		for n := len(secret) - 1; n >= minEcho; n-- {
			if strings.HasSuffix(text, secret[:n]) {
				return text[:len(text)-n] + hook.Mask
			}
		}
	}
	return text
}

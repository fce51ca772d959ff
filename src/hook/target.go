package hook

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest target address and Authorization value, in characters.
const (
	MaxTargetLength     = 2048
	MaxAuthHeaderLength = 4096
)

// ValidateTarget says whether address may be the address of a target: an http
// or https URL with a host, and without userinfo, fragment, control character,
// blank or backslash. A colon after the host needs a port from 1 to 65535. Hosts
// may have letters outside ASCII; the client that dials them translates.
//
// Where the host leads is not looked at: names may resolve to something else
// tomorrow, so the client decides when it dials. The error is an *InvalidError
// with Field "target", and repeats no part of the address.
func ValidateTarget(address string) error {
	if utf8.RuneCountInString(address) > MaxTargetLength {
		return Invalidf("target", "must not be longer than %d characters", MaxTargetLength)
	}
	if reason := targetFault(address); reason != "" {
		return Invalid("target", reason)
	}
	return nil
}

func targetFault(address string) string {
	switch {
	case address == "":
		return "must not be empty"
	case !utf8.ValidString(address):
		return "must be valid UTF-8"
	case strings.ContainsFunc(address, notInURL):
		return "must not contain control characters, blanks or backslashes"
	case strings.Contains(address, "#"):
		return "must not have a fragment"
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must begin with http:// or https://"
	case u.Opaque != "" || u.Host == "":
		return "must name a host"
	case u.User != nil:
		return "must not hold a user name or password"
	}
	return hostFault(u)
}

func hostFault(u *url.URL) string {
	host := u.Hostname()
	if rest := strings.TrimPrefix(u.Host[strings.LastIndexByte(u.Host, ']')+1:], host); rest != "" && !validPort(rest) {
		return "must have a port from 1 to 65535 after the colon"
	}
	if strings.HasPrefix(u.Host, "[") {
		if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() {
			return "must have an IPv6 address in its brackets"
		}
		return ""
	}
	if !validHostName(host) {
		return "must name a valid host"
	}
	return ""
}

// validPort takes the colon and what follows it.
func validPort(s string) bool {
	port, err := strconv.ParseUint(strings.TrimPrefix(s, ":"), 10, 16)
	return err == nil && port > 0
}

// validHostName takes IPv4 addresses, too.
func validHostName(host string) bool {
	host = strings.TrimSuffix(host, ".")
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, notInHostName) {
			return false
		}
	}
	return true
}

func notInHostName(r rune) bool {
	if r < utf8.RuneSelf {
		letter := 'a' <= r|0x20 && r|0x20 <= 'z'
		return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
}

func notInURL(r rune) bool { return r == '\\' || unicode.IsControl(r) || unicode.IsSpace(r) }

// TargetOrigin returns scheme, host and port of a target in lower case, for
// example "https://ci.example.com:443"; the port is there even where the address
// leaves it to the scheme. It is empty if the address is no valid target.
func TargetOrigin(address string) string {
	if ValidateTarget(address) != nil {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.WithZone("").String() // one spelling for each IPv6 address
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host + ":" + portOf(u)
}

func portOf(u *url.URL) string {
	if port, err := strconv.Atoi(u.Port()); err == nil {
		return strconv.Itoa(port) // without leading zeros
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// MaskTarget returns address as it may be shown and logged: every value of its
// query is replaced by Mask. A part of the query without "=" is replaced whole,
// since it may be a bare token, and so are userinfo and fragment, which no valid
// target has. The result is valid UTF-8 without control characters whatever
// address is, and masking it again changes nothing.
func MaskTarget(address string) string {
	address = strings.Map(printable, strings.ToValidUTF8(address, "\uFFFD"))
	rest, _, hasFragment := strings.Cut(address, "#")
	base, query, hasQuery := strings.Cut(rest, "?")

	var b strings.Builder
	b.WriteString(maskUserinfo(base))
	if hasQuery {
		b.WriteByte('?')
		writeMaskedQuery(&b, query)
	}
	if hasFragment {
		b.WriteString("#" + Mask)
	}
	return b.String()
}

func writeMaskedQuery(b *strings.Builder, query string) {
	for i, part := range strings.Split(query, "&") {
		if i > 0 {
			b.WriteByte('&')
		}
		if part == "" {
			continue
		}
		if key, _, hasValue := strings.Cut(part, "="); hasValue {
			b.WriteString(key + "=")
		}
		b.WriteString(Mask)
	}
}

func maskUserinfo(base string) string {
	start := 0
	if i := strings.Index(base, "//"); i >= 0 {
		start = i + len("//")
	}
	authority, path, hasPath := strings.Cut(base[start:], "/")
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return base
	}
	masked := base[:start] + Mask + authority[at:]
	if hasPath {
		masked += "/" + path
	}
	return masked
}

func printable(r rune) rune {
	if unicode.IsControl(r) {
		return utf8.RuneError
	}
	return r
}

// ValidateAuthHeader says whether value may be sent as an Authorization header:
// at most MaxAuthHeaderLength characters, none of them a control character but
// the tab. Empty is valid and sends none. The error is an *InvalidError with
// Field "auth_header", and repeats no part of the value.
func ValidateAuthHeader(value string) error {
	switch {
	case !utf8.ValidString(value):
		return Invalid("auth_header", "must be valid UTF-8")
	case utf8.RuneCountInString(value) > MaxAuthHeaderLength:
		return Invalidf("auth_header", "must not be longer than %d characters", MaxAuthHeaderLength)
	case strings.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
		return Invalid("auth_header", "must not contain line breaks or other control characters")
	}
	return nil
}

// SecretStays says why a secret that is kept cannot go with a new address.
const SecretStays = "must be entered again, since the target moves to another scheme, host or port"

// NotOpened says why an address may not be called, whatever it is.
const NotOpened = "may not be called: the operator has not opened this address or port"

// SameOrigin says whether the address leads where one of the targets did. A stored
// secret must not follow a target elsewhere: whoever moved it could read it there.
func SameOrigin(address string, before []Target) bool {
	origin := TargetOrigin(address)
	return origin != "" && slices.ContainsFunc(before, func(t Target) bool { return TargetOrigin(t.Address) == origin })
}

package harness

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// kind says what a secret is for.
type kind string

// The kinds of secrets.
const (
	kindSystem     kind = "secret of the system"
	kindPassword   kind = "password"
	kindSession    kind = "session"
	kindAuthHeader kind = "auth_header"
	kindSigning    kind = "signing secret"
	kindQuery      kind = "query of a target"
)

// shown says whether an answer may hold secrets of this kind. These are all the
// exceptions to "secrets are masked in every answer": who may change a policy reads
// its target's query, and through the second family its auth_header; and what makes
// or rotates a secret tells it, once, which send learns before it looks.
func (k kind) shown(method, path string) bool {
	read := method == http.MethodGet && strings.Contains(path, "/webhook/policies")
	switch k {
	case kindQuery:
		return read
	case kindAuthHeader:
		return read && strings.HasPrefix(path, "/api/v2.0/")
	default:
		return false
	}
}

// tellsOnce says whether the answer is the one that tells a secret that was made.
func tellsOnce(method, path string) bool {
	return method == http.MethodPost && (strings.HasSuffix(path, "/robots") || strings.HasSuffix(path, "/secret/rotate"))
}

// shortest is how long a secret must be to be looked for. What tests choose shorter
// says nothing when it is found somewhere.
const shortest = 12

// secrets are those that were used in a system, and where they must not be.
type secrets struct {
	mu    sync.Mutex
	kinds map[string]kind
	// begins has the secrets by their first eight bytes.
	begins map[uint64][]string
}

func newSecrets() *secrets {
	return &secrets{kinds: map[string]kind{}, begins: map[uint64][]string{}}
}

// add takes a secret, and its base64, which headers and databases are full of.
func (s *secrets) add(k kind, secret string) {
	if len(secret) < shortest || strings.Trim(secret, "*") == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.kinds[secret]; known {
		return
	}
	for _, text := range []string{secret, base64.RawStdEncoding.EncodeToString([]byte(secret))} {
		s.kinds[text] = k
		begin := binary.LittleEndian.Uint64([]byte(text))
		s.begins[begin] = append(s.begins[begin], text)
	}
}

// configured takes a setting of the program, if it is a secret.
func (s *secrets) configured(variable, value string) {
	if strings.HasSuffix(variable, "_URL") {
		for _, found := range inURL.FindAllStringSubmatch(value, -1) {
			s.add(kindSystem, found[1])
		}
	}
	for _, secret := range []string{"SECRET", "TOKEN", "PASSWORD", "KEY", "KEYS"} {
		if variable == secret || strings.HasSuffix(variable, "_"+secret) {
			for part := range strings.SplitSeq(value, ",") {
				s.add(kindSystem, part)
			}
		}
	}
}

// inURL finds the passwords of a URL.
var inURL = regexp.MustCompile(`(?:://[^:/@]*:|password=)([^@&]+)`)

// person takes the password of somebody, as it is and as basic authentication has it.
func (s *secrets) person(username, password string) {
	s.add(kindPassword, password)
	if len(password) >= shortest {
		s.add(kindPassword, base64.RawStdEncoding.EncodeToString([]byte(username+":"+password)))
	}
}

// find returns the secrets in a text that may not be there, and what is around each.
func (s *secrets) find(text string, allowed func(kind) bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	window := uint64(0)
	for i := range len(text) {
		window = window>>8 | uint64(text[i])<<56
		candidates, ok := s.begins[window]
		if !ok || i < 7 {
			continue
		}
		for _, secret := range candidates {
			if k := s.kinds[secret]; strings.HasPrefix(text[i-7:], secret) && !allowed(k) {
				around := text[max(0, i-107):min(len(text), i+100)]
				found = append(found, fmt.Sprintf("a %s, %q: %q", k, secret, around))
			}
		}
	}
	return found
}

// none fails the test if a text holds a secret.
func (s *secrets) none(t T, where, text string) {
	t.Helper()
	for _, what := range first(s.find(text, func(kind) bool { return false })) {
		t.Errorf("%s holds %s", where, what)
	}
}

// first leaves out what repeats itself.
func first(found []string) []string { return found[:min(len(found), 5)] }

// sent takes the secrets of a request, which is JSON or a form.
func (s *secrets) sent(body []byte) {
	var value any
	if json.Unmarshal(body, &value) == nil {
		s.learn(value)
		return
	}
	if form, err := url.ParseQuery(string(body)); err == nil {
		for name, values := range form {
			for _, text := range values {
				s.learnMember(name, text)
			}
		}
	}
}

// learn takes the secrets of JSON by the names of their members.
func (s *secrets) learn(value any) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			s.learn(element)
		}
	case map[string]any:
		for name, element := range v {
			if text, ok := element.(string); ok {
				s.learnMember(name, text)
			} else {
				s.learn(element)
			}
		}
	}
}

func (s *secrets) learnMember(name, text string) {
	switch name {
	case "password", "new_password", "old_password":
		s.add(kindPassword, text)
	case "secret":
		s.add(kindSigning, text)
		if key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_")); err == nil {
			s.add(kindSigning, string(key))
		}
	case "auth_header":
		s.add(kindAuthHeader, text)
		if _, token, ok := strings.Cut(text, " "); ok {
			s.add(kindAuthHeader, token)
		}
	case "target", "address":
		if u, err := url.Parse(text); err == nil {
			for _, values := range u.Query() {
				for _, v := range values {
					s.add(kindQuery, v)
				}
			}
		}
	}
}

// answered fails the test if an answer tells a secret that it may not tell.
func (s *secrets) answered(t T, method, path string, header http.Header, body []byte) {
	t.Helper()
	if tellsOnce(method, path) {
		s.sent(body)
		return
	}
	text := string(body)
	for name, values := range header {
		if name != "Set-Cookie" {
			text += "\n" + name + ": " + strings.Join(values, ", ")
		}
	}
	for _, what := range first(s.find(text, func(k kind) bool { return k.shown(method, path) })) {
		t.Errorf("the answer to %s %s holds %s", method, path, what)
	}
}

// cookies takes the sessions that an answer begins.
func (s *secrets) cookies(header http.Header) {
	for _, c := range (&http.Response{Header: header}).Cookies() {
		s.add(kindSession, c.Value)
	}
}

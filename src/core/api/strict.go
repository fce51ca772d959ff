package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/hook"
)

// object is a JSON object from a stranger. Its members are decoded one by one,
// so that every mistake is answered with the name of the member. The first
// mistake is kept in err; later calls do nothing.
//
// Names are compared exactly. A member given twice or unknown is a mistake, and
// so is null, since a client that sends it may mean "keep" as well as "remove".
type object struct {
	// path precedes the names of members in mistakes, for example "targets[0].".
	path    string
	members map[string]json.RawMessage
	// lenient leaves unknown members and null alone, here and further down.
	lenient bool
	err     error
}

// parseLenientBody is parseBody for clients that send more than they mean.
func parseLenientBody(body []byte, known ...string) *object {
	if len(bytes.TrimSpace(body)) == 0 {
		return &object{err: refuse(http.StatusUnprocessableEntity, "the body is missing")}
	}
	return parseWhole(body, true, known)
}

// parseBody reads a body that is one JSON object with no other members than known.
func parseBody(body []byte, known ...string) *object { return parseWhole(body, false, known) }

func parseWhole(body []byte, lenient bool, known []string) *object {
	if !utf8.Valid(body) {
		return &object{err: hook.Invalid("", "the body is not valid UTF-8")}
	}
	// One pass over the whole body first: what is not JSON at its end is no
	// reason to complain about a member at its beginning.
	if err := oneValue(body); err != nil {
		return &object{err: hook.Invalid("", "the body "+err.Error())}
	}
	return parseObject("", body, lenient, known)
}

func oneValue(body []byte) error {
	var raw json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(body))
	err := decoder.Decode(&raw)
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("is empty")
	case errors.As(err, &syntax):
		return fmt.Errorf("is not valid JSON (at byte %d)", syntax.Offset)
	case err != nil:
		return errors.New("is not valid JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("must hold one JSON value only")
	}
	return nil
}

// parseObject reads valid JSON that should be an object. Without known names
// every name is taken.
func parseObject(path string, raw json.RawMessage, lenient bool, known []string) *object {
	o := &object{path: path, members: map[string]json.RawMessage{}, lenient: lenient}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		o.err = hook.Invalid(strings.TrimSuffix(path, "."), "must be a JSON object")
		return o
	}
	for decoder.More() && o.err == nil {
		o.member(decoder, known)
	}
	return o
}

func (o *object) member(decoder *json.Decoder, known []string) {
	token, err := decoder.Token()
	name, ok := token.(string)
	if err != nil || !ok {
		o.err = hook.Invalid(strings.TrimSuffix(o.path, "."), "is not valid JSON")
		return
	}
	var value json.RawMessage
	if err := decoder.Decode(&value); err != nil {
		o.fail(name, "is not valid JSON")
		return
	}
	unknown := len(known) > 0 && !slices.Contains(known, name)
	switch _, twice := o.members[name]; {
	case o.lenient && (unknown || string(value) == "null"):
		return
	case unknown:
		o.fail(name, "unknown field")
	case twice:
		o.fail(name, "is given twice")
	default:
		o.members[name] = value
	}
}

// fail keeps the first mistake.
func (o *object) fail(name, reason string) {
	if o.err == nil {
		o.err = hook.Invalid(o.field(name), reason)
	}
}

// field returns the member's name as the client knows it, cut to a length that
// can be shown.
func (o *object) field(name string) string {
	const longest = 64
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	return o.path + name
}

func (o *object) has(name string) bool {
	_, ok := o.members[name]
	return ok
}

// get decodes the member into to, and says whether there is one of the right type.
func (o *object) get(name string, to any, kind string) bool {
	raw, ok := o.members[name]
	if !ok || o.err != nil {
		return false
	}
	if string(raw) == "null" || json.Unmarshal(raw, to) != nil {
		o.fail(name, "must be "+kind)
		return false
	}
	return true
}

// str decodes a string. NUL is refused, since the database cannot hold it.
func (o *object) str(name string, to *string) bool {
	var s string
	if !o.get(name, &s, "a string") {
		return false
	}
	if strings.ContainsRune(s, 0) {
		o.fail(name, "must not contain NUL")
		return false
	}
	*to = s
	return true
}

func (o *object) boolean(name string, to *bool) { o.get(name, to, "true or false") }

func (o *object) integer(name string, to *int64) { o.get(name, to, "an integer") }

// maxEntries bounds the work that one list can make, far beyond what is valid.
const maxEntries = 1000

// list decodes an array into its entries.
func (o *object) list(name string, to *[]json.RawMessage) bool {
	if o.get(name, to, "a list") && len(*to) > maxEntries {
		o.fail(name, "must not have more than "+strconv.Itoa(maxEntries)+" entries")
	}
	return o.err == nil && o.has(name)
}

// strs decodes a list of strings.
func (o *object) strs(name string, to *[]string) bool {
	var raw []json.RawMessage
	if !o.list(name, &raw) {
		return false
	}
	list := make([]string, len(raw))
	for i := range raw {
		entry := name + "[" + strconv.Itoa(i) + "]"
		item := &object{path: o.path, members: map[string]json.RawMessage{entry: raw[i]}}
		if !item.str(entry, &list[i]) {
			o.err = item.err
			return false
		}
	}
	*to = list
	return true
}

// object decodes a member that is an object itself.
func (o *object) object(name string, known ...string) (*object, bool) {
	raw, ok := o.members[name]
	if !ok || o.err != nil {
		return nil, false
	}
	inner := parseObject(o.path+name+".", raw, o.lenient, known)
	o.err = inner.err
	return inner, inner.err == nil
}

// objects decodes a list of objects.
func (o *object) objects(name string, known ...string) ([]*object, bool) {
	var raw []json.RawMessage
	if !o.list(name, &raw) {
		return nil, false
	}
	list := make([]*object, len(raw))
	for i := range raw {
		list[i] = parseObject(o.path+name+"["+strconv.Itoa(i)+"].", raw[i], o.lenient, known)
		if o.err = list[i].err; o.err != nil {
			return nil, false
		}
	}
	return list, true
}

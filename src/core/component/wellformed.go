package component

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/hook"
)

// Limits of what JSON leaves open.
const (
	maxDepth    = 32
	maxNumber   = 40 // characters
	maxExponent = 4  // characters, sign included
)

// wellFormed says whether the body is one JSON value that every reader reads
// alike: it is UTF-8, no object names a member twice, numbers are not beyond what
// a double holds, and nothing is nested deeper than maxDepth. So what is checked
// here is what a receiver sees. An error is a *hook.InvalidError with a JSON
// pointer as Field.
func wellFormed(body []byte) error {
	if !utf8.Valid(body) {
		return hook.Invalid("", "the body is not valid UTF-8")
	}
	var raw json.RawMessage
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(body, &raw); {
	case len(bytes.TrimSpace(body)) == 0:
		return hook.Invalid("", "the body is empty")
	case errors.As(err, &syntax):
		return hook.Invalid("", fmt.Sprintf("the body is not valid JSON (at byte %d)", syntax.Offset))
	case err != nil:
		return hook.Invalid("", "the body is not valid JSON")
	}
	w := walk{decoder: json.NewDecoder(bytes.NewReader(body))}
	w.decoder.UseNumber()
	return w.value()
}

// walk goes through valid JSON, value by value.
type walk struct {
	decoder *json.Decoder
	// place are the names and indexes that lead to the value.
	place []string
}

func (w *walk) fail(reason string) error {
	var pointer strings.Builder
	for _, name := range w.place {
		pointer.WriteString("/" + hook.PointerToken(name))
	}
	return hook.Invalid(pointer.String(), reason)
}

func (w *walk) value() error {
	token, err := w.decoder.Token()
	if err != nil {
		return w.fail("is not valid JSON")
	}
	switch t := token.(type) {
	case json.Number:
		if !bounded(t) {
			return w.fail("is a number out of range")
		}
	case json.Delim:
		if len(w.place) == maxDepth {
			return w.fail(fmt.Sprintf("is nested deeper than %d levels", maxDepth))
		}
		if t == '{' {
			return w.object()
		}
		return w.array()
	}
	return nil
}

func (w *walk) object() error {
	names := map[string]bool{}
	for w.decoder.More() {
		token, err := w.decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return w.fail("is not valid JSON")
		}
		w.place = append(w.place, name)
		if names[name] {
			return w.fail("is given twice")
		}
		names[name] = true
		if err := w.value(); err != nil {
			return err
		}
		w.place = w.place[:len(w.place)-1]
	}
	return w.end()
}

func (w *walk) array() error {
	for i := 0; w.decoder.More(); i++ {
		w.place = append(w.place, strconv.Itoa(i))
		if err := w.value(); err != nil {
			return err
		}
		w.place = w.place[:len(w.place)-1]
	}
	return w.end()
}

// end reads the bracket that closes an object or array.
func (w *walk) end() error {
	if _, err := w.decoder.Token(); err != nil {
		return w.fail("is not valid JSON")
	}
	return nil
}

// bounded says whether a number fits into a double and is cheap to compute with:
// a few characters can name an integer of a million digits.
func bounded(n json.Number) bool {
	_, exponent, _ := strings.Cut(strings.ToLower(n.String()), "e")
	_, err := n.Float64()
	return err == nil && len(n) <= maxNumber && len(exponent) <= maxExponent
}

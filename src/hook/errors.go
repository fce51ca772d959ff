package hook

import (
	"errors"
	"fmt"
	"strings"
)

// Sentinel errors. They decide the HTTP status that a caller sees; every other
// error is an internal one.
var (
	// ErrNotFound says that no object has this id under this parent.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that the object's state, or another object's name, forbids the change.
	ErrConflict = errors.New("conflict")
	// ErrChanged says that somebody else has changed the object since the caller read it.
	ErrChanged = errors.New("changed since it was read")
	// ErrUnavailable says that the database cannot take the change now; the caller may repeat it.
	ErrUnavailable = errors.New("database unavailable")
)

// InvalidError says which field of a caller's input is wrong and why, in words
// that may be shown to that caller.
type InvalidError struct {
	Field  string
	Reason string
	// Message is the Reason before its arguments were filled in.
	Message Message
}

// Message is what an error says, for who says it in another language: the format is
// its key.
type Message struct {
	Format string
	Args   []any
}

// Term is an argument of a Message that is a message of its own.
type Term string

func (e *InvalidError) Error() string {
	if e.Field == "" {
		return e.Reason
	}
	return e.Field + ": " + e.Reason
}

// Invalid returns an InvalidError.
func Invalid(field, reason string) error {
	return &InvalidError{Field: field, Reason: reason, Message: Message{Format: reason}}
}

// Invalidf returns an InvalidError whose reason is formatted.
func Invalidf(field, format string, args ...any) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...), Message: Message{format, args}}
}

// In returns the error for another name of the field.
func (e *InvalidError) In(field string) error {
	return &InvalidError{Field: field, Reason: e.Reason, Message: e.Message}
}

// maxPointerToken is the longest name that a pointer shows, in bytes.
const maxPointerToken = 64

// PointerToken writes the name of a JSON member as a part of a JSON pointer (RFC
// 6901), cut to a length that can be shown: a stranger may have chosen it.
func PointerToken(name string) string {
	if len(name) > maxPointerToken {
		name = strings.ToValidUTF8(name[:maxPointerToken], "") + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// ConflictError is an ErrConflict that says, in words that may be shown to the
// caller, what is in the way.
type ConflictError struct{ Reason string }

func (e *ConflictError) Error() string { return e.Reason }

// Is makes every ConflictError an ErrConflict.
func (*ConflictError) Is(target error) bool { return target == ErrConflict }

// Conflict returns a ConflictError.
func Conflict(reason string) error { return &ConflictError{Reason: reason} }

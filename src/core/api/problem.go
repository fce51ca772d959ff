package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// retryUnavailable is what a caller is told to wait while the database is away.
const retryUnavailable = time.Second

// problem is an answer other than success. As an error it ends a handler.
type problem struct {
	Status  int
	Message string
	// RetryAfter is told to the caller when it is not zero.
	RetryAfter time.Duration
	// Cause is for the log.
	Cause error
}

func (p *problem) Error() string {
	if p.Cause != nil {
		return p.Cause.Error()
	}
	return fmt.Sprintf("%d %s", p.Status, p.Message)
}

func (p *problem) Unwrap() error { return p.Cause }

func refuse(status int, message string) error { return &problem{Status: status, Message: message} }

// unavailable asks the caller to come back, whatever the cause is.
func unavailable(cause error) error {
	return &problem{Status: http.StatusServiceUnavailable, Message: "service unavailable", RetryAfter: retryUnavailable, Cause: cause}
}

func notFound(what string) error { return refuse(http.StatusNotFound, what+" not found") }

// orNotFound replaces hook.ErrNotFound by an answer that names what is missing.
// The answer never repeats the id, so that a foreign object looks like none.
func orNotFound(err error, what string) error {
	if errors.Is(err, hook.ErrNotFound) {
		return notFound(what)
	}
	return err
}

// orConflict replaces hook.ErrConflict by an answer that says what is in the way.
func orConflict(err error, message string) error {
	if errors.Is(err, hook.ErrConflict) {
		return refuse(http.StatusConflict, message)
	}
	return err
}

// problemOf decides what a caller sees of an error. Errors that it does not
// know are internal and are answered without their words.
func problemOf(err error) problem {
	var (
		known    *problem
		invalid  *hook.InvalidError
		conflict *hook.ConflictError
		backOff  *auth.BackOffError
		large    *http.MaxBytesError
	)
	switch {
	case errors.As(err, &known):
		return *known
	case errors.As(err, &invalid):
		return problem{Status: http.StatusBadRequest, Message: invalid.Error()}
	case errors.As(err, &conflict):
		return problem{Status: http.StatusConflict, Message: conflict.Reason}
	case errors.As(err, &large):
		return problem{Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the body is larger than %d bytes", large.Limit)}
	case errors.As(err, &backOff):
		return problem{Status: http.StatusTooManyRequests, Message: "too many failed logins", RetryAfter: max(backOff.RetryAfter, time.Second)}
	case errors.Is(err, auth.ErrUnauthenticated):
		return problem{Status: http.StatusUnauthorized, Message: "unauthorized"}
	case errors.Is(err, hook.ErrNotFound):
		return problem{Status: http.StatusNotFound, Message: "not found"}
	case errors.Is(err, hook.ErrChanged):
		return problem{Status: http.StatusPreconditionFailed, Message: hook.ErrChanged.Error()}
	case errors.Is(err, hook.ErrConflict):
		return problem{Status: http.StatusConflict, Message: "conflict"}
	case errors.Is(err, hook.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem{Status: http.StatusServiceUnavailable, Message: "service unavailable", RetryAfter: retryUnavailable}
	default:
		return problem{Status: http.StatusInternalServerError, Message: "internal server error"}
	}
}

// write answers in the format of the family. Challenge says that the client may
// be asked for a password.
func (p problem) write(w http.ResponseWriter, f *Family, challenge bool) {
	h := w.Header()
	if p.Status == http.StatusUnauthorized && challenge && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", `Basic realm="harborhook", charset="UTF-8"`)
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(p.RetryAfter.Seconds())), 10))
	}
	value, mediaType := f.problem(p)
	body, _ := json.Marshal(value) // numbers and strings: it cannot fail
	writeBody(w, p.Status, mediaType, append(body, '\n'))
}

// challenged says whether a refused client is asked for a password. A browser
// would ask over a portal that has a form for it: Harbor's own, which uses the
// second family, or one that has signed in before.
func challenged(r *http.Request, f *Family) bool {
	_, cookie := tokenOf(r)
	return !f.harbor2 && !cookie && !takesForms(r.URL.Path)
}

// writeJSON answers with a value. Nothing is written when it cannot be marshalled.
func writeJSON(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	writeBody(w, status, "application/json", append(body, '\n'))
	return nil
}

// writeBody writes a whole answer. A caller who hangs up meanwhile is his own affair.
func writeBody(w http.ResponseWriter, status int, mediaType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

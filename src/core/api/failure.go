package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// answer knows whether anything was sent.
type answer struct {
	http.ResponseWriter
	started bool
}

func (a *answer) WriteHeader(status int) {
	a.started = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.started = true
	return a.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// recovering answers 500 when anything below panics.
func (a *API) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w = &answer{ResponseWriter: w}
		defer a.recoverPanic(w, r)
		next.ServeHTTP(w, r)
	})
}

// recoverPanic is to be deferred.
func (a *API) recoverPanic(w http.ResponseWriter, r *http.Request) {
	if cause := recover(); cause != nil {
		a.fail(w, r, fmt.Errorf("panic: %v\n%s", cause, debug.Stack()))
	}
}

// fail answers an error, and logs it if it is ours. An answer that has begun is
// left as it is.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	switch {
	case errors.Is(err, errNoRoom):
		a.crowded(r)
	case p.Status >= http.StatusInternalServerError:
		a.Logger.LogAttrs(r.Context(), severity(r), "request failed",
			slog.String("request", requestID(r.Context())), slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", p.Status), slog.Any("error", err))
	}
	if begun, ok := w.(*answer); ok && begun.started {
		return
	}
	a.counted(r, p.Status)
	family := a.familyOf(r.URL.Path)
	p.write(w, family, challenged(r, family))
}

// crowded says now and then that bodies find no room: whoever sends many must not
// fill the log as well.
func (a *API) crowded(r *http.Request) {
	if count, ok := a.crowds.ask(); ok {
		a.Logger.LogAttrs(r.Context(), slog.LevelWarn, "requests are refused: the bodies of others take all the room",
			slog.String("path", r.URL.Path), slog.String("client", clientOf(r)), slog.Int("count", count))
	}
}

// severity is low for a request whose caller has hung up: the error is his.
func severity(r *http.Request) slog.Level {
	if r.Context().Err() != nil {
		return slog.LevelDebug
	}
	return slog.LevelError
}

// refuse is what the Guard answers with.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	a.fail(w, r, refuse(status, message))
}

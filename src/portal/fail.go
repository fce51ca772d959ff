package portal

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// pageError is a page that says why there is no other.
type pageError struct {
	status int
	title  string
	text   string
}

func (e *pageError) Error() string { return e.title }

var (
	errSignIn    = errors.New("sign in first")
	errForbidden = &pageError{http.StatusForbidden, "Not allowed", "Your role does not allow this."}
	errNoPage    = &pageError{http.StatusNotFound, "Not found", "There is no such page."}
	errNoProject = &pageError{http.StatusNotFound, "Not found", "There is no such project."}
	errBadForm   = &pageError{http.StatusBadRequest, "Bad form", "The form could not be read."}
	errStale     = &pageError{http.StatusForbidden, "Form expired", "The form is of another session. Go back, reload the page and try again."}
)

type errorView struct {
	Title string
	Text  string
	Retry string
}

// fail answers with a page that says what is wrong, and logs what is ours.
func (v *visit) fail(err error) {
	if errors.Is(err, errSignIn) {
		v.askToSignIn()
		return
	}
	known := v.problem(err)
	if known.status >= http.StatusInternalServerError {
		v.log(err)
	}
	var backOff *auth.BackOffError
	if errors.As(err, &backOff) {
		v.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(max(backOff.RetryAfter, time.Second).Seconds()))))
	}
	shown := errorView{Title: v.t(known.title), Text: v.t(known.text)}
	if v.r.Method == http.MethodGet && known.status >= http.StatusInternalServerError {
		shown.Retry = v.r.URL.RequestURI()
	}
	v.show(known.status, "error", shown.Title, shown)
}

func (v *visit) log(err error) {
	level := slog.LevelError
	if v.r.Context().Err() != nil {
		level = slog.LevelDebug // the reader has hung up
	}
	v.Logger.LogAttrs(v.detached(), level, "page failed", slog.String("method", v.r.Method), slog.String("path", v.r.URL.Path), slog.Any("error", err))
}

// detached is for what must be done even if the reader hangs up.
func (v *visit) detached() context.Context { return context.WithoutCancel(v.r.Context()) }

// problem decides what a reader sees of an error.
func (v *visit) problem(err error) *pageError {
	var (
		known    *pageError
		conflict *hook.ConflictError
		invalid  *hook.InvalidError
		backOff  *auth.BackOffError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &conflict):
		return &pageError{http.StatusConflict, "Not possible now", conflict.Reason}
	case errors.As(err, &invalid):
		return &pageError{http.StatusBadRequest, "Not valid", v.sentence(invalid.Message)}
	case errors.As(err, &backOff):
		return &pageError{http.StatusTooManyRequests, "Too many tries", "Too many failed sign-ins. Wait before you try again."}
	case errors.Is(err, hook.ErrNotFound):
		return errNoPage
	case errors.Is(err, hook.ErrConflict):
		return &pageError{http.StatusConflict, "Not possible now", "Its state forbids this."}
	case errors.Is(err, hook.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &pageError{http.StatusServiceUnavailable, "Not available", unavailable}
	default:
		return &pageError{http.StatusInternalServerError, "Something went wrong", "The server failed. Its log says why."}
	}
}

const unavailable = "The database does not answer at the moment."

// askToSignIn leads to the sign-in page and back. A form that was posted after its
// session ended leads back to the page that it stood on.
func (v *visit) askToSignIn() {
	if v.live() {
		http.Error(v.w, "signed out", http.StatusUnauthorized)
		return
	}
	back := v.r.URL.RequestURI()
	if v.r.Method == http.MethodPost {
		back = "/projects"
		if from, err := url.Parse(v.r.Referer()); err == nil && from.Host == v.r.Host {
			back = from.RequestURI()
		}
	}
	http.Redirect(v.w, v.r, "/sign-in?"+url.Values{"next": {back}}.Encode(), http.StatusSeeOther)
}

// listProblem is what shows in place of a list that could not be read: a list is
// never shown as empty because of an error.
type listProblem struct {
	Reason string
	Retry  string
}

func (v *visit) listFailed(err error) *listProblem {
	known := v.problem(err)
	if known.status >= http.StatusInternalServerError {
		v.log(err)
	}
	return &listProblem{Reason: v.t(known.text), Retry: v.r.URL.RequestURI()}
}

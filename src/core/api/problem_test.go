package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

func TestErrorsDecideTheStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err     error
		status  int
		message string
		retry   string
	}{
		"invalid":          {hook.Invalid("name", "is bad"), 400, "name: is bad", ""},
		"unauthenticated":  {auth.ErrUnauthenticated, 401, "unauthorized", ""},
		"own":              {refuse(403, "forbidden"), 403, "forbidden", ""},
		"not found":        {hook.ErrNotFound, 404, "not found", ""},
		"not found, named": {orNotFound(fmt.Errorf("x: %w", hook.ErrNotFound), "job"), 404, "job not found", ""},
		"conflict":         {hook.ErrConflict, 409, "conflict", ""},
		"conflict, told":   {hook.Conflict("it runs"), 409, "it runs", ""},
		"conflict, named":  {orConflict(fmt.Errorf("x: %w", hook.ErrConflict), "taken"), 409, "taken", ""},
		"other, not named": {orConflict(orNotFound(hook.ErrUnavailable, "job"), "taken"), 503, "service unavailable", "1"},
		"too large":        {&http.MaxBytesError{Limit: 9}, 413, "the body is larger than 9 bytes", ""},
		"back off":         {&auth.BackOffError{RetryAfter: 1500 * time.Millisecond}, 429, "too many failed logins", "2"},
		"back off at once": {&auth.BackOffError{}, 429, "too many failed logins", "1"},
		"changed":          {hook.ErrChanged, 412, "changed since it was read", ""},
		"unavailable":      {hook.ErrUnavailable, 503, "service unavailable", "1"},
		"deadline":         {context.DeadlineExceeded, 503, "service unavailable", "1"},
		"with a cause":     {unavailable(hook.ErrNotFound), 503, "service unavailable", "1"},
		"anything":         {errors.New("secret"), 500, "internal server error", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := problemOf(fmt.Errorf("do something: %w", tc.err))
			if p.Status != tc.status || p.Message != tc.message {
				t.Errorf("got %d %q", p.Status, p.Message)
			}
			w := httptest.NewRecorder()
			p.write(w, firstFamily(), true)
			if got := w.Header().Get("Retry-After"); got != tc.retry {
				t.Errorf("Retry-After is %q", got)
			}
		})
	}
}

package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/harborhook/harborhook/src/core/api"
)

func TestBodiesOfAllRequestsShareTheirRoom(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var others sync.WaitGroup
	var ends []*io.PipeWriter
	for range 3 {
		reader, writer := io.Pipe()
		ends = append(ends, writer)
		r := httptest.NewRequest(http.MethodPost, notifications, reader)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer token")
		others.Go(func() { s.api.ServeHTTP(httptest.NewRecorder(), r) })
		// What was read may be counted a moment later: of all but the last byte it has been.
		for _, part := range []string{strings.Repeat(" ", api.MaxNotificationBody-1), " "} {
			if _, err := io.WriteString(writer, part); err != nil {
				t.Fatalf("a body within the room was not read: %v", err)
			}
		}
	}
	w := s.do(nobody, "POST", notifications, `{"events":[]}`, bearer)
	wantStatus(t, w, http.StatusServiceUnavailable)
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantStatus(t, s.do(nobody, "POST", "/c/login", "principal=a", "Content-Type: application/x-www-form-urlencoded"), http.StatusServiceUnavailable)
	wantStatus(t, s.do(nobody, "GET", "/api/v2.0/systeminfo", ""), http.StatusOK)
	for _, end := range ends {
		end.Close()
	}
	others.Wait()
	wantStatus(t, s.do(nobody, "POST", notifications, "{}", bearer), http.StatusOK)
}

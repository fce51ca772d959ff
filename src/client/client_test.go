package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/client"
)

// site is a server that answers by the path and query of a call, and keeps them.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string
}

func newSite(t *testing.T, answers map[string]http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := r.Method + " " + r.URL.RequestURI()
		s.mu.Lock()
		s.calls = append(s.calls, call)
		s.mu.Unlock()
		if user, password, _ := r.BasicAuth(); user != "me" || password != "pw" || r.Header.Get("X-Is-Resource-Name") != "true" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer, ok := answers[call]
		if !ok {
			http.Error(w, `{"errors":[{"code":"NOT_FOUND","message":"nothing here"}]}`, http.StatusNotFound)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{Server: s.URL + "/", User: "me", Password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func TestOnlyAnAddressOfAServerIsTaken(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"", "harbor", "ftp://harbor", "http://", "http://me:pw@harbor", "http://harbor?x=1", "http://harbor#x"} {
		if _, err := client.New(client.Config{Server: server}); err == nil {
			t.Errorf("%q is taken", server)
		}
	}
}

func TestTheServersWordsAreTheError(t *testing.T) {
	t.Parallel()
	elsewhere := newSite(t, nil)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"second family": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"errors":[{"message":"bad name"},{"message":"bad target"}]}`, http.StatusBadRequest)
		}, "the server answers 400: bad name; bad target"},
		"first family": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"code":409,"message":"taken"}`, http.StatusConflict)
		}, "the server answers 409: taken"},
		"no words": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "the server answers 502 Bad Gateway"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, "which is not followed"},
		"no JSON":  {says("<html>"), "the answer is not harborhook's"},
	} {
		s := newSite(t, map[string]http.HandlerFunc{"GET /api/v2.0/projects/p/webhook/jobs/7": c.answer})
		if _, err := s.client(t).Delivery(t.Context(), "p", 7); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(elsewhere.calls) > 0 {
		t.Errorf("a redirect was followed: %v", elsewhere.calls)
	}
}

func TestAWriteIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{
		"POST /api/v2.0/projects/p/webhook/jobs/7/redeliver": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	})
	_, err := s.client(t).Redeliver(t.Context(), "p", 7)
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != 503 || refused.RetryAfter != time.Second || len(s.calls) != 1 {
		t.Errorf("%v after %v", err, s.calls)
	}
}

func TestDeliveriesOfAllPoliciesAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	const place = "GET /api/v2.0/projects/a%2Fb/webhook/"
	s := newSite(t, map[string]http.HandlerFunc{
		place + "policies?sort=id&page_size=100&page=1":      says(`[{"id":1},{"id":2}]`),
		place + "jobs?page=1&page_size=2&policy_id=1&tag=v1": says(`[{"id":9},{"id":3}]`),
		place + "jobs?page=1&page_size=2&policy_id=2&tag=v1": says(`[{"id":5,"status":"Error"}]`),
		place + "jobs?page=1&page_size=100&policy_id=1":      says("[" + strings.Repeat(`{"id":1},`, 99) + `{"id":1}]`),
		place + "jobs?page=2&page_size=100&policy_id=1":      says(`[{"id":2},{"id":3}]`),
	})
	all, err := s.client(t).Deliveries(t.Context(), "a/b", url.Values{"tag": {"v1"}}, 2)
	if err != nil || len(all) != 2 || all[0].Value.ID != 9 || all[1].Value.ID != 5 || string(all[1].JSON) != `{"id":5,"status":"Error"}` {
		t.Errorf("%+v, %v", all, err)
	}
	all, err = s.client(t).Deliveries(t.Context(), "a/b", url.Values{"policy_id": {"1"}}, 101)
	if err != nil || len(all) != 101 || all[100].Value.ID != 2 {
		t.Errorf("%d, %v", len(all), err)
	}
}

func TestACreatedPolicyIsReadAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, map[string]http.HandlerFunc{
		"POST /api/v2.0/projects/p/webhook/policies": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/api/v2.0/projects/p/webhook/policies/4")
			w.WriteHeader(http.StatusCreated)
		},
		"GET /api/v2.0/projects/p/webhook/policies/4": says(`{"id":4,"name":"ci"}`),
	})
	p, err := s.client(t).CreatePolicy(t.Context(), "p", map[string]string{"name": "ci"})
	if err != nil || p.Value.ID != 4 || p.Value.Name != "ci" {
		t.Errorf("%+v, %v", p, err)
	}
}

// streams answers each connection with one of the texts, and then refuses.
func streams(lastIDs *[]string, texts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*lastIDs = append(*lastIDs, r.Header.Get("Last-Event-ID"))
		if len(texts) == 0 {
			http.Error(w, `{"errors":[{"message":"no longer"}]}`, http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Date", "Tue, 24 Nov 2026 08:00:00 GMT")
		fmt.Fprint(w, texts[0])
		texts = texts[1:]
	}
}

const stream = "GET /api/v2.0/projects/p/webhook/stream?payload=true"

func TestAFollowerComesBackWithWhatItHasHeardLast(t *testing.T) {
	t.Parallel()
	var lastIDs []string
	s := newSite(t, map[string]http.HandlerFunc{stream: streams(&lastIDs,
		": listening\n\n",
		": listening\n\nid: 5-1\nevent: delivery\ndata: {\"id\":1,\"headers\":{\"Webhook-Id\":\"m\"}}\n\nid: 6-2\ndata: {\"id\":2}\n\nid: 7-3\ndata: {\"half",
		": listening\n\nid: 7-3\r\ndata: {\"id\":3}\r\n\r\n",
	)})
	var heard []int64
	lost := 0
	f := &client.Follower{
		Client: s.client(t), Project: "p", Query: url.Values{"payload": {"true"}}, Wait: time.Millisecond,
		Told: func(_ context.Context, d client.Object[client.Delivery]) error {
			heard = append(heard, d.Value.ID)
			return nil
		},
		Lost: func(error, time.Duration) { lost++ },
	}
	if err := f.Run(t.Context()); err == nil || err.Error() != "the server answers 403: no longer" {
		t.Errorf("ended with %v", err)
	}
	if got := fmt.Sprint(heard); got != "[1 2 3]" || lost != 3 {
		t.Errorf("heard %v, lost the connection %d times", got, lost)
	}
	if got := strings.Join(lastIDs, " "); got != " 1795507200000000-0 6-2 7-3" {
		t.Errorf("came back with %q", got)
	}
}

func TestAFollowerGivesUpWhenItCannotBegin(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	f := &client.Follower{Client: s.client(t), Project: "p"}
	if err := f.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing here") {
		t.Error(err)
	}
	s.Close()
	if err := f.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Error(err)
	}
}

func TestAFollowerEndsAsItsCallerWants(t *testing.T) {
	t.Parallel()
	var lastIDs []string
	event := "data: {\"id\":1}\n\n"
	s := newSite(t, map[string]http.HandlerFunc{stream: streams(&lastIDs, event, event)})
	ctx, cancel := context.WithCancel(t.Context())
	full := errors.New("the disk is full")
	f := &client.Follower{Client: s.client(t), Project: "p", Query: url.Values{"payload": {"true"}}}
	f.Told = func(context.Context, client.Object[client.Delivery]) error { return full }
	if err := f.Run(ctx); !errors.Is(err, full) {
		t.Error(err)
	}
	f.Told = func(ctx context.Context, _ client.Object[client.Delivery]) error {
		cancel()
		return ctx.Err()
	}
	if err := f.Run(ctx); err != nil {
		t.Errorf("the end of the context is the error %v", err)
	}
}

package jobservice

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice/client"
)

type readerStub struct{ err error }

func (r readerStub) JobByID(_ context.Context, id int64) (hook.Job, error) {
	switch {
	case r.err != nil:
		return hook.Job{}, r.err
	case id != 7:
		return hook.Job{}, hook.ErrNotFound
	}
	return hook.Job{ID: 7, Status: hook.StatusFinished, Detail: []byte("{}"), PolicyName: "ci"}, nil
}

func (r readerStub) Attempts(context.Context, int64) ([]hook.Attempt, error) {
	return []hook.Attempt{{Number: 1, Result: hook.ResultOK, Request: hook.Request{Method: "POST", URL: "https://x.example.com"}}}, nil
}

func (r readerStub) Backlog(context.Context) (map[hook.Status]int, error) {
	return map[hook.Status]int{hook.StatusPending: 3}, r.err
}

func startAPI(t *testing.T, s *table, reader readerStub) *httptest.Server {
	t.Helper()
	service := New(Config{Store: s, Queue: newLine(), Sender: sendFunc(ok), Observer: nobody{}, Log: slog.New(slog.DiscardHandler), Workers: 2})
	server := httptest.NewServer(NewAPI(APIConfig{Service: service, Reader: reader, Secret: "shared secret", Log: slog.New(slog.DiscardHandler)}).Handler())
	t.Cleanup(server.Close)
	return server
}

func TestCallersWithoutTheSecretAreCountedAndLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	failed := 0
	service := New(Config{Store: &table{}, Queue: newLine(), Sender: sendFunc(ok), Observer: nobody{}, Log: slog.New(slog.DiscardHandler), Workers: 2})
	handler := NewAPI(APIConfig{
		Service: service, Secret: "shared secret", AuthFailed: func() { failed++ }, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}).Handler()
	for range 3 {
		r := httptest.NewRequest("GET", "/api/v1/stats", nil)
		r.Header.Set("Authorization", "Harbor-Secret shared secreT")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != 401 {
			t.Errorf("answered %d", w.Code)
		}
	}
	if lines := strings.Count(log.String(), "does not show the secret"); failed != 3 || lines != 1 || strings.Contains(log.String(), "secreT") {
		t.Errorf("%d counted, %d logged: %s", failed, lines, log.String())
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	long, err := json.Marshal(SubmitRequest{SubmittedJob{Name: "WEBHOOK", Parameters: SubmitParameters{make([]string, maxSubmitIDs+1)}}})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, method, path, secret, body string
		reader                           readerStub
		status                           int
		contains                         string
	}{
		{"no secret", "GET", "/api/v1/stats", "", "", readerStub{}, 401, "10011"},
		{"wrong secret", "GET", "/api/v1/stats", "shared secreT", "", readerStub{}, 401, "10011"},
		{"stats", "GET", "/api/v1/stats", "shared secret", "", readerStub{}, 200, `"pending":3`},
		{"stats without database", "GET", "/api/v1/stats", "shared secret", "", readerStub{hook.ErrUnavailable}, 503, "10005"},
		{"submit", "POST", "/api/v1/jobs", "shared secret", `{"job":{"name":"WEBHOOK","parameters":{"ids":["7"]},"metadata":{"kind":"Generic"}}}`, readerStub{}, 202, `"ref_link":"/api/v1/jobs/7"`},
		{"submit no JSON", "POST", "/api/v1/jobs", "shared secret", `{`, readerStub{}, 400, "10001"},
		{"submit another kind", "POST", "/api/v1/jobs", "shared secret", `{"job":{"name":"SCAN"}}`, readerStub{}, 400, "SCAN"},
		{"submit nothing", "POST", "/api/v1/jobs", "shared secret", `{"job":{"name":"WEBHOOK","parameters":{"ids":[]}}}`, readerStub{}, 400, "0 entries"},
		{"submit too much", "POST", "/api/v1/jobs", "shared secret", string(long), readerStub{}, 400, "10001 entries"},
		{"submit no number", "POST", "/api/v1/jobs", "shared secret", `{"job":{"name":"WEBHOOK","parameters":{"ids":["1","-2"]}}}`, readerStub{}, 400, "ids[1]"},
		{"job", "GET", "/api/v1/jobs/7", "shared secret", "", readerStub{}, 200, `"status":"finished"`},
		{"unknown job", "GET", "/api/v1/jobs/8", "shared secret", "", readerStub{}, 404, "10010"},
		{"no id", "GET", "/api/v1/jobs/x", "shared secret", "", readerStub{}, 404, "10010"},
		{"job without database", "GET", "/api/v1/jobs/7", "shared secret", "", readerStub{hook.ErrUnavailable}, 503, "database"},
		{"log", "GET", "/api/v1/jobs/7/log", "shared secret", "", readerStub{}, 200, "> POST https://x.example.com"},
		{"wrong method", "DELETE", "/api/v1/jobs/7", "shared secret", "", readerStub{}, 405, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := startAPI(t, newTable(7), c.reader)
			req, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.secret != "" {
				req.Header.Set("Authorization", "Harbor-Secret "+c.secret)
			}
			resp, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status || !strings.Contains(string(body), c.contains) {
				t.Errorf("got %d %s, want %d with %q", resp.StatusCode, body, c.status, c.contains)
			}
		})
	}
}

func TestTheClientSpeaksToTheAPI(t *testing.T) {
	t.Parallel()
	server := startAPI(t, newTable(7), readerStub{})
	if err := client.New(server.URL+"/", "shared secret").Submit(t.Context(), []int64{7}); err != nil {
		t.Error(err)
	}
	if err := client.New(server.URL, "another secret").Submit(t.Context(), []int64{7}); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with a wrong secret: got %v, want an error with 401", err)
	}
	server.Close()
	if err := client.New(server.URL, "shared secret").Submit(t.Context(), []int64{7}); err == nil {
		t.Error("without a server: got no error")
	}
}

func TestCallersFromElsewhereAreRefusedWhateverTheyShow(t *testing.T) {
	t.Parallel()
	failed, inside := 0, false
	service := New(Config{Store: &table{}, Queue: newLine(), Sender: sendFunc(ok), Observer: nobody{}, Log: slog.New(slog.DiscardHandler), Workers: 2})
	api := NewAPI(APIConfig{
		Service: service, Secret: "shared secret", Insider: func(*http.Request) bool { return inside },
		AuthFailed: func() { failed++ }, Log: slog.New(slog.DiscardHandler),
	})
	metrics := api.OnlyInsiders(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	for _, tc := range []struct {
		handler         http.Handler
		secret          string
		outside, inside int
	}{
		{api.Handler(), "shared secret", 403, 404},
		{api.Handler(), "wrong", 403, 401},
		{metrics, "", 403, 200},
	} {
		for _, inside = range []bool{false, true} {
			r := httptest.NewRequest("GET", "/api/v1/jobs/none", nil)
			r.Header.Set("Authorization", "Harbor-Secret "+tc.secret)
			w := httptest.NewRecorder()
			tc.handler.ServeHTTP(w, r)
			want := tc.outside
			if inside {
				want = tc.inside
			}
			if w.Code != want {
				t.Errorf("with %q, inside: %t: %d, want %d: %s", tc.secret, inside, w.Code, want, w.Body)
			}
		}
	}
	if failed != 4 {
		t.Errorf("%d callers were counted, want 4", failed)
	}
}

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestARefusedNotificationIsRepeatedAndCounted(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	core := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer secret" || r.URL.Path != "/service/notifications" {
			t.Errorf("%s with %v: %v", r.URL.Path, r.Header, err)
		}
		mu.Lock()
		seen[string(body)]++
		first := seen[string(body)] == 1
		mu.Unlock()
		if first && string(body) == "b" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, `{"accepted":1,"skipped":0}`)
	}))
	t.Cleanup(core.Close)
	r := newNotifier(core.URL, "secret", 2)
	t.Cleanup(r.close)

	o, err := r.offer(t.Context(), [][]byte{[]byte("a"), []byte("b"), []byte("c")}, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	if o.refused != 1 || seen["a"] != 1 || seen["b"] != 2 || seen["c"] != 1 {
		t.Errorf("refused %d, seen %v", o.refused, seen)
	}
	if len(o.accept) != 3 || o.accept.percentile(0) <= 0 || o.took < repeatAfter {
		t.Errorf("accept latencies %v, in all %v", o.accept, o.took)
	}
}

func TestAnEnvelopeOfWhichNoUseIsMadeIsAnError(t *testing.T) {
	t.Parallel()
	core := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"accepted":0,"skipped":1}`)
	}))
	t.Cleanup(core.Close)
	accepted, err := newNotifier(core.URL, "", 0).notify(t.Context(), []byte("x"))
	if accepted || err == nil || !strings.Contains(err.Error(), `"skipped":1`) {
		t.Errorf("notify = %v, %v", accepted, err)
	}
}

func TestPaceReleasesNoFasterThanTheRate(t *testing.T) {
	t.Parallel()
	start := time.Now()
	next := 0
	for turn := range pace(t.Context(), 20, 1000) {
		if turn.body != next {
			t.Fatalf("turn %d came as number %d", turn.body, next)
		}
		earliest := time.Duration(turn.body) * time.Millisecond
		if got := turn.due.Sub(start); got < earliest {
			t.Errorf("turn %d was due after %v, want at least %v", turn.body, got, earliest)
		}
		next++
	}
	if next != 20 {
		t.Errorf("%d turns, want 20", next)
	}
}

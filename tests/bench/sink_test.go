package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func deliver(t *testing.T, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the sink answered %d", resp.StatusCode)
	}
}

func TestTheSinkCountsWhatIsLostRepeatedAndStrange(t *testing.T) {
	t.Parallel()
	s, err := newSink(t.Context(), 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	before := time.Now()
	deliver(t, s.urls[0], `{"tag":"bench-0"}`)
	deliver(t, s.urls[1], `{"tag":"bench-0"}`) // another policy's
	deliver(t, s.urls[0], `{"tag":"bench-0"}`) // again
	deliver(t, s.urls[0], `{"tag":"bench-2"}`) // nobody's
	deliver(t, s.urls[0], ``)
	deliver(t, s.urls[0], strings.Repeat(" ", 16<<10)+`{"tag":"bench-1"}`)

	if all, err := s.await(t.Context(), 2, time.Minute); !all || err != nil {
		t.Errorf("await what has come = %v, %v", all, err)
	}
	if all, err := s.await(t.Context(), 4, time.Millisecond); all || err != nil {
		t.Errorf("await what never comes = %v, %v", all, err)
	}
	if got, want := s.outcome(), (outcome{lost: 2, repeated: 1, strange: 3}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if at := s.arrival(1, 0); at.Before(before) || at.After(s.lastArrival()) {
		t.Errorf("the delivery arrived at %v, between %v and %v", at, before, s.lastArrival())
	}
}

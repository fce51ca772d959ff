package main

import (
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func deliver(t *testing.T, url, body string) {
	t.Helper()
	if err := tryToDeliver(t, url, body, time.Minute); err != nil {
		t.Fatal(err)
	}
}

func tryToDeliver(t *testing.T, url, body string, timeout time.Duration) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: timeout}).Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the sink answered %d", resp.StatusCode)
	}
	return nil
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

func TestADeliveryThatWaitsCountsWhenItIsAnswered(t *testing.T) {
	t.Parallel()
	s, err := newSink(t.Context(), 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	s.answerAfter(1, silence)
	deliver(t, s.urls[0], `{"tag":"bench-0"}`)

	if err := tryToDeliver(t, s.urls[1], `{"tag":"bench-0"}`, 50*time.Millisecond); err == nil {
		t.Fatal("a silent endpoint answered")
	}
	if gaveUp, err := s.awaitCount(t.Context(), &s.gaveUp, 1, time.Minute); !gaveUp || err != nil {
		t.Fatalf("await that the sender gives up = %v, %v", gaveUp, err)
	}
	if got := s.of[1].Load(); got != 0 {
		t.Errorf("%d deliveries came whose sender did not wait", got)
	}
	s.release()
	deliver(t, s.urls[1], `{"tag":"bench-0"}`)
	if all, err := s.awaitOf(t.Context(), 1, 1, time.Minute); !all || err != nil {
		t.Errorf("await the released one = %v, %v", all, err)
	}
	if got, want := s.outcome(), (outcome{lost: 2}); got != want {
		t.Errorf("outcome = %+v, want %+v", got, want)
	}
	if got := s.since(1, []time.Time{s.start, s.start}); len(got) != 1 || got[0] <= 0 {
		t.Errorf("since = %v, want the time of the one that came", got)
	}
}

func TestARefusingAddressTakesNoConnectionsUntilItListens(t *testing.T) {
	t.Parallel()
	r, err := newRefusing()
	if err != nil {
		t.Fatal(err)
	}
	s := makeSink(1, 1)
	t.Cleanup(func() { s.close() })
	url := hookURL(r.address, 0)
	if err := tryToDeliver(t, url, `{}`, time.Minute); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("before it listens: %v, want a refusal", err)
	}
	l, err := r.listen()
	if err != nil {
		t.Fatal(err)
	}
	s.serve(0, l)
	deliver(t, url, `{"tag":"bench-0"}`)
	if got := s.outcome(); got != (outcome{}) {
		t.Errorf("outcome = %+v, want nothing lost", got)
	}
}

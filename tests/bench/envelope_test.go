package main

import (
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/core/registry"
)

func TestEnvelopesAreRealAndAllDifferent(t *testing.T) {
	t.Parallel()
	ids, digests := map[string]bool{}, map[string]bool{}
	for i, body := range envelopes("proj", 100, time.Now()) {
		e, err := registry.Decode(body)
		if err != nil || len(e.Actions) != 1 {
			t.Fatalf("envelope %d: %d actions, skipped %v, error %v", i, len(e.Actions), e.Skipped, err)
		}
		a := e.Actions[0]
		if a.Tag != tagOf(i) || len(a.References) != 2 || a.References[0].Digest == "" || a.Timestamp.IsZero() {
			t.Errorf("envelope %d says %+v", i, a)
		}
		ids[a.EventID], digests[a.Digest], digests[a.References[0].Digest] = true, true, true
	}
	if len(ids) != 100 || len(digests) != 200 {
		t.Errorf("100 envelopes have %d ids and %d digests", len(ids), len(digests))
	}
}

func TestEventIn(t *testing.T) {
	t.Parallel()
	cases := []struct {
		body string
		want int
		ok   bool
	}{
		{`{"event_type":"pushImage","events":[{"project":"p","tag":"bench-0","full_name":"p/a"}]}`, 0, true},
		{`{"tag":"` + tagOf(12345) + `"}`, 12345, true},
		{`{"tag":"latest"}`, 0, false},
		{`{"tag":"bench-x"}`, 0, false},
		{`{"tag":"bench--1"}`, -1, false},
		{`{"tag":"bench-1`, 0, false},
		{``, 0, false},
	}
	for _, c := range cases {
		if got, ok := eventIn([]byte(c.body)); got != c.want || ok != c.ok {
			t.Errorf("eventIn(%s) = %d, %v, want %d, %v", c.body, got, ok, c.want, c.ok)
		}
	}
}

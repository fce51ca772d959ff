package store

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newTestSealer(t *testing.T, fill byte) *sealer {
	t.Helper()
	s, err := newSealer(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSecretsAreSealedForTheirPlace(t *testing.T) {
	t.Parallel()
	s := newTestSealer(t, 1)
	sealed := s.seal("policy:1:secret", "hunter22")
	if strings.Contains(sealed, "hunter22") || sealed == s.seal("policy:1:secret", "hunter22") {
		t.Errorf("sealed as %q: readable, or the same each time", sealed)
	}
	if got, err := s.open("policy:1:secret", sealed); err != nil || got != "hunter22" {
		t.Errorf("opened as %q, %v", got, err)
	}
	for name, open := range map[string]func() (string, error){
		"another place":   func() (string, error) { return s.open("policy:2:secret", sealed) },
		"another key":     func() (string, error) { return newTestSealer(t, 2).open("policy:1:secret", sealed) },
		"a changed value": func() (string, error) { return s.open("policy:1:secret", sealed[:len(sealed)-5]+"AAAA=") },
		"clear text":      func() (string, error) { return s.open("policy:1:secret", "hunter22") },
		"an empty value":  func() (string, error) { return s.open("policy:1:secret", sealPrefix) },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s: opened as %q", name, got)
		}
	}
	if s.seal("x", "") != "" {
		t.Error("an empty secret did not stay empty")
	}
}

func TestOldKeysOpenAndOnlyTheCurrentOneSeals(t *testing.T) {
	t.Parallel()
	const place = "policy:1:secret"
	old := newTestSealer(t, 1)
	both, err := newSealer(bytes.Repeat([]byte{2}, 32), bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	_, encoded, _ := strings.Cut(strings.TrimPrefix(old.seal(place, "hunter22"), sealPrefix), ":")
	for name, sealed := range map[string]string{"old key": old.seal(place, "hunter22"), "from before ids": oldSealPrefix + encoded} {
		if both.isCurrent(sealed) {
			t.Errorf("%s: taken for the current key's", name)
		}
		fresh, err := both.reseal(place, sealed)
		if err != nil || !both.isCurrent(fresh) {
			t.Errorf("%s: sealed anew as %q, %v", name, fresh, err)
		}
		if got, err := newTestSealer(t, 2).open(place, fresh); err != nil || got != "hunter22" {
			t.Errorf("%s: opened as %q, %v", name, got, err)
		}
		if _, err := old.open(place, fresh); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: the old key opens it: %v", name, err)
		}
		if again, err := both.reseal(place, fresh); err != nil || again != fresh {
			t.Errorf("%s: sealed once more as %q, %v", name, again, err)
		}
	}
	if _, err := newSealer(bytes.Repeat([]byte{2}, 32), nil); err == nil {
		t.Error("an old key of no bytes was taken")
	}
}

func TestAddressesAreSealedIfTheyMayHoldASecret(t *testing.T) {
	t.Parallel()
	s := newTestSealer(t, 1)
	for address, readable := range map[string]bool{"https://example.com/hook": true, "https://example.com/hook?token=hunter22": false} {
		stored := s.sealAddress("policy:1:address:0", address)
		if (stored == address) != readable || strings.Contains(stored, "hunter22") {
			t.Errorf("%s is stored as %q", address, stored)
		}
		for _, stored := range []string{stored, address} { // that of before there was a seal
			if got, err := s.openAddress("policy:1:address:0", stored); err != nil || got != address {
				t.Errorf("%q opened as %q, %v", stored, got, err)
			}
		}
		if got, err := s.openAddress("policy:2:address:0", stored); !readable && err == nil {
			t.Errorf("%q opened for another policy as %q", stored, got)
		}
	}
}

func TestKeysOfOtherLengthsAreRefused(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := newSealer(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
}

func TestOriginsTakeTurns(t *testing.T) {
	t.Parallel()
	queues := [][]int64{{1, 2, 3}, {}, {10}, {20, 21}}
	for limit, want := range map[int][]int64{0: nil, 2: {1, 10}, 4: {1, 10, 20, 2}, 100: {1, 10, 20, 2, 21, 3}} {
		if diff := cmp.Diff(want, inTurn(queues, limit)); diff != "" {
			t.Errorf("up to %d (-want +got):\n%s", limit, diff)
		}
	}
}

func TestTextOfStrangersIsMadeStorable(t *testing.T) {
	t.Parallel()
	if got, want := storable("a\x00b\xffc\u00e9"), "a\uFFFDb\uFFFDc\u00e9"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

package auth

import (
	"strconv"
	"testing"
	"time"
)

func TestAFloodOfNamesDoesNotWashOutAnAttackedAccount(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Unix(1_700_000_000, 0)}
	f := &failures{now: c.Now, streaks: make(map[key]streak)}
	keys := newKeyring()
	attacked := keys.account("admin")
	for range freeFailures {
		f.add([]key{attacked})
	}
	for i := range maxStreaks + 100 {
		f.add([]key{keys.account(strconv.Itoa(i))})
	}
	if n := len(f.streaks); n > maxStreaks {
		t.Errorf("%d streaks kept", n)
	}
	if f.check([]key{attacked}) == nil {
		t.Error("the attacked account is free again")
	}
	c.pass(time.Hour)
	f.add([]key{keys.account("one more")})
	if n := len(f.streaks); n != 1 {
		t.Errorf("%d streaks kept after all were over", n)
	}
}

func TestRememberedCredentialsAreBounded(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Unix(1_700_000_000, 0)}
	v := &verified{now: c.Now, entries: make(map[key]match)}
	keys := newKeyring()
	for i := range 3 * maxVerified {
		v.add(keys.credentials("u", strconv.Itoa(i)), "u", "hash")
	}
	if n := len(v.entries); n > maxVerified {
		t.Errorf("%d entries kept", n)
	}
	if v.hash(keys.credentials("u", strconv.Itoa(3*maxVerified-1))) != "hash" {
		t.Error("the last entry is gone")
	}
}

func TestKeysTellApartWhatDiffers(t *testing.T) {
	t.Parallel()
	keys := newKeyring()
	if keys.credentials("ab", "c") == keys.credentials("a", "bc") {
		t.Error("the border between name and password is lost")
	}
	if keys.account("a") == keys.client("a") {
		t.Error("an account and a client share a key")
	}
	if keys.account("Alice") != keys.account("alice") {
		t.Error("case makes another account")
	}
	if keys.account("a") == newKeyring().account("a") {
		t.Error("keys do not depend on the process")
	}
}

func TestAClientIsAnAddressOrItsNetwork(t *testing.T) {
	t.Parallel()
	for client, want := range map[string]string{
		"192.0.2.1":                 "192.0.2.1",
		"192.0.2.1:4711":            "192.0.2.1",
		"[::ffff:192.0.2.1]:80":     "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64",
		"2001:db8:1:2::9":           "2001:db8:1:2::/64",
		"fe80::1%eth0":              "fe80::/64",
		"@":                         "@",
	} {
		if got := network(client); got != want {
			t.Errorf("%s: %s, want %s", client, got, want)
		}
	}
}

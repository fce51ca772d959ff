package auth

import (
	"strings"
	"sync"
	"time"
)

// A verified password is remembered for this long, in at most this many entries.
const (
	verifiedFor = time.Minute
	maxVerified = 4096
)

// verified remembers which credentials matched which stored hash, so that a
// client that signs in with every request pays for bcrypt once a minute. It holds
// no password, and an entry is worth nothing once the stored hash has changed.
type verified struct {
	now func() time.Time

	mu      sync.Mutex
	entries map[key]match
}

type match struct {
	username string
	hash     string
	until    time.Time
}

// hash returns the stored hash that the credentials matched, empty if unknown.
func (v *verified) hash(credentials key) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, ok := v.entries[credentials]
	if !ok || !v.now().Before(m.until) {
		return ""
	}
	return m.hash
}

func (v *verified) add(credentials key, username, hash string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.entries) >= maxVerified {
		v.makeRoom()
	}
	v.entries[credentials] = match{username: username, hash: hash, until: v.now().Add(verifiedFor)}
}

// forget drops what is known of a user, however the name is capitalised.
func (v *verified) forget(username string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for k, m := range v.entries {
		if strings.EqualFold(m.username, username) {
			delete(v.entries, k)
		}
	}
}

// makeRoom drops the entries that are over, or all of them: refilling costs one
// bcrypt each, and so many users within a minute are rare.
func (v *verified) makeRoom() {
	now := v.now()
	for k, m := range v.entries {
		if !now.Before(m.until) {
			delete(v.entries, k)
		}
	}
	if len(v.entries) >= maxVerified {
		clear(v.entries)
	}
}

package storetest

import (
	"strconv"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func (f *fixture) newUser(t *testing.T, name string) hook.User {
	t.Helper()
	u := hook.User{Username: name, PasswordHash: "hash of " + name}
	must(t, f.CreateUser(f.ctx, &u))
	return u
}

func (f *fixture) addSession(t *testing.T, id string, u hook.User, created time.Time) hook.Session {
	t.Helper()
	s := hook.Session{ID: id, User: u, Credential: "c", CreationTime: created, SeenTime: created.Add(time.Minute)}
	must(t, f.AddSession(f.ctx, s))
	return s
}

func sessions(t *testing.T, f *fixture) {
	alice, bob := f.newUser(t, "alice"), f.newUser(t, "bob")
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	first := f.addSession(t, "1", alice, at)
	f.addSession(t, "2", alice, at)
	f.addSession(t, "3", bob, at)
	got, err := f.Session(f.ctx, "1")
	must(t, err)
	wantEqual(t, "session", got, first)

	must(t, f.RenewSession(f.ctx, "1", at.Add(time.Hour)))
	must(t, f.RenewSession(f.ctx, "gone", at))
	must(t, f.SetPassword(f.ctx, alice.ID, "other"))
	got, err = f.Session(f.ctx, "1")
	must(t, err)
	wantEqual(t, "seen", got.SeenTime, at.Add(time.Hour))
	wantEqual(t, "hash of now", got.User.PasswordHash, "other")

	must(t, f.RemoveSession(f.ctx, "1"))
	must(t, f.RemoveSession(f.ctx, "1"))
	for _, id := range []string{"1", "gone"} {
		_, err = f.Session(f.ctx, id)
		wantError(t, err, hook.ErrNotFound)
	}
	must(t, f.RemoveSessions(f.ctx, alice.ID))
	_, err = f.Session(f.ctx, "2")
	wantError(t, err, hook.ErrNotFound)
	_, err = f.Session(f.ctx, "3")
	must(t, err)
	wantError(t, f.AddSession(f.ctx, hook.Session{ID: "4", User: hook.User{ID: 77}}), hook.ErrNotFound)
}

func sessionsPurged(t *testing.T, f *fixture) {
	alice := f.newUser(t, "alice")
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for i := range 4 {
		f.addSession(t, strconv.Itoa(i), alice, at.Add(time.Duration(i)*time.Hour))
	}
	must(t, f.RenewSession(f.ctx, "0", at.Add(3*time.Hour)))
	for _, want := range []int{1, 1, 0} { // the first was seen, but began too early
		n, err := f.PurgeSessions(f.ctx, at.Add(2*time.Hour), at.Add(time.Minute), 1)
		must(t, err)
		wantEqual(t, "purged", n, want)
	}
	for id, want := range map[string]bool{"0": false, "1": false, "2": true, "3": true} {
		_, err := f.Session(f.ctx, id)
		wantEqual(t, "session "+id+" is there", err == nil, want)
	}
}

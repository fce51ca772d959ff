package auth

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// stays is a store of sessions over a directory of users.
type stays struct {
	directory *directory

	mu       sync.Mutex
	sessions map[string]hook.Session
	err      error
	renewals int
}

func (s *stays) user(id int64) (hook.User, error) {
	s.directory.mu.Lock()
	defer s.directory.mu.Unlock()
	for _, u := range s.directory.users {
		if u.ID == id {
			return u, nil
		}
	}
	return hook.User{}, hook.ErrNotFound
}

func (s *stays) AddSession(_ context.Context, n hook.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.user(n.User.ID); err != nil {
		return err
	}
	s.sessions[n.ID] = n
	return s.err
}

func (s *stays) Session(_ context.Context, id string) (hook.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return hook.Session{}, s.err
	}
	found, ok := s.sessions[id]
	if !ok {
		return hook.Session{}, hook.ErrNotFound
	}
	var err error
	found.User, err = s.user(found.User.ID)
	return found, err
}

func (s *stays) RenewSession(_ context.Context, id string, seen time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewals++
	if found, ok := s.sessions[id]; ok {
		found.SeenTime = seen
		s.sessions[id] = found
	}
	return nil
}

func (s *stays) RemoveSession(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, id)
	return s.err
}

func (s *stays) RemoveSessions(_ context.Context, userID int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, found := range s.sessions {
		if found.User.ID == userID {
			delete(s.sessions, id)
		}
	}
	return s.err
}

func (s *stays) PurgeSessions(_ context.Context, seen, created time.Time, most int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for id, found := range s.sessions {
		if n < most && (found.SeenTime.Before(seen) || found.CreationTime.Before(created)) {
			delete(s.sessions, id)
			n++
		}
	}
	return n, s.err
}

func newSessions(t *testing.T) (*Sessions, *stays, *clock) {
	t.Helper()
	service, users, c := newService(t)
	store := &stays{directory: users, sessions: map[string]hook.Session{}}
	return NewSessions(SessionsConfig{Store: store, Service: service, Now: c.Now, Logger: slog.New(slog.DiscardHandler)}), store, c
}

func begin(t *testing.T, s *Sessions, user string) Session {
	t.Helper()
	session, err := s.SignIn(t.Context(), user, right, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// wantOver checks that nobody gets in with the token.
func wantOver(t *testing.T, s *Sessions, token, why string) {
	t.Helper()
	if _, err := s.Session(t.Context(), token); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("%s: %v", why, err)
	}
	if _, err := s.Peek(t.Context(), token); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("%s, peeked at: %v", why, err)
	}
}

func wantAlive(t *testing.T, s *Sessions, token string) Session {
	t.Helper()
	session, err := s.Session(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func TestASessionIsItsUser(t *testing.T) {
	t.Parallel()
	s, store, c := newSessions(t)
	first, second := begin(t, s, "alice"), begin(t, s, "alice")
	if first.Token == second.Token || first.CSRF == second.CSRF || first.CSRF == first.Token || len(first.Token) < 43 {
		t.Errorf("tokens are %+v and %+v", first, second)
	}
	for id, kept := range store.sessions {
		if strings.Contains(id+kept.Credential, first.Token) || strings.Contains(id+kept.Credential, second.Token) {
			t.Error("a token is stored")
		}
	}
	got := wantAlive(t, s, first.Token)
	if got != first || got.Identity.Name() != "alice" || got.Identity.User.PasswordHash != "" {
		t.Errorf("session is %+v, begun as %+v", got, first)
	}
	if !got.CreationTime.Equal(c.Now()) || !got.ExpiresAt.Equal(c.Now().Add(DefaultIdle)) {
		t.Errorf("begins at %s, ends at %s", got.CreationTime, got.ExpiresAt)
	}
}

func TestSigningInToASessionIsGuarded(t *testing.T) {
	t.Parallel()
	s, store, _ := newSessions(t)
	for _, name := range []string{"alice", "nobody"} {
		if _, err := s.SignIn(t.Context(), name, "wrong password", ""); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fail(t, s.service, freeFailures, "bob", "")
	if _, err := s.SignIn(t.Context(), "bob", right, ""); retryAfter(err) == 0 {
		t.Errorf("after too many failures: %v", err)
	}
	if len(store.sessions) != 0 {
		t.Errorf("sessions began: %v", store.sessions)
	}
}

func TestAnIdleSessionEnds(t *testing.T) {
	t.Parallel()
	s, _, c := newSessions(t)
	token := begin(t, s, "alice").Token
	c.pass(DefaultIdle - time.Second)
	if got := wantAlive(t, s, token); !got.ExpiresAt.Equal(c.Now().Add(DefaultIdle)) {
		t.Errorf("after use it ends at %s", got.ExpiresAt)
	}
	c.pass(DefaultIdle - time.Second)
	wantAlive(t, s, token)
	c.pass(DefaultIdle)
	wantOver(t, s, token, "after idleness")
}

func TestPeekingDoesNotKeepASessionAlive(t *testing.T) {
	t.Parallel()
	s, _, c := newSessions(t)
	begun := begin(t, s, "alice")
	for range 29 {
		c.pass(time.Minute)
		if got, err := s.Peek(t.Context(), begun.Token); err != nil || got != begun {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	c.pass(time.Minute)
	wantOver(t, s, begun.Token, "only peeked at")
}

func TestABusySessionEndsAtLast(t *testing.T) {
	t.Parallel()
	s, _, c := newSessions(t)
	begun := begin(t, s, "alice")
	end := begun.CreationTime.Add(DefaultLifetime)
	for c.Now().Before(end.Add(-time.Minute)) {
		if got := wantAlive(t, s, begun.Token); got.ExpiresAt.After(end) {
			t.Fatalf("ends at %s, after %s", got.ExpiresAt, end)
		}
		c.pass(time.Minute)
	}
	c.pass(time.Minute)
	wantOver(t, s, begun.Token, "after its lifetime")
}

func TestUseIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	s, store, c := newSessions(t)
	token := begin(t, s, "alice").Token
	for range 120 {
		wantAlive(t, s, token)
		c.pass(time.Second)
	}
	if store.renewals != 1 {
		t.Errorf("%d writes in two minutes", store.renewals)
	}
}

func TestTimesAreConfigured(t *testing.T) {
	t.Parallel()
	s, store, c := newSessions(t)
	s = NewSessions(SessionsConfig{Store: store, Service: s.service, Idle: 10 * time.Second, Lifetime: 15 * time.Second, Now: c.Now})
	token := begin(t, s, "alice").Token
	c.pass(9 * time.Second)
	wantAlive(t, s, token)
	c.pass(6 * time.Second)
	wantOver(t, s, token, "after its lifetime")
	token = begin(t, s, "alice").Token
	c.pass(10 * time.Second)
	wantOver(t, s, token, "after idleness")
}

func TestSigningOutEndsOneSession(t *testing.T) {
	t.Parallel()
	s, _, _ := newSessions(t)
	left, kept := begin(t, s, "alice").Token, begin(t, s, "alice").Token
	for range 2 { // the second time there is nothing to end
		if err := s.SignOut(t.Context(), left); err != nil {
			t.Fatal(err)
		}
	}
	wantOver(t, s, left, "after signing out")
	wantAlive(t, s, kept)
}

func TestAUserIsSignedOutEverywhere(t *testing.T) {
	t.Parallel()
	s, _, _ := newSessions(t)
	first, second, other := begin(t, s, "alice").Token, begin(t, s, "alice").Token, begin(t, s, "bob").Token
	if err := s.SignOutUser(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	wantOver(t, s, first, "the first")
	wantOver(t, s, second, "the second")
	wantAlive(t, s, other)
}

func TestASessionEndsWithThePasswordAndTheUser(t *testing.T) {
	t.Parallel()
	s, store, _ := newSessions(t)
	token, other := begin(t, s, "alice").Token, begin(t, s, "bob").Token
	store.directory.set(hook.User{ID: 3, Username: "alice", PasswordHash: cheapHash(t, "another one")})
	wantOver(t, s, token, "after a new password that nobody told of")
	store.directory.mu.Lock()
	delete(store.directory.users, "bob")
	store.directory.mu.Unlock()
	wantOver(t, s, other, "after the user was removed")
}

func TestChangesOfAUserCountAtOnce(t *testing.T) {
	t.Parallel()
	s, store, _ := newSessions(t)
	token := begin(t, s, "alice").Token
	u := store.directory.users["alice"]
	u.SysAdmin = true
	store.directory.set(u)
	if !wantAlive(t, s, token).Identity.SysAdmin() {
		t.Error("a user made system admin is none")
	}
}

func TestWhatIsNoTokenIsNotLookedUp(t *testing.T) {
	t.Parallel()
	s, store, _ := newSessions(t)
	token := begin(t, s, "alice").Token
	wantOver(t, s, token[:42]+"!", "another token")
	store.err = hook.ErrUnavailable
	for _, shown := range []string{"", "x", token + "A", strings.Repeat("A", 1<<20)} {
		wantOver(t, s, shown, strconv.Itoa(len(shown))+" characters")
	}
	if err := s.SignOut(t.Context(), "x"); err != nil {
		t.Errorf("signing out: %v", err)
	}
	if _, err := s.Session(t.Context(), token); !errors.Is(err, hook.ErrUnavailable) {
		t.Errorf("without a database: %v", err)
	}
}

func TestACSRFTokenIsItsSessions(t *testing.T) {
	t.Parallel()
	s, _, _ := newSessions(t)
	own, other := begin(t, s, "alice"), begin(t, s, "alice")
	for shown, want := range map[string]bool{own.CSRF: true, other.CSRF: false, "": false, own.Token: false, own.CSRF[1:]: false} {
		if got := own.ValidCSRF(shown); got != want {
			t.Errorf("%q: %t", shown, got)
		}
	}
	if (Session{}).ValidCSRF("") {
		t.Error("nothing is a token of no session")
	}
}

func TestSessionsThatAreOverArePurged(t *testing.T) {
	t.Parallel()
	s, store, c := newSessions(t)
	for range 3 {
		begin(t, s, "alice")
	}
	for i := range 2*purgeBatch + 1 {
		store.sessions[strconv.Itoa(i)] = hook.Session{SeenTime: c.Now().Add(-time.Hour), CreationTime: c.Now().Add(-time.Hour)}
	}
	store.sessions["busy"] = hook.Session{SeenTime: c.Now(), CreationTime: c.Now().Add(-DefaultLifetime - time.Second)}
	if err := s.purge(t.Context()); err != nil || len(store.sessions) != 3 {
		t.Errorf("%d sessions kept, %v", len(store.sessions), err)
	}
}

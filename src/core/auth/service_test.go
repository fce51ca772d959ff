package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"github.com/harborhook/harborhook/src/hook"
)

// directory is a store of users and roles. Names ignore case, as a database's may.
type directory struct {
	mu    sync.Mutex
	users map[string]hook.User
	role  hook.Role
	err   error
	asked int
}

func (d *directory) UserByName(_ context.Context, name string) (hook.User, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return hook.User{}, d.err
	}
	u, ok := d.users[strings.ToLower(name)]
	if !ok {
		return hook.User{}, hook.ErrNotFound
	}
	return u, nil
}

func (d *directory) Role(context.Context, int64, int64) (hook.Role, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	return d.role, d.err
}

func (d *directory) set(u hook.User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users[u.Username] = u
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// cheapHash is HashPassword without the cost.
func cheapHash(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword(condense(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

const right = "Harbor12345"

func newService(t *testing.T) (*Service, *directory, *clock) {
	t.Helper()
	d := &directory{users: map[string]hook.User{
		"alice": {ID: 3, Username: "alice", PasswordHash: cheapHash(t, right)},
		"bob":   {ID: 4, Username: "bob", PasswordHash: cheapHash(t, right)},
	}}
	c := &clock{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	s := New(Config{Users: d, Roles: d, Now: c.Now})
	s.nobody = cheapHash(t, "nobody knows")
	return s, d, c
}

func signIn(t *testing.T, s *Service, user, password, client string) error {
	t.Helper()
	_, err := s.Authenticate(t.Context(), user, password, client)
	return err
}

// fail makes the sign-in fail n times for its password.
func fail(t *testing.T, s *Service, n int, user, client string) {
	t.Helper()
	for i := range n {
		if err := signIn(t, s, user, "wrong password", client); !errors.Is(err, ErrUnauthenticated) {
			t.Fatalf("failure %d: %v", i+1, err)
		}
	}
}

// retryAfter returns how long the error asks to wait, 0 if it is no BackOffError.
func retryAfter(err error) time.Duration {
	var b *BackOffError
	if errors.As(err, &b) {
		return b.RetryAfter
	}
	return 0
}

func TestSigningInGivesTheUserWithoutTheHash(t *testing.T) {
	t.Parallel()
	s, _, _ := newService(t)
	for range 2 { // hashed, then remembered
		id, err := s.Authenticate(t.Context(), "alice", right, "192.0.2.1:4711")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Identity{User: hook.User{ID: 3, Username: "alice"}}, id); diff != "" {
			t.Error(diff)
		}
	}
}

func TestUnknownUserAndWrongPasswordAreToldAlike(t *testing.T) {
	t.Parallel()
	s, d, _ := newService(t)
	d.set(hook.User{ID: 5, Username: "keyless"})
	wrong := signIn(t, s, "alice", "wrong password", "")
	for _, name := range []string{"mallory", "keyless", ""} {
		err := signIn(t, s, name, "wrong password", "")
		if !errors.Is(err, ErrUnauthenticated) || err.Error() != wrong.Error() {
			t.Errorf("%q: %v, want %v", name, err, wrong)
		}
	}
}

func TestAnUnknownUserCostsAComparisonToo(t *testing.T) {
	t.Parallel()
	s, _, _ := newService(t)
	s.nobody = "not a hash"
	if err := signIn(t, s, "mallory", right, ""); err == nil || errors.Is(err, ErrUnauthenticated) {
		t.Errorf("refused without comparing: %v", err)
	}
}

func TestKnowingNobodysPasswordDoesNotHelp(t *testing.T) {
	t.Parallel()
	s, _, _ := newService(t)
	if err := signIn(t, s, "mallory", "nobody knows", ""); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("got %v", err)
	}
}

func TestALostDatabaseIsNoWrongPassword(t *testing.T) {
	t.Parallel()
	s, d, _ := newService(t)
	d.err = hook.ErrUnavailable
	for range freeFailures + 1 {
		if err := signIn(t, s, "alice", right, "192.0.2.1"); !errors.Is(err, hook.ErrUnavailable) {
			t.Fatalf("got %v", err)
		}
	}
	d.err = nil
	if err := signIn(t, s, "alice", right, "192.0.2.1"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestFailuresOfAnAccountHoldItUpFromEverywhere(t *testing.T) {
	t.Parallel()
	s, _, c := newService(t)
	fail(t, s, 4, "alice", "192.0.2.1")
	fail(t, s, 1, "ALICE", "192.0.2.2")
	if wait := retryAfter(signIn(t, s, "alice", right, "192.0.2.3")); wait != 30*time.Second {
		t.Errorf("must wait %s", wait)
	}
	if err := signIn(t, s, "bob", right, "192.0.2.3"); err != nil {
		t.Errorf("bob: %v", err)
	}
	c.pass(30 * time.Second)
	if err := signIn(t, s, "alice", right, "192.0.2.3"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestFailuresOfAClientHoldItUpForEveryAccount(t *testing.T) {
	t.Parallel()
	s, _, _ := newService(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		fail(t, s, 1, name, "192.0.2.1:"+name)
	}
	if wait := retryAfter(signIn(t, s, "alice", right, "192.0.2.1")); wait != 30*time.Second {
		t.Errorf("must wait %s", wait)
	}
	if err := signIn(t, s, "alice", right, "192.0.2.2"); err != nil {
		t.Errorf("another client: %v", err)
	}
}

func TestWaitsDoubleUpToAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	s, _, c := newService(t)
	fail(t, s, freeFailures-1, "alice", "")
	for _, want := range []time.Duration{30, 60, 120, 240, 480, 900, 900} {
		fail(t, s, 1, "alice", "")
		wait := retryAfter(signIn(t, s, "alice", right, ""))
		if wait != want*time.Second {
			t.Fatalf("must wait %s, want %ds", wait, want)
		}
		c.pass(wait)
	}
	if got := backOff(1 << 30); got != maxBackOff {
		t.Errorf("after very many failures: %s", got)
	}
}

func TestAttemptsWhileHeldUpDoNotCount(t *testing.T) {
	t.Parallel()
	s, _, c := newService(t)
	fail(t, s, freeFailures, "alice", "")
	for range 20 {
		if retryAfter(signIn(t, s, "alice", "wrong password", "")) == 0 {
			t.Fatal("not held up")
		}
	}
	c.pass(30 * time.Second)
	if err := signIn(t, s, "alice", right, ""); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestSuccessEndsTheStreakOfTheAccountNotOfTheClient(t *testing.T) {
	t.Parallel()
	s, _, _ := newService(t)
	fail(t, s, 4, "alice", "192.0.2.1")
	if err := signIn(t, s, "Alice", right, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	fail(t, s, 2, "alice", "192.0.2.2")
	fail(t, s, 1, "bob", "192.0.2.1")
	if err := signIn(t, s, "bob", right, "192.0.2.2"); err != nil {
		t.Errorf("bob: %v", err)
	}
	if retryAfter(signIn(t, s, "carol", right, "192.0.2.1")) == 0 {
		t.Error("a guesser's own account cleared the client")
	}
}

func TestQuietTimeEndsAStreak(t *testing.T) {
	t.Parallel()
	s, _, c := newService(t)
	fail(t, s, 4, "alice", "")
	c.pass(maxBackOff + time.Second)
	fail(t, s, 4, "alice", "")
	if err := signIn(t, s, "alice", right, ""); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestWhoIsSignedInIsNotHeldUpByGuessers(t *testing.T) {
	t.Parallel()
	s, _, _ := newService(t)
	if err := signIn(t, s, "alice", right, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	fail(t, s, freeFailures, "alice", "192.0.2.1")
	if err := signIn(t, s, "alice", right, "192.0.2.1"); err != nil {
		t.Errorf("held up: %v", err)
	}
	if retryAfter(signIn(t, s, "alice", "another guess", "192.0.2.9")) == 0 {
		t.Error("the guesser is not held up")
	}
}

func TestAVerifiedPasswordIsNotHashedAgainForAMinute(t *testing.T) {
	t.Parallel()
	s, _, c := newService(t)
	if err := signIn(t, s, "alice", right, ""); err != nil {
		t.Fatal(err)
	}
	// With every turn taken, only a remembered password gets through.
	for range cap(s.hashing.running) {
		s.hashing.running <- struct{}{}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Authenticate(ended, "alice", right, ""); err != nil {
		t.Errorf("hashed again: %v", err)
	}
	if _, err := s.Authenticate(ended, "alice", "wrong password", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a wrong password did not wait for its turn: %v", err)
	}
	c.pass(verifiedFor)
	if _, err := s.Authenticate(ended, "alice", right, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("not hashed again after a minute: %v", err)
	}
}

func TestAChangedPasswordCountsAtOnce(t *testing.T) {
	t.Parallel()
	s, d, _ := newService(t)
	if err := signIn(t, s, "alice", right, ""); err != nil {
		t.Fatal(err)
	}
	d.set(hook.User{ID: 3, Username: "alice", SysAdmin: true, PasswordHash: cheapHash(t, "another one")})
	if err := signIn(t, s, "alice", right, ""); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("the old password: %v", err)
	}
	id, err := s.Authenticate(t.Context(), "alice", "another one", "")
	if err != nil || !id.SysAdmin() {
		t.Errorf("the new password: %+v, %v", id, err)
	}
}

func TestForgettingAUserDropsCredentialsAndFailures(t *testing.T) {
	t.Parallel()
	s, _, _ := newService(t)
	if err := signIn(t, s, "alice", right, ""); err != nil {
		t.Fatal(err)
	}
	fail(t, s, freeFailures, "alice", "")
	s.Forget("ALICE")
	if n := len(s.verified.entries); n != 0 {
		t.Errorf("%d credentials remembered", n)
	}
	if err := signIn(t, s, "alice", right, ""); err != nil {
		t.Errorf("still held up: %v", err)
	}
}

func TestWhoWaitedForATurnHeedsWhatOthersFoundOut(t *testing.T) {
	t.Parallel()
	s, d, _ := newService(t)
	user := d.users["alice"]
	guess := s.attempt("alice", "a guess", "")
	s.failures.streaks[guess.account] = streak{count: freeFailures, until: s.failures.now().Add(time.Minute)}
	if _, err := s.verify(t.Context(), guess, user, true); retryAfter(err) != time.Minute {
		t.Errorf("a guess that waited: %v", err)
	}
	// Comparing with this would fail.
	user.PasswordHash = "not a hash"
	same := s.attempt("alice", right, "")
	s.verified.add(same.credentials, user.Username, user.PasswordHash)
	if _, err := s.verify(t.Context(), same, user, true); err != nil {
		t.Errorf("a password verified in the meantime was hashed: %v", err)
	}
}

func TestManyRequestsAtOnceSignIn(t *testing.T) {
	t.Parallel()
	s, _, _ := newService(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := s.Authenticate(t.Context(), "alice", right, "192.0.2.1"); err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if n := len(s.hashing.running); n != 0 {
		t.Errorf("%d turns were not given back", n)
	}
}

func TestTooManyWaitingSignInsAreTurnedAway(t *testing.T) {
	t.Parallel()
	h := newHashing()
	for range cap(h.running) {
		h.running <- struct{}{}
	}
	for range cap(h.waiting) {
		h.waiting <- struct{}{}
	}
	if _, err := h.turn(t.Context()); retryAfter(err) == 0 {
		t.Errorf("got %v", err)
	}
	<-h.waiting
	<-h.running
	done, err := h.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done()
	if len(h.running) != cap(h.running)-1 || len(h.waiting) != cap(h.waiting)-1 {
		t.Errorf("a turn was not given back: %d running, %d waiting", len(h.running), len(h.waiting))
	}
}

func TestAnUnreadableHashIsReported(t *testing.T) {
	t.Parallel()
	s, d, _ := newService(t)
	d.set(hook.User{ID: 9, Username: "alice", PasswordHash: "plain"})
	if err := signIn(t, s, "alice", "plain", ""); err == nil || errors.Is(err, ErrUnauthenticated) {
		t.Errorf("got %v", err)
	}
}

func TestCanAsksForTheRoleOnlyIfItMatters(t *testing.T) {
	t.Parallel()
	s, d, _ := newService(t)
	d.role = hook.RoleMaster
	user := Identity{User: hook.User{ID: 3, Username: "alice"}}
	admin := Identity{User: hook.User{ID: 1, Username: "admin", SysAdmin: true}}
	for name, c := range map[string]struct {
		id     Identity
		public bool
		action Action
		want   bool
		asked  int
	}{
		"member by role":                {user, false, ActionPolicyList, true, 1},
		"member without the permission": {user, false, ActionPolicyCreate, false, 1},
		"pull of a public project":      {user, true, ActionPull, true, 0},
		"system admin":                  {admin, false, ActionPolicyCreate, true, 0},
		"anonymous":                     {Identity{Anonymous: true}, true, ActionPush, false, 0},
	} {
		d.asked = 0
		got, err := s.Can(t.Context(), c.id, hook.Project{ID: 2, Public: c.public}, c.action)
		if err != nil || got != c.want || d.asked != c.asked {
			t.Errorf("%s: %t, %v, asked %d times", name, got, err, d.asked)
		}
	}
	d.err = hook.ErrUnavailable
	if ok, err := s.Can(t.Context(), user, hook.Project{}, ActionPull); ok || !errors.Is(err, hook.ErrUnavailable) {
		t.Errorf("without a database: %t, %v", ok, err)
	}
}

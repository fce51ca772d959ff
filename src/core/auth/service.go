package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// ErrUnauthenticated says that no such user exists or that the password is wrong;
// nobody is told which.
var ErrUnauthenticated = errors.New("wrong user name or password")

// Users finds users by name.
type Users interface {
	// UserByName returns hook.ErrNotFound if there is no such user.
	UserByName(ctx context.Context, name string) (hook.User, error)
}

// Roles finds the role of a user in a project.
type Roles interface {
	// Role returns hook.RoleNone if the user is no member.
	Role(ctx context.Context, projectID, userID int64) (hook.Role, error)
}

// Config is what a Service needs.
type Config struct {
	Users Users
	Roles Roles
	// Robots are the accounts of programs; nil means that there are none.
	Robots Robots
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service signs users in and answers what they may do. Its methods may be called
// concurrently.
type Service struct {
	users    Users
	roles    Roles
	robots   Robots
	keys     keyring
	hashing  hashing
	failures failures
	verified verified
	// nobody is the hash that unknown users are compared with.
	nobody string
}

// New returns a Service that knows of no failures yet.
func New(c Config) *Service {
	now := c.Now
	if now == nil {
		now = time.Now
	}
	return &Service{
		users:    c.Users,
		roles:    c.Roles,
		robots:   c.Robots,
		keys:     newKeyring(),
		hashing:  newHashing(),
		failures: failures{now: now, streaks: make(map[key]streak)},
		verified: verified{now: now, entries: make(map[key]match)},
		nobody:   nobodysHash,
	}
}

// Authenticate returns the identity of the user with this name and password, or of
// the robot with this full name and secret.
// Client is the address the request came from, with or without port, taken from a
// proxy's header only if that proxy is trusted; empty counts accounts only.
//
// It fails with ErrUnauthenticated for an unknown user and for a wrong password
// alike, and with a BackOffError, without looking at the password, after five
// failures in a row of the account or the client: 30 s, doubling to 15 min. Any
// other error means that the user could not be looked up.
//
// A password once verified is not hashed again for a minute, and is not held up by
// the failures of others; the user is read every time, so that changes count at once.
func (s *Service) Authenticate(ctx context.Context, username, password, client string) (Identity, error) {
	if isRobot(username) {
		return s.authenticateRobot(ctx, username, password)
	}
	user, err := s.authenticate(ctx, username, password, client)
	if err != nil {
		return Identity{}, err
	}
	return identityOf(user), nil
}

// authenticate is Authenticate for users only, with the password hash left in place.
func (s *Service) authenticate(ctx context.Context, username, password, client string) (hook.User, error) {
	a := s.attempt(username, password, client)
	verified := s.verified.hash(a.credentials)
	if verified == "" {
		if err := s.failures.check(a.suspects()); err != nil {
			return hook.User{}, err
		}
	}
	user, known, err := s.user(ctx, username)
	if err != nil {
		return hook.User{}, err
	}
	if known && verified == user.PasswordHash {
		return user, nil
	}
	return s.verify(ctx, a, user, known)
}

// verify compares the password with the stored hash, in turn with others.
func (s *Service) verify(ctx context.Context, a attempt, user hook.User, known bool) (hook.User, error) {
	done, err := s.hashing.turn(ctx)
	if err != nil {
		return hook.User{}, fmt.Errorf("wait to check a password: %w", err)
	}
	defer done()
	// Requests that arrive together wait together: what the first one found out
	// spares the others the hash, or the guess.
	if known && s.verified.hash(a.credentials) == user.PasswordHash {
		return user, nil
	}
	if err := s.failures.check(a.suspects()); err != nil {
		return hook.User{}, err
	}
	ok, err := matches(user.PasswordHash, a.password)
	if err != nil {
		return hook.User{}, fmt.Errorf("check password of user %d: %w", user.ID, err)
	}
	if !ok || !known {
		s.failures.add(a.suspects())
		return hook.User{}, ErrUnauthenticated
	}
	// The client's streak stays: a guesser may have an account of their own.
	s.failures.forget(a.account)
	s.verified.add(a.credentials, user.Username, user.PasswordHash)
	return user, nil
}

// user returns a stand-in for an unknown user, and for one who has no password.
func (s *Service) user(ctx context.Context, name string) (u hook.User, known bool, err error) {
	u, err = s.users.UserByName(ctx, name)
	switch {
	case errors.Is(err, hook.ErrNotFound), err == nil && u.PasswordHash == "":
		return hook.User{PasswordHash: s.nobody}, false, nil
	case err != nil:
		return hook.User{}, false, fmt.Errorf("look up user: %w", err)
	}
	return u, true, nil
}

// Can says whether the caller may do this in the project, asking for the caller's
// role there only if that matters.
func (s *Service) Can(ctx context.Context, id Identity, p hook.Project, a Action) (bool, error) {
	if Allowed(id, p, hook.RoleNone, a) {
		return true, nil
	}
	if !id.IsUser() {
		return false, nil
	}
	role, err := s.roles.Role(ctx, p.ID, id.User.ID)
	if err != nil {
		return false, fmt.Errorf("look up role of user %d in project %d: %w", id.User.ID, p.ID, err)
	}
	return Allowed(id, p, role, a), nil
}

// Forget drops what is remembered of a user's credentials and failures, for use
// after a change of password, or when the user is removed.
func (s *Service) Forget(username string) {
	s.verified.forget(username)
	s.failures.forget(s.keys.account(username))
}

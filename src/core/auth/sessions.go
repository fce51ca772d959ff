package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// How long a session lives unless it is configured.
const (
	DefaultIdle     = 30 * time.Minute
	DefaultLifetime = 12 * time.Hour
)

// maxRenewal is the longest time between two writes of when a session was seen:
// a user who clicks through pages writes once a minute, not once a request.
const maxRenewal = time.Minute

// Sessions that are over are removed this often, in batches of this many.
const (
	purgeEvery = 10 * time.Minute
	purgeBatch = 100
)

// SessionStore keeps sessions. Several processes may share one.
type SessionStore interface {
	// AddSession stores a session of s.User.ID. It returns hook.ErrNotFound if the
	// user is gone.
	AddSession(ctx context.Context, s hook.Session) error
	// Session returns the session with its user as of now, or hook.ErrNotFound: also
	// if the user is gone.
	Session(ctx context.Context, id string) (hook.Session, error)
	// RenewSession sets SeenTime. A session that is gone stays so.
	RenewSession(ctx context.Context, id string, seen time.Time) error
	RemoveSession(ctx context.Context, id string) error
	// RemoveSessions removes all sessions of a user.
	RemoveSessions(ctx context.Context, userID int64) error
	// PurgeSessions removes up to most sessions that were last seen, or created,
	// before these times, and returns how many.
	PurgeSessions(ctx context.Context, seen, created time.Time, most int) (int, error)
}

// SessionsConfig is what Sessions need. Store, Service and Logger are required.
type SessionsConfig struct {
	Store   SessionStore
	Service *Service
	// Idle and Lifetime end a session: so long after it was last used, and so long
	// after it began. Zero means the default.
	Idle, Lifetime time.Duration
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
}

// Sessions let people sign in once and show a token from then on, as browsers do
// with a cookie. They live in the database: a session that one process began is
// known to all, and ends for all at once. The database holds no token, only its
// SHA-256. The methods may be called concurrently.
type Sessions struct {
	store   SessionStore
	service *Service
	idle    time.Duration
	life    time.Duration
	now     func() time.Time
	log     *slog.Logger
}

// NewSessions returns the sessions of a store.
func NewSessions(c SessionsConfig) *Sessions {
	s := &Sessions{store: c.Store, service: c.Service, idle: c.Idle, life: c.Lifetime, now: c.Now, log: c.Logger}
	if s.idle == 0 {
		s.idle = DefaultIdle
	}
	if s.life == 0 {
		s.life = DefaultLifetime
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Session is one stay of a signed-in user.
type Session struct {
	// Token is the secret that its holder shows. It is as good as the password.
	Token string
	// CSRF proves that a request comes from a page that could read an answer, and
	// not from one that only made the browser send its cookie. It tells nothing of
	// the token, and is the same as long as the session lives.
	CSRF         string
	Identity     Identity
	CreationTime time.Time
	// ExpiresAt is when the session ends if it is not used any more.
	ExpiresAt time.Time
}

// ValidCSRF says whether this is the session's CSRF token, in constant time.
func (s Session) ValidCSRF(shown string) bool {
	return s.CSRF != "" && hmac.Equal([]byte(shown), []byte(s.CSRF))
}

// SignIn begins a session, always under a new token. It fails as
// Service.Authenticate does, and for robots as for unknown users: a session is for
// people.
func (s *Sessions) SignIn(ctx context.Context, username, password, client string) (Session, error) {
	user, err := s.service.authenticate(ctx, username, password, client)
	if err != nil {
		return Session{}, err
	}
	token := newSessionToken()
	now := s.now()
	stored := hook.Session{ID: sessionID(token), User: user, Credential: credentialOf(user), CreationTime: now, SeenTime: now}
	if err := s.store.AddSession(ctx, stored); err != nil {
		if errors.Is(err, hook.ErrNotFound) {
			return Session{}, ErrUnauthenticated
		}
		return Session{}, fmt.Errorf("begin a session: %w", err)
	}
	return s.show(token, stored), nil
}

// Session returns the session that the token stands for, and counts as use of it:
// its time of idleness begins anew, give or take a minute. It fails with
// ErrUnauthenticated if there is none, it was left idle for too long, it is too
// old, or the user's password has changed. Any other error means that it could
// not be looked up.
func (s *Sessions) Session(ctx context.Context, token string) (Session, error) {
	stored, err := s.find(ctx, token)
	if err != nil {
		return Session{}, err
	}
	if now := s.now(); now.Sub(stored.SeenTime) >= min(s.idle/10, maxRenewal) {
		if err := s.store.RenewSession(ctx, stored.ID, now); err != nil {
			return Session{}, fmt.Errorf("renew a session: %w", err)
		}
		stored.SeenTime = now
	}
	return s.show(token, stored), nil
}

// Peek is Session for what a page does by itself, such as polling: it does not
// keep the session alive.
func (s *Sessions) Peek(ctx context.Context, token string) (Session, error) {
	stored, err := s.find(ctx, token)
	if err != nil {
		return Session{}, err
	}
	return s.show(token, stored), nil
}

// SignOut ends a session. It is no error if there is none.
func (s *Sessions) SignOut(ctx context.Context, token string) error {
	if !saneSessionToken(token) {
		return nil
	}
	if err := s.store.RemoveSession(ctx, sessionID(token)); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// SignOutUser ends all sessions of a user, for use after a change of password.
func (s *Sessions) SignOutUser(ctx context.Context, userID int64) error {
	if err := s.store.RemoveSessions(ctx, userID); err != nil {
		return fmt.Errorf("end the sessions of user %d: %w", userID, err)
	}
	return nil
}

// Run removes sessions that are over, until ctx ends. Several processes may do so
// side by side.
func (s *Sessions) Run(ctx context.Context) error {
	ticker := time.NewTicker(purgeEvery)
	defer ticker.Stop()
	for {
		if err := s.purge(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("cannot remove old sessions; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (s *Sessions) purge(ctx context.Context) error {
	for {
		now := s.now()
		n, err := s.store.PurgeSessions(ctx, now.Add(-s.idle), now.Add(-s.life), purgeBatch)
		if err != nil || n < purgeBatch {
			return err
		}
	}
}

// find returns a session that is not over.
func (s *Sessions) find(ctx context.Context, token string) (hook.Session, error) {
	if !saneSessionToken(token) {
		return hook.Session{}, ErrUnauthenticated
	}
	stored, err := s.store.Session(ctx, sessionID(token))
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return hook.Session{}, ErrUnauthenticated
	case err != nil:
		return hook.Session{}, fmt.Errorf("look up a session: %w", err)
	case !s.now().Before(s.end(stored)), stored.Credential != credentialOf(stored.User):
		return hook.Session{}, ErrUnauthenticated
	}
	return stored, nil
}

// end is when the session ends unless it is used.
func (s *Sessions) end(stored hook.Session) time.Time {
	idle, life := stored.SeenTime.Add(s.idle), stored.CreationTime.Add(s.life)
	if idle.Before(life) {
		return idle
	}
	return life
}

func (s *Sessions) show(token string, stored hook.Session) Session {
	return Session{
		Token: token, CSRF: csrfOf(token), Identity: identityOf(stored.User),
		CreationTime: stored.CreationTime, ExpiresAt: s.end(stored),
	}
}

// sessionTokenBytes make a token that nobody guesses.
const sessionTokenBytes = 32

func newSessionToken() string {
	raw := make([]byte, sessionTokenBytes)
	rand.Read(raw) // never fails: the runtime stops the process instead
	return base64.RawURLEncoding.EncodeToString(raw)
}

// saneSessionToken keeps what cannot be a token away from the database.
func saneSessionToken(token string) bool {
	return len(token) == base64.RawURLEncoding.EncodedLen(sessionTokenBytes)
}

// sessionID is what is kept of a token. A token has 256 random bits, so a fast
// hash is as hard to turn back as a slow one.
func sessionID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// csrfOf needs no secret but the token, so that every process derives the same.
func csrfOf(token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// credentialOf changes with the password. The hash has a salt of its own, so this
// tells nothing of it.
func credentialOf(u hook.User) string {
	sum := sha256.Sum256([]byte(u.PasswordHash))
	return hex.EncodeToString(sum[:])
}

package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// roster is the users by name.
type roster map[string]hook.User

func (r roster) UserByName(_ context.Context, name string) (hook.User, error) {
	u, ok := r[name]
	if !ok {
		return hook.User{}, hook.ErrNotFound
	}
	return u, nil
}

func TestATokenIsGoodForAWhile(t *testing.T) {
	t.Parallel()
	users := roster{"Zoë.k": {ID: 7, Username: "Zoë.k", PasswordHash: "h1"}}
	c := &clock{now: time.Unix(1_700_000_000, 0)}
	s := New(Config{Users: users, Now: c.Now})
	token, err := s.Token(t.Context(), identityOf(users["Zoë.k"]))
	if err != nil {
		t.Fatal(err)
	}
	c.pass(TokenLife - time.Second)
	id, err := s.AuthenticateToken(t.Context(), token)
	if err != nil || id.User.ID != 7 || id.Anonymous || id.User.PasswordHash != "" {
		t.Errorf("%+v, %v", id, err)
	}
	c.pass(time.Second)
	if _, err := s.AuthenticateToken(t.Context(), token); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("after its time: %v", err)
	}
}

func TestAnAnonymousTokenIsNobodys(t *testing.T) {
	t.Parallel()
	s := New(Config{Users: roster{}})
	token, err := s.Token(t.Context(), Identity{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := s.AuthenticateToken(t.Context(), token); err != nil || !id.Anonymous {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestATokenEndsWithThePasswordAndTheUser(t *testing.T) {
	t.Parallel()
	users := roster{"alice": {ID: 1, Username: "alice", PasswordHash: "h1"}}
	s := New(Config{Users: users})
	token, err := s.Token(t.Context(), identityOf(users["alice"]))
	if err != nil {
		t.Fatal(err)
	}
	users["alice"] = hook.User{ID: 1, Username: "alice", PasswordHash: "h2"}
	if _, err := s.AuthenticateToken(t.Context(), token); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("after a new password: %v", err)
	}
	delete(users, "alice")
	if _, err := s.AuthenticateToken(t.Context(), token); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("after the user was removed: %v", err)
	}
	if _, err := s.Token(t.Context(), Identity{User: hook.User{Username: "alice"}}); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("a token for somebody who is gone: %v", err)
	}
}

func TestTokensOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	users := roster{"alice": {ID: 1, Username: "alice", PasswordHash: "h"}, "admin": {ID: 2, Username: "admin", PasswordHash: "h"}}
	s := New(Config{Users: users})
	own, err := s.Token(t.Context(), identityOf(users["alice"]))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := New(Config{Users: users}).Token(t.Context(), identityOf(users["alice"]))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(own, ".")
	for name, token := range map[string]string{
		"another process's": foreign,
		"empty":             "",
		"another name":      "YWRtaW4." + parts[1] + "." + parts[2],
		"a later end":       parts[0] + ".99999999999." + parts[2],
		"no name":           "." + parts[1] + "." + parts[2],
		"no mac":            parts[0] + "." + parts[1] + ".",
		"NUL in the name":   "AA." + parts[1] + "." + parts[2],
		"too long":          own + strings.Repeat("A", maxToken),
		"two parts":         parts[0] + "." + parts[1],
		"an endless number": parts[0] + ".9999999999999999999999." + parts[2],
	} {
		if id, err := s.AuthenticateToken(t.Context(), token); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
}

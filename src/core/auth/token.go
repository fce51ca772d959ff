package auth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/hook"
)

// TokenLife is how long a token is good for.
const TokenLife = 5 * time.Minute

// Token returns a text with which its holder is the caller for TokenLife, without
// showing the password again. It says who somebody is and nothing of what they
// may do. It ends earlier when the password changes, the user is removed, or this
// process ends. An anonymous caller gets a token too: some clients want one
// before they ask for anything.
func (s *Service) Token(ctx context.Context, id Identity) (string, error) {
	u, known, err := s.holder(ctx, id.Name())
	if err != nil {
		return "", err
	}
	if !known {
		return "", ErrUnauthenticated
	}
	until := s.verified.now().Add(TokenLife).Unix()
	mac := s.keys.token(u.Username, until, u.PasswordHash)
	return strings.Join([]string{
		base64.RawURLEncoding.EncodeToString([]byte(u.Username)),
		strconv.FormatInt(until, 10),
		base64.RawURLEncoding.EncodeToString(mac[:]),
	}, "."), nil
}

// AuthenticateToken returns whom a token was made for. It fails with
// ErrUnauthenticated for a token that Token did not make, or that has ended. Any
// other error means that the user could not be looked up.
func (s *Service) AuthenticateToken(ctx context.Context, token string) (Identity, error) {
	name, until, shown, ok := parseToken(token)
	if !ok || s.verified.now().Unix() >= until {
		return Identity{}, ErrUnauthenticated
	}
	u, known, err := s.holder(ctx, name)
	if err != nil {
		return Identity{}, err
	}
	want := s.keys.token(name, until, u.PasswordHash)
	if !hmac.Equal(shown, want[:]) || !known {
		return Identity{}, ErrUnauthenticated
	}
	if name == "" {
		return Identity{Anonymous: true}, nil
	}
	return identityOf(u), nil
}

// holder returns the user of this name as he is now; nobody's name is empty.
func (s *Service) holder(ctx context.Context, name string) (u hook.User, known bool, err error) {
	if name == "" {
		return hook.User{}, true, nil
	}
	u, err = s.users.UserByName(ctx, name)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return hook.User{}, false, nil
	case err != nil:
		return hook.User{}, false, fmt.Errorf("look up user: %w", err)
	}
	return u, true, nil
}

// maxToken bounds what is looked at of a stranger's token, in bytes: a user name
// of 255 characters of four bytes fits.
const maxToken = 2048

func parseToken(token string) (name string, until int64, mac []byte, ok bool) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return "", 0, nil, false
	}
	raw, nameErr := base64.RawURLEncoding.DecodeString(parts[0])
	until, untilErr := strconv.ParseInt(parts[1], 10, 64)
	mac, macErr := base64.RawURLEncoding.DecodeString(parts[2])
	return string(raw), until, mac, nameErr == nil && untilErr == nil && macErr == nil &&
		utf8.Valid(raw) && !bytes.ContainsRune(raw, 0)
}

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
// may do. It ends earlier when the password or secret changes, the user or robot is
// removed or may not sign in any more, or this process ends. An anonymous caller
// gets a token too: some clients want one before they ask for anything.
func (s *Service) Token(ctx context.Context, id Identity) (string, error) {
	holder, known, err := s.holder(ctx, id.Name())
	if err != nil {
		return "", err
	}
	if !known {
		return "", ErrUnauthenticated
	}
	until := s.verified.now().Add(TokenLife).Unix()
	mac := s.keys.token(holder.id.Name(), until, holder.hash)
	return strings.Join([]string{
		base64.RawURLEncoding.EncodeToString([]byte(holder.id.Name())),
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
	holder, known, err := s.holder(ctx, name)
	if err != nil {
		return Identity{}, err
	}
	want := s.keys.token(name, until, holder.hash)
	if !hmac.Equal(shown, want[:]) || !known {
		return Identity{}, ErrUnauthenticated
	}
	return holder.id, nil
}

// holder is whom a token is for, and the hash with which it ends.
type holder struct {
	id   Identity
	hash string
}

// holder returns the user or robot of this name as of now; nobody's name is empty.
func (s *Service) holder(ctx context.Context, name string) (h holder, known bool, err error) {
	if name == "" {
		return holder{id: Identity{Anonymous: true}}, true, nil
	}
	if isRobot(name) {
		r, known, err := s.robot(ctx, name)
		return holder{id: identityOfRobot(r), hash: r.SecretHash}, known, err
	}
	u, err := s.users.UserByName(ctx, name)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return holder{}, false, nil
	case err != nil:
		return holder{}, false, fmt.Errorf("look up user: %w", err)
	}
	return holder{id: identityOf(u), hash: u.PasswordHash}, true, nil
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

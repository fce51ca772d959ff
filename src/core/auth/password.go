package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"

	"github.com/harborhook/harborhook/src/hook"
)

// The length of a password, in characters.
const (
	MinPassword = 8
	MaxPassword = 128
)

// hashCost is bcrypt's work factor, about 60 ms on one core of 2025.
const hashCost = 10

// nobodysHash stands in for the hash of a user who does not exist, so that an
// unknown name takes as long to refuse as a wrong password. It has hashCost.
const nobodysHash = "$2a$10$iP9D2XC2f8dgEYgBDR90/.2ovSZ9BIvjlZ6uWQ07CV9csjwLX.rDK"

// HashPassword returns what to store for a password. It accepts 8 to 128
// characters of valid UTF-8 without control characters and returns a
// hook.InvalidError for the field "password" otherwise. No mix of character
// classes is asked for: length is what makes a password hard to guess.
//
// The password goes through SHA-256 before bcrypt, which by itself would not look
// past 72 bytes. Hashes are therefore to be made and checked by this package only.
func HashPassword(password string) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	hash, err := bcrypt.GenerateFromPassword(condense(password), hashCost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return string(hash), nil
}

func checkPassword(password string) error {
	if !utf8.ValidString(password) {
		return hook.Invalid("password", "must be valid UTF-8")
	}
	if n := utf8.RuneCountInString(password); n < MinPassword || n > MaxPassword {
		return hook.Invalidf("password", "must have %d to %d characters", MinPassword, MaxPassword)
	}
	for _, r := range password {
		if unicode.IsControl(r) {
			return hook.Invalid("password", "must not contain control characters")
		}
	}
	return nil
}

// matches compares in a time that depends on the hash only. A hash that cannot be
// read is an error: the user could never sign in, and somebody should know.
func matches(hash, password string) (bool, error) {
	err := bcrypt.CompareHashAndPassword([]byte(hash), condense(password))
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return err == nil, err
}

// condense brings a password of any length to 44 bytes without NUL.
func condense(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return []byte(base64.StdEncoding.EncodeToString(sum[:]))
}

package auth

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/harborhook/harborhook/src/hook"
)

func TestPasswordsOfSensibleLengthAreTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		password string
		ok       bool
	}{
		"empty":                     {"", false},
		"7 characters":              {"1234567", false},
		"8 characters":              {"12345678", true},
		"7 characters, 14 bytes":    {"äääääää", false},
		"128 characters, 512 bytes": {strings.Repeat("𝄞", 128), true},
		"129 characters":            {strings.Repeat("a", 129), false},
		"spaces":                    {"correct horse battery", true},
		"control character":         {"pass\nword", false},
		"NUL":                       {"pass\x00word", false},
		"invalid UTF-8":             {"password\xff", false},
	} {
		err := checkPassword(c.password)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		var invalid *hook.InvalidError
		if err != nil && (!errors.As(err, &invalid) || invalid.Field != "password") {
			t.Errorf("%s: error %v names no field", name, err)
		}
	}
}

func TestAHashMatchesItsPasswordOnly(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100)
	hash, err := HashPassword(long)
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{
		long:       true,
		long[:72]:  false, // bcrypt by itself would not tell these from the first
		long + "y": false,
		"":         false,
	} {
		if got, err := matches(hash, password); got != want || err != nil {
			t.Errorf("%d characters: %t, %v; want %t", len(password), got, err, want)
		}
	}
}

func TestAnInvalidPasswordIsNotHashed(t *testing.T) {
	t.Parallel()
	if hash, err := HashPassword("short"); err == nil || hash != "" {
		t.Errorf("got %q, %v", hash, err)
	}
}

func TestNobodysHashCostsWhatOthersCost(t *testing.T) {
	t.Parallel()
	if cost, err := bcrypt.Cost([]byte(nobodysHash)); err != nil || cost != hashCost {
		t.Errorf("cost %d, %v; want %d", cost, err, hashCost)
	}
}

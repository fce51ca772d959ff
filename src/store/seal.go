package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// sealer encrypts secrets at rest with AES-256-GCM. The place a secret belongs
// to is authenticated with it, so that a sealed value cannot be moved to another row.
type sealer struct {
	gcm cipher.AEAD
}

// sealed values start with the id of their key, so that keys can be rotated.
const sealPrefix = "k1:"

func newSealer(key []byte) (*sealer, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("encryption key has %d bytes, 32 are needed", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	return &sealer{gcm: gcm}, nil
}

// seal encrypts a secret for a place; an empty secret stays empty.
func (s *sealer) seal(place, secret string) string {
	if secret == "" {
		return ""
	}
	nonce := make([]byte, s.gcm.NonceSize(), s.gcm.NonceSize()+len(secret)+s.gcm.Overhead())
	rand.Read(nonce) // never fails; it ends the program instead
	sealed := s.gcm.Seal(nonce, nonce, []byte(secret), []byte(place))
	return sealPrefix + base64.StdEncoding.EncodeToString(sealed)
}

// open decrypts what seal made for the same place.
func (s *sealer) open(place, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	encoded, ok := strings.CutPrefix(sealed, sealPrefix)
	if !ok {
		return "", fmt.Errorf("secret of %s: unknown key", place)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", fmt.Errorf("secret of %s: %w", place, err)
	}
	if len(raw) < s.gcm.NonceSize() {
		return "", fmt.Errorf("secret of %s: %w", place, errors.New("too short"))
	}
	nonce, text := raw[:s.gcm.NonceSize()], raw[s.gcm.NonceSize():]
	plain, err := s.gcm.Open(nil, nonce, text, []byte(place))
	if err != nil {
		return "", fmt.Errorf("secret of %s cannot be decrypted: is this the key it was stored with? %w", place, err)
	}
	return string(plain), nil
}

// sealAddress seals an address whose query may hold a secret. Others can be read
// in the database.
func (s *sealer) sealAddress(place, address string) string {
	if !strings.Contains(address, "?") {
		return address
	}
	return s.seal(place, address)
}

// openAddress reads what sealAddress made, and addresses of before there was one.
func (s *sealer) openAddress(place, stored string) (string, error) {
	if !strings.HasPrefix(stored, sealPrefix) {
		return stored, nil
	}
	return s.open(place, stored)
}

package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// sealer encrypts secrets at rest with AES-256-GCM. The place a secret belongs
// to is authenticated with it, so that a sealed value cannot be moved to another
// row or column.
type sealer struct {
	// current seals; id is its name.
	current cipher.AEAD
	id      string
	// keys open, by the names of their keys.
	keys map[string]cipher.AEAD
	// order is keys, the current one first.
	order []cipher.AEAD
}

// A sealed value is sealPrefix, the id of its key, a colon and base64. Values from
// before keys had ids start with oldSealPrefix: any key may be theirs.
const (
	sealPrefix    = "k2:"
	oldSealPrefix = "k1:"
)

// newSealer seals with key, and opens what key or one of the old ones has sealed.
func newSealer(key []byte, old ...[]byte) (*sealer, error) {
	s := &sealer{id: keyID(key), keys: map[string]cipher.AEAD{}}
	for i, k := range append([][]byte{key}, old...) {
		gcm, err := newGCM(k)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			s.current = gcm
		}
		s.keys[keyID(k)] = gcm
		s.order = append(s.order, gcm)
	}
	return s, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
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
	return gcm, nil
}

// keyID names a key without telling anything of it.
func keyID(key []byte) string {
	sum := sha256.Sum256(append([]byte("harborhook key id:"), key...))
	return hex.EncodeToString(sum[:4])
}

// seal encrypts a secret for a place; an empty secret stays empty.
func (s *sealer) seal(place, secret string) string {
	if secret == "" {
		return ""
	}
	nonce := make([]byte, s.current.NonceSize(), s.current.NonceSize()+len(secret)+s.current.Overhead())
	rand.Read(nonce) // never fails; it ends the program instead
	sealed := s.current.Seal(nonce, nonce, []byte(secret), []byte(place))
	return sealPrefix + s.id + ":" + base64.StdEncoding.EncodeToString(sealed)
}

// isCurrent says whether a value needs no other key than the current one.
func (s *sealer) isCurrent(sealed string) bool {
	return sealed == "" || strings.HasPrefix(sealed, sealPrefix+s.id+":")
}

// reseal returns a value sealed with the current key; one that is so already is
// returned as it is.
func (s *sealer) reseal(place, sealed string) (string, error) {
	if s.isCurrent(sealed) {
		return sealed, nil
	}
	secret, err := s.open(place, sealed)
	if err != nil {
		return "", err
	}
	return s.seal(place, secret), nil
}

// open decrypts what seal made for the same place.
func (s *sealer) open(place, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	keys, encoded, err := s.keysOf(sealed)
	if err != nil {
		return "", fmt.Errorf("secret of %s: %w", place, err)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", fmt.Errorf("secret of %s: %w", place, err)
	}
	for _, gcm := range keys {
		if len(raw) < gcm.NonceSize() {
			return "", fmt.Errorf("secret of %s: %w", place, errors.New("too short"))
		}
		nonce, text := raw[:gcm.NonceSize()], raw[gcm.NonceSize():]
		var plain []byte
		if plain, err = gcm.Open(nil, nonce, text, []byte(place)); err == nil {
			return string(plain), nil
		}
	}
	return "", fmt.Errorf("secret of %s cannot be decrypted: is this the key it was stored with? %w", place, err)
}

// keysOf returns the keys that may have sealed a value, and its base64.
func (s *sealer) keysOf(sealed string) ([]cipher.AEAD, string, error) {
	if encoded, ok := strings.CutPrefix(sealed, oldSealPrefix); ok {
		return s.order, encoded, nil
	}
	rest, ok := strings.CutPrefix(sealed, sealPrefix)
	id, encoded, found := strings.Cut(rest, ":")
	if !ok || !found {
		return nil, "", errors.New("it is not encrypted")
	}
	gcm, ok := s.keys[id]
	if !ok {
		return nil, "", fmt.Errorf("it was stored with key %s, which is neither HARBORHOOK_ENCRYPTION_KEY nor among HARBORHOOK_OLD_ENCRYPTION_KEYS", id)
	}
	return []cipher.AEAD{gcm}, encoded, nil
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

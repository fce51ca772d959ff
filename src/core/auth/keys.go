package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// key stands for credentials, an account or a client in this process's memory. It
// has a fixed size, whatever a stranger sends, and does not tell what it stands for.
type key [sha256.Size]byte

// keyring derives keys with a secret that never leaves the process.
type keyring struct{ secret []byte }

func newKeyring() keyring {
	secret := make([]byte, sha256.Size)
	rand.Read(secret) // never fails: the runtime stops the process instead
	return keyring{secret: secret}
}

func (r keyring) derive(parts ...string) key {
	mac := hmac.New(sha256.New, r.secret)
	var size [8]byte
	for _, p := range parts {
		// The length in front keeps ("ab","c") and ("a","bc") apart.
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		mac.Write(size[:])
		mac.Write([]byte(p))
	}
	return key(mac.Sum(nil))
}

func (r keyring) credentials(username, password string) key {
	return r.derive("credentials", username, password)
}

// account ignores case, so that spelling a name differently is no new account.
func (r keyring) account(username string) key {
	return r.derive("account", strings.ToLower(username))
}

func (r keyring) client(client string) key {
	return r.derive("client", network(client))
}

// token stands for a user until a time, as long as the stored hash stays.
func (r keyring) token(username string, until int64, hash string) key {
	return r.derive("token", username, strconv.FormatInt(until, 10), hash)
}

// network reduces a client's address, with or without port, to what one customer
// of a provider is given: an IPv4 address or the /64 of an IPv6 address.
func network(client string) string {
	host, _, err := net.SplitHostPort(client)
	if err != nil {
		host = client
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}

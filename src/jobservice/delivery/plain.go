package delivery

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/harborhook/harborhook/src/hook"
)

// CheckTarget returns ErrBlocked if the address of a target plainly leads where
// nothing may be called: its port is closed, or its host is a closed address or a
// name for one that needs no lookup. What other names lead to is decided when
// they are dialled, since that may change. An address that is no valid target is
// an *hook.InvalidError.
func (g *Guard) CheckTarget(address string) error {
	if err := hook.ValidateTarget(address); err != nil {
		return err
	}
	u, err := url.Parse(address)
	if err != nil {
		return hook.Invalid("target", "is not a URL")
	}
	host, err := asciiHost(u)
	if err != nil {
		return hook.Invalid("target", "must name a valid host")
	}
	u.Host = host
	return g.checkHost(net.JoinHostPort(u.Hostname(), portOf(u)))
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// checkHost decides about hosts whose address is plain without a lookup.
func (g *Guard) checkHost(address string) error {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return ErrBlocked
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return ErrBlocked
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.Check(netip.AddrPortFrom(addr, uint16(port)))
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return g.checkLoopback(uint16(port))
	}
	if endsInNumber(name) || slices.Contains(metadataNames, name) || !g.portOpen(uint16(port)) {
		return ErrBlocked
	}
	return nil
}

// checkLoopback refuses if both loopback addresses are closed, whatever the
// machine's hosts file says of localhost.
func (g *Guard) checkLoopback(port uint16) error {
	v4 := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	if g.Check(v4) == nil {
		return nil
	}
	return g.Check(netip.AddrPortFrom(netip.IPv6Loopback(), port))
}

// The names under which clouds answer at addresses that are never open. Outside
// of those clouds they may not resolve, and should be refused all the same.
var metadataNames = []string{"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"}

// endsInNumber tells hosts that old resolvers take for IPv4 addresses, such as
// 127.1, 0177.0.0.1 or 2130706433. No name ends in a number.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if digits, isHex := strings.CutPrefix(last, "0x"); isHex {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

package config

import (
	"net/netip"
	"strconv"
	"strings"
)

// Networks is a list of networks, each a word, "loopback" or "private", or a CIDR.
type Networks []string

const (
	wordLoopback = "loopback"
	wordPrivate  = "private"
)

// UnmarshalText reads a comma list; an empty text is no network. A single
// address counts as a network of one.
func (n *Networks) UnmarshalText(text []byte) error {
	items := list(string(text))
	for _, item := range items {
		if _, ok := prefixes(item); !ok {
			return wrong("%q is not a network", item).want("loopback, private or CIDRs, for example loopback,10.20.0.0/16")
		}
	}
	*n = items
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (n Networks) MarshalText() ([]byte, error) { return []byte(strings.Join(n, ",")), nil }

// Prefixes returns the networks as prefixes, words spelled out: private are the
// ranges of RFC 1918 and the unique local addresses of RFC 4193.
func (n Networks) Prefixes() []netip.Prefix {
	var all []netip.Prefix
	for _, item := range n {
		p, _ := prefixes(item)
		all = append(all, p...)
	}
	return all
}

func prefixes(item string) ([]netip.Prefix, bool) {
	switch item {
	case wordLoopback:
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, true
	case wordPrivate:
		return []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"),
			netip.MustParsePrefix("172.16.0.0/12"),
			netip.MustParsePrefix("192.168.0.0/16"),
			netip.MustParsePrefix("fc00::/7"),
		}, true
	}
	if a, err := netip.ParseAddr(item); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, true
	}
	p, err := netip.ParsePrefix(item)
	// A prefix of mapped addresses would never match: addresses are unmapped before.
	if err != nil || p.Addr().Is4In6() {
		return nil, false
	}
	return []netip.Prefix{p.Masked()}, true
}

// Ports is a list of TCP ports.
type Ports []uint16

// UnmarshalText reads a comma list; an empty text is no port.
func (p *Ports) UnmarshalText(text []byte) error {
	items := list(string(text))
	ports := make(Ports, len(items))
	for i, item := range items {
		n, err := strconv.ParseUint(item, 10, 16)
		if err != nil || n == 0 {
			return wrong("%q is not a port", item).want("numbers from 1 to 65535, for example 80,443,8443")
		}
		ports[i] = uint16(n)
	}
	*p = ports
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (p Ports) MarshalText() ([]byte, error) {
	items := make([]string, len(p))
	for i, n := range p {
		items[i] = strconv.Itoa(int(n))
	}
	return []byte(strings.Join(items, ",")), nil
}

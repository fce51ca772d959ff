package delivery

import (
	"fmt"
	"net/netip"
)

// Addresses that no configuration opens: they lead to this host's link, to
// everybody, or to the services through which clouds hand out credentials.
var never = prefixes(
	"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32",
	"100.100.100.200/32", // Alibaba Cloud metadata
	"168.63.129.16/32",   // Azure platform services
	"192.0.0.192/32",     // Oracle Cloud metadata
	"::/128", "fe80::/10", "ff00::/8",
	"64:ff9b:1::/48",         // local NAT64: which IPv4 address it means, only its translator knows
	"fd00:ec2::/32",          // AWS metadata and link services
	"fd20:ce::254/128",       // Google Cloud metadata
	"fd00:c1::a9fe:a9fe/128", // Oracle Cloud metadata
	"fd00:42::42/128",        // Scaleway metadata
)

// IANA's special-purpose IPv4 addresses, reserved ones included. An operator may
// open them.
var special4 = prefixes(
	"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
)

// Of IPv6, only global unicast is public, without its special-purpose parts.
var (
	global6  = netip.MustParsePrefix("2000::/3")
	special6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)

// canonical writes an IPv4 network in IPv6 clothes as what it is, since that is
// how addresses are compared.
func canonical(network netip.Prefix) (netip.Prefix, error) {
	switch {
	case !network.IsValid():
		return netip.Prefix{}, fmt.Errorf("network %q is not valid", network)
	case !network.Addr().Is4In6():
		return network.Masked(), nil
	case network.Bits() < 96:
		return netip.Prefix{}, fmt.Errorf("network %q mixes IPv4 and IPv6", network)
	}
	return netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96).Masked(), nil
}

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

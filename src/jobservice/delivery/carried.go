package delivery

import (
	"encoding/binary"
	"net/netip"
)

// Forms in which an IPv6 address leads, through some translator or tunnel, to
// an IPv4 address. IPv4-mapped addresses are not among them: they are IPv4.
var (
	compatible = netip.MustParsePrefix("::/96")           // ::a.b.c.d
	translated = netip.MustParsePrefix("::ffff:0:0:0/96") // SIIT
	nat64      = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052
	sixToFour  = netip.MustParsePrefix("2002::/16")       // RFC 3056
	teredo     = netip.MustParsePrefix("2001::/32")       // RFC 4380
)

// carried returns the IPv4 addresses inside an IPv6 address.
func carried(addr netip.Addr) []netip.Addr {
	if !addr.Is6() {
		return nil
	}
	b := addr.As16()
	switch {
	case addr == netip.IPv6Loopback():
		return nil // has the compatible form by accident
	case compatible.Contains(addr), translated.Contains(addr), nat64.Contains(addr):
		return []netip.Addr{addr4(b[12:])}
	case sixToFour.Contains(addr):
		return []netip.Addr{addr4(b[2:])}
	case teredo.Contains(addr):
		client := netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})
		return []netip.Addr{addr4(b[4:]), client}
	}
	if id := binary.BigEndian.Uint32(b[8:]); id == 0x0000_5efe || id == 0x0200_5efe {
		return []netip.Addr{addr4(b[12:])} // ISATAP, under any prefix
	}
	return nil
}

func addr4(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b[:4])) }

package config

import (
	"net/netip"
	"testing"
)

func TestNetworksHoldWhatTheyName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ in, out []string }{
		"":                       {nil, []string{"127.0.0.1", "10.0.0.1", "8.8.8.8"}},
		"loopback":               {[]string{"127.0.0.1", "127.9.9.9", "::1"}, []string{"10.0.0.1", "::2"}},
		"private":                {[]string{"10.1.1.1", "172.31.0.1", "192.168.0.1", "fd00::1"}, []string{"127.0.0.1", "172.32.0.1", "fe80::1", "169.254.169.254"}},
		"10.20.0.0/16, loopback": {[]string{"10.20.255.255", "127.0.0.1"}, []string{"10.21.0.0"}},
		"10.20.7.7/16":           {[]string{"10.20.0.1"}, []string{"10.21.0.0"}},
		"192.0.2.7":              {[]string{"192.0.2.7"}, []string{"192.0.2.8"}},
		"::ffff:192.0.2.7":       {[]string{"192.0.2.7"}, []string{"192.0.2.8"}},
		"2001:db8::/32":          {[]string{"2001:db8:1::"}, []string{"2001:db9::"}},
	} {
		var n Networks
		if err := n.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		holds := func(addr string) bool {
			for _, p := range n.Prefixes() {
				if p.Contains(netip.MustParseAddr(addr)) {
					return true
				}
			}
			return false
		}
		for _, addr := range want.in {
			if !holds(addr) {
				t.Errorf("%q does not hold %s", text, addr)
			}
		}
		for _, addr := range want.out {
			if holds(addr) {
				t.Errorf("%q holds %s", text, addr)
			}
		}
	}
}

func TestBadNetworksAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"public", "Private", "10.0.0.0/33", "10.0.0", "::ffff:10.0.0.0/104", "fe80::1%eth0", "loopback,", "example.com"} {
		var n Networks
		if err := n.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, n)
		}
	}
}

func TestBadPortsAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0", "65536", "-1", "http", "80,", "80-90"} {
		var p Ports
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, p)
		}
	}
}

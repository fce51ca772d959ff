package delivery

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/hook"
)

func guard(t *testing.T, cfg GuardConfig) *Guard {
	t.Helper()
	g, err := NewGuard(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var (
	loopbackNetworks = prefixes("127.0.0.0/8", "::1/128")
	privateNetworks  = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)

// networks reads a list in which words stand for networks, as the configuration does.
func networks(t *testing.T, list string) []netip.Prefix {
	t.Helper()
	var all []netip.Prefix
	for entry := range strings.SplitSeq(list, ",") {
		switch entry = strings.TrimSpace(entry); entry {
		case "":
		case "loopback":
			all = append(all, loopbackNetworks...)
		case "private":
			all = append(all, privateNetworks...)
		default:
			all = append(all, netip.MustParsePrefix(entry))
		}
	}
	return all
}

func open(g *Guard, addr string) bool {
	return g.Check(netip.AddrPortFrom(netip.MustParseAddr(addr), 443)) == nil
}

// One address, or both ends, of each network of IANA's special-purpose registries.
const specialAddresses = `
	10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 172.16.0.0 172.31.255.255
	192.0.0.0 192.0.0.8 192.0.0.170 192.0.0.255 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
	192.168.0.0 192.168.255.255 192.175.48.1 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1
	240.0.0.0 255.255.255.254
	::1 100::1 100:0:0:1::1 2001:0:808:808::f7f7:f7f7 2001:1::1 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1
	2001:30::1 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff 2001:db8::1 2002:808:808::1 2620:4f:8000::1
	3fff::1 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff 4000::1 5f00::1 fc00::1 fdff::1 fec0::1
	64:ff9b::808:808 ::8.8.8.8 ::ffff:0:8.8.8.8
	::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:7f00:1`

// Metadata services, link-local and multicast, plain and in disguise.
const neverAddresses = `
	0.0.0.0 0.1.2.3 169.254.0.0 169.254.169.254 169.254.255.255 224.0.0.1 239.255.255.255 255.255.255.255
	100.100.100.200 168.63.129.16 192.0.0.192
	:: fe80::1 fe80::1%eth0 fe80::a9fe:a9fe febf::1 ff02::1 ff0e::1
	fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:42::42
	::ffff:169.254.169.254 ::ffff:a9fe:a9fe ::ffff:100.100.100.200 ::ffff:168.63.129.16
	::169.254.169.254 ::ffff:0:169.254.169.254 64:ff9b::a9fe:a9fe 64:ff9b:1::a9fe:a9fe 64:ff9b:1:a9fe:a9:fe00::
	2002:a9fe:a9fe::1 2001:0:a9fe:a9fe:: 2001:0:0808:0808::5601:5601 2a00:1450::5efe:a9fe:a9fe 2a00:1450::200:5efe:a9fe:a9fe
	2001::1 64:ff9b::a83f:8110 2002:6464:64c8:: 64:ff9b::e000:1`

const publicAddresses = `
	1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
	169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
	223.255.255.255 168.63.129.15 168.63.129.17
	2000:: 2001:200::1 2001:4860:4860::8888 2606:4700::1111 2a00:1450::1 2a00:1450::8.8.8.8 2a00:1450::5efe:808:808
	::ffff:8.8.8.8`

func TestPublicAddressesAreOpen(t *testing.T) {
	t.Parallel()
	for _, g := range []*Guard{{}, guard(t, GuardConfig{})} {
		for addr := range strings.FieldsSeq(publicAddresses) {
			if !open(g, addr) {
				t.Errorf("%s is blocked", addr)
			}
		}
	}
}

func TestSpecialAddressesAreClosedUntilAllowed(t *testing.T) {
	t.Parallel()
	everything := guard(t, GuardConfig{Allowed: networks(t, "0.0.0.0/0, ::/0")})
	for addr := range strings.FieldsSeq(specialAddresses) {
		if open(&Guard{}, addr) {
			t.Errorf("%s is open by default", addr)
		}
		if !open(everything, addr) {
			t.Errorf("%s cannot be opened", addr)
		}
	}
}

func TestNothingOpensTheMetadataTier(t *testing.T) {
	t.Parallel()
	everything := guard(t, GuardConfig{Allowed: networks(t, "loopback,private,0.0.0.0/0,::/0,169.254.0.0/16,64:ff9b::/96")})
	for addr := range strings.FieldsSeq(neverAddresses) {
		if open(&Guard{}, addr) || open(everything, addr) {
			t.Errorf("%s is open", addr)
		}
	}
}

func TestAllowedNetworks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		allowed, addr string
		want          bool
	}{
		{"loopback", "127.0.0.1", true},
		{"loopback", "::1", true},
		{"loopback", "::ffff:127.0.0.1", true},
		{"loopback", "10.0.0.1", false},
		{"loopback", "::127.0.0.1", false},
		{"private", "10.0.0.1", true},
		{"private", "172.20.0.1", true},
		{"private", "192.168.1.1", true},
		{"private", "fd12::1", true},
		{"private", "127.0.0.1", false},
		{"private", "100.64.0.1", false},
		{"private", "2002:a00:1::", false},
		{"10.0.0.0/8", "10.255.0.1", true},
		{"10.0.0.0/8", "192.168.0.1", false},
		{"::ffff:10.0.0.0/104", "10.0.0.1", true},
		{"64:ff9b::/96", "64:ff9b::808:808", true},
		{"64:ff9b::/96", "64:ff9b::a00:1", false},
		{"64:ff9b::/96,private", "64:ff9b::a00:1", true},
	} {
		if got := open(guard(t, GuardConfig{Allowed: networks(t, tc.allowed)}), tc.addr); got != tc.want {
			t.Errorf("allowed %s: %s open = %v, want %v", tc.allowed, tc.addr, got, tc.want)
		}
	}
}

func TestDeniedNetworksWin(t *testing.T) {
	t.Parallel()
	g := guard(t, GuardConfig{
		Allowed: networks(t, "private,64:ff9b::/96"),
		Denied:  networks(t, "10.0.0.5/32,93.184.0.0/16"),
	})
	for addr, want := range map[string]bool{
		"10.0.0.4": true, "10.0.0.5": false, "::ffff:10.0.0.5": false, "64:ff9b::a00:5": false,
		"93.184.216.34": false, "93.185.0.1": true, "64:ff9b::5db8:1": false,
	} {
		if got := open(g, addr); got != want {
			t.Errorf("%s open = %v, want %v", addr, got, want)
		}
	}
}

func TestOnlyAllowedPortsAreOpen(t *testing.T) {
	t.Parallel()
	g := guard(t, GuardConfig{Ports: []uint16{80, 443}})
	for port, want := range map[uint16]bool{80: true, 443: true, 6379: false, 0: false} {
		err := g.Check(netip.AddrPortFrom(netip.MustParseAddr("8.8.8.8"), port))
		if (err == nil) != want {
			t.Errorf("port %d: %v, want open = %v", port, err, want)
		}
	}
	if (&Guard{}).Check(netip.AddrPort{}) == nil {
		t.Error("no address at all is open")
	}
}

func TestNewGuardRefusesNonsense(t *testing.T) {
	t.Parallel()
	mixed := netip.MustParsePrefix("::ffff:0:0/90")
	for name, cfg := range map[string]GuardConfig{
		"no network":           {Allowed: []netip.Prefix{{}}},
		"mixed allowed":        {Allowed: []netip.Prefix{mixed}},
		"mixed denied":         {Denied: []netip.Prefix{mixed}},
		"port 0":               {Ports: []uint16{443, 0}},
		"denied is no network": {Denied: []netip.Prefix{{}}},
	} {
		if _, err := NewGuard(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTargetsThatPlainlyMayNotBeCalled(t *testing.T) {
	t.Parallel()
	g := guard(t, GuardConfig{Allowed: networks(t, "10.0.0.0/8"), Ports: []uint16{80, 443, 8443}})
	for target, want := range map[string]error{
		"http://example.com/": nil, "https://example.com:8443/x?y=z": nil, "http://10.1.2.3/": nil, "https://bücher.example/": nil,
		"http://example.com:6379/": ErrBlocked, "http://10.1.2.3:22/": ErrBlocked, "http://127.0.0.1/": ErrBlocked,
		"http://localhost/": ErrBlocked, "http://LOCALHOST./": ErrBlocked, "http://[::ffff:127.0.0.1]/": ErrBlocked,
		"http://2130706433/": ErrBlocked, "http://１２７.0.0.1/": ErrBlocked, "http://169.254.169.254/": ErrBlocked,
		"http://metadata.google.internal/": ErrBlocked, "https://[fd00:ec2::254]/": ErrBlocked,
	} {
		if got := g.CheckTarget(target); !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", target, got, want)
		}
	}
	var invalid *hook.InvalidError
	for _, target := range []string{"", "ftp://example.com/", "http:///x", "http://user@example.com/"} {
		if got := g.CheckTarget(target); !errors.As(got, &invalid) {
			t.Errorf("%s: %v, want that it is no target", target, got)
		}
	}
}

func FuzzGuardCheck(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1}, uint16(80))
	f.Add([]byte{0x20, 0x02, 169, 254, 169, 254, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, uint16(80))
	everything, err := NewGuard(GuardConfig{Allowed: prefixes("0.0.0.0/0", "::/0")})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte, port uint16) {
		addr, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		target := netip.AddrPortFrom(addr, port)
		if (&Guard{}).Check(target) == nil && everything.Check(target) != nil {
			t.Errorf("%s: allowing everything closes it", addr)
		}
		if everything.Check(target) == nil && contains(never, addr.Unmap()) {
			t.Errorf("%s is open", addr)
		}
	})
}

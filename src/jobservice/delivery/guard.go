package delivery

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// ErrBlocked says that deliveries may not go to an address. It does not say why,
// so that nobody can map a network by asking.
var ErrBlocked = errors.New("target address is not allowed")

// GuardConfig is what an operator decides about addresses. Public addresses are
// open; loopback, private and other special-purpose ones are closed unless they
// are in Allowed; metadata services, link-local and multicast addresses stay
// closed whatever Allowed says.
type GuardConfig struct {
	// Allowed opens networks that are closed by default.
	Allowed []netip.Prefix
	// Denied closes networks. It counts more than Allowed.
	Denied []netip.Prefix
	// Ports are the ports that may be called; empty means all.
	Ports []uint16
}

// Guard decides which addresses may be called. It decides about the concrete
// address that is about to be dialled, so that no trick with names gets past
// it. The zero Guard allows public addresses only. A Guard is safe for
// concurrent use.
type Guard struct {
	allowed, denied []netip.Prefix
	ports           []uint16
}

// NewGuard returns a guard for the operator's decisions. It fails on networks
// that are not valid or mix IPv4 and IPv6, and on port 0.
func NewGuard(cfg GuardConfig) (*Guard, error) {
	allowed, err := canonicalAll(cfg.Allowed)
	if err != nil {
		return nil, fmt.Errorf("allowed networks: %w", err)
	}
	denied, err := canonicalAll(cfg.Denied)
	if err != nil {
		return nil, fmt.Errorf("denied networks: %w", err)
	}
	if slices.Contains(cfg.Ports, 0) {
		return nil, errors.New("allowed ports: 0 is not a port")
	}
	return &Guard{allowed: allowed, denied: denied, ports: slices.Clone(cfg.Ports)}, nil
}

func canonicalAll(networks []netip.Prefix) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, n := range networks {
		c, err := canonical(n)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Check returns ErrBlocked if the address or port may not be called, nil
// otherwise. An IPv6 address that carries an IPv4 address passes only if both do.
func (g *Guard) Check(target netip.AddrPort) error {
	addr := target.Addr().WithZone("").Unmap()
	if !addr.IsValid() || !g.portOpen(target.Port()) || !g.addrOpen(addr) {
		return ErrBlocked
	}
	for _, inner := range carried(addr) {
		if !g.addrOpen(inner) {
			return ErrBlocked
		}
	}
	return nil
}

func (g *Guard) portOpen(port uint16) bool {
	return len(g.ports) == 0 || slices.Contains(g.ports, port)
}

func (g *Guard) addrOpen(addr netip.Addr) bool {
	if contains(never, addr) || contains(g.denied, addr) {
		return false
	}
	return contains(g.allowed, addr) || public(addr)
}

func public(addr netip.Addr) bool {
	if addr.Is4() {
		return !contains(special4, addr)
	}
	return global6.Contains(addr) && !contains(special6, addr)
}

package app

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// behindProxies tells the handler the address of the client, where the request
// comes from a trusted proxy: the last one that X-Forwarded-For names and that is
// no such proxy itself. What others say of themselves in that header is not
// believed. The port is lost on the way.
func behindProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client, ok := clientBehind(trusted, r); ok {
			clone := *r // the request is the server's, and its log has the proxy's address
			clone.RemoteAddr = net.JoinHostPort(client.String(), "0")
			r = &clone
		}
		next.ServeHTTP(w, r)
	})
}

// clientBehind returns the client on whose behalf a trusted proxy asks. A header
// that cannot be read to its client leaves the proxy's own address.
func clientBehind(trusted []netip.Prefix, r *http.Request) (netip.Addr, bool) {
	proxy, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !within(trusted, proxy.Addr()) {
		return netip.Addr{}, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return netip.Addr{}, false
		}
		if !within(trusted, addr) {
			return addr.Unmap(), true
		}
	}
	return netip.Addr{}, false
}

// insider says whether the client is in one of the networks. No network at all
// means every client. The sender of a request that comes from no address is none.
func insider(networks []netip.Prefix) func(*http.Request) bool {
	return func(r *http.Request) bool {
		client, err := netip.ParseAddrPort(r.RemoteAddr)
		return len(networks) == 0 || err == nil && within(networks, client.Addr())
	}
}

func within(networks []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

package delivery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// dialer opens connections to what the guard allows. The guard decides twice:
// about what the host plainly is, before anything leaves this machine, and about
// each address that a name resolved to, when its socket exists but is not
// connected. Addresses that are refused are left out; the others are tried.
type dialer struct {
	guard *Guard
	net   net.Dialer
	// proxy, if set, is what connections are made through.
	proxy *proxy
}

func newDialer(guard *Guard, resolver *net.Resolver, timeout time.Duration, through *url.URL) *dialer {
	if resolver == nil {
		// Go's own resolver, since others take "127.1" or "0x7f000001" for addresses.
		resolver = &net.Resolver{PreferGo: true}
	}
	d := &dialer{guard: guard, proxy: newProxy(through)}
	d.net = net.Dialer{
		Timeout:        timeout,
		KeepAlive:      30 * time.Second,
		Resolver:       resolver,
		ControlContext: d.control,
	}
	return d
}

// dialError is a failure before the connection stood, with its result.
type dialError struct {
	result hook.Result
	err    error
}

func (e *dialError) Error() string { return fmt.Sprintf("dial: %s: %v", e.result, e.err) }
func (e *dialError) Unwrap() error { return e.err }

// verdicts counts what the guard said during one dial. Two addresses may be
// tried at once.
type verdicts struct{ refused, allowed atomic.Int32 }

type verdictsKey struct{}

// DialContext connects to host:port, or returns a *dialError.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := d.guard.checkHost(address); err != nil {
		return nil, &dialError{hook.ResultBlocked, err}
	}
	if d.proxy != nil {
		return d.dialThrough(ctx, address)
	}
	var v verdicts
	conn, err := d.net.DialContext(context.WithValue(ctx, verdictsKey{}, &v), network, address)
	if err == nil {
		return &watchedConn{Conn: conn}, nil
	}
	var dns *net.DNSError
	switch {
	case v.refused.Load() > 0 && v.allowed.Load() == 0:
		return nil, &dialError{hook.ResultBlocked, ErrBlocked}
	case errors.As(err, &dns):
		return nil, &dialError{hook.ResultDNSError, err}
	case errors.Is(err, syscall.ECONNRESET):
		return nil, &dialError{hook.ResultReset, err} // stood for a moment; a closed port refuses
	default:
		return nil, &dialError{hook.ResultConnectFailed, err}
	}
}

// control is called with each address just before it is connected to.
func (d *dialer) control(ctx context.Context, network, address string, _ syscall.RawConn) error {
	err := d.checkSocket(network, address)
	if v, ok := ctx.Value(verdictsKey{}).(*verdicts); ok {
		if err != nil {
			v.refused.Add(1)
		} else {
			v.allowed.Add(1)
		}
	}
	return err
}

func (d *dialer) checkSocket(network, address string) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return ErrBlocked
	}
	return d.guard.Check(target)
}

// watchedConn remembers that the other side broke off: net/http reports half a
// header line as a malformed one.
type watchedConn struct {
	net.Conn
	ended atomic.Bool
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.ended.Store(true)
	}
	return n, err
}

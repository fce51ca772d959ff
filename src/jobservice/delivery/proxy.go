package delivery

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// maxProxyAnswer bounds the head of a proxy's answer.
const maxProxyAnswer = 16 << 10

// proxy is an HTTP proxy that takes CONNECT. The operator has chosen it, so the
// guard is not asked about its own address.
type proxy struct {
	addr   string
	header http.Header
	net    net.Dialer
}

// newProxy returns the proxy at an http:// URL; nil means none.
func newProxy(u *url.URL) *proxy {
	if u == nil {
		return nil
	}
	p := &proxy{addr: net.JoinHostPort(u.Hostname(), portOf(u)), header: http.Header{}}
	if u.User != nil {
		password, _ := u.User.Password()
		pair := u.User.Username() + ":" + password
		p.header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	return p
}

// dialThrough has the proxy connect to host:port, whose plain host the guard has
// allowed. The name is looked up here, and the proxy is asked for one of the
// addresses that the guard allows, not for the name: it could mean another one by
// then, and the guard sees nothing behind a proxy.
func (d *dialer) dialThrough(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.net.Timeout)
	defer cancel()
	allowed, err := d.lookUp(ctx, address)
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, target := range allowed {
		conn, err := d.proxy.connect(ctx, target)
		if err == nil {
			return &watchedConn{Conn: conn}, nil
		}
		failures = append(failures, err)
	}
	return nil, &dialError{hook.ResultConnectFailed, errors.Join(failures...)}
}

// lookUp returns the addresses of host:port that may be called, of which there is
// at least one.
func (d *dialer) lookUp(ctx context.Context, address string) ([]netip.AddrPort, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &dialError{hook.ResultBlocked, ErrBlocked}
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, &dialError{hook.ResultBlocked, ErrBlocked}
	}
	found, err := d.net.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, &dialError{hook.ResultDNSError, err}
	}
	var allowed []netip.AddrPort
	for _, addr := range found {
		target := netip.AddrPortFrom(addr.Unmap().WithZone(""), uint16(port))
		if d.guard.Check(target) == nil {
			allowed = append(allowed, target)
		}
	}
	if len(allowed) == 0 {
		return nil, &dialError{hook.ResultBlocked, ErrBlocked}
	}
	return allowed, nil
}

// connect returns a connection to target, made by the proxy.
func (p *proxy) connect(ctx context.Context, target netip.AddrPort) (net.Conn, error) {
	conn, err := p.net.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, fmt.Errorf("connect to the proxy: %w", err)
	}
	// The proxy may fall silent: a deadline that passed ends what waits for it.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	answered, err := p.ask(conn, target)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &tunnel{Conn: conn, read: answered, target: net.TCPAddrFromAddrPort(target)}, nil
}

// ask asks for a connection and returns what is to be read from it.
func (p *proxy) ask(conn net.Conn, target netip.AddrPort) (io.Reader, error) {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target.String()}, Host: target.String(), Header: p.header}
	if err := req.Write(conn); err != nil {
		return nil, fmt.Errorf("ask the proxy: %w", err)
	}
	head := &io.LimitedReader{R: conn, N: maxProxyAnswer}
	buffered := bufio.NewReader(head)
	resp, err := http.ReadResponse(buffered, req) //nolint:bodyclose // the body is the connection
	if err != nil {
		return nil, fmt.Errorf("the proxy's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the proxy answered %d", resp.StatusCode)
	}
	already := io.LimitReader(buffered, int64(buffered.Buffered()))
	return io.MultiReader(already, conn), nil
}

// tunnel is a connection through a proxy.
type tunnel struct {
	net.Conn
	read   io.Reader
	target net.Addr
}

func (t *tunnel) Read(p []byte) (int, error) { return t.read.Read(p) }

// RemoteAddr is where the proxy has connected to.
func (t *tunnel) RemoteAddr() net.Addr { return t.target }

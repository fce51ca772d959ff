package postgres

import (
	"context"
	"errors"
	"net"
	"os"
	"time"
)

// dialer makes connections on which a server must not be silent for too long when
// an answer is awaited. Without that, a statement on a connection that a network
// has dropped without a word would hold up everything behind it for ever.
type dialer struct {
	net.Dialer
	silence time.Duration
	// silent, if set, is told of a connection that was silent for too long: others
	// that go the same way are likely to be dead as well.
	silent func()
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, silence: d.silence, silent: d.silent}, nil
}

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// conn reads only when an answer is awaited: lib/pq does not read from idle
// connections.
type conn struct {
	net.Conn
	silence time.Duration
	silent  func()
	// bounded says that lib/pq has set a deadline of its own, as it does until the
	// connection stands.
	bounded bool
}

func (c *conn) SetDeadline(t time.Time) error {
	c.bounded = !t.IsZero()
	return c.Conn.SetDeadline(t)
}

func (c *conn) Read(b []byte) (int, error) {
	if !c.bounded {
		if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(b)
	return n, c.heard(err)
}

func (c *conn) Write(b []byte) (int, error) {
	if !c.bounded {
		if err := c.SetWriteDeadline(time.Now().Add(c.silence)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Write(b)
	return n, c.heard(err)
}

// heard tells of a silence.
func (c *conn) heard(err error) error {
	if !c.bounded && c.silent != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		c.silent()
	}
	return err
}

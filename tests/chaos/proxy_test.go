package chaos

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// cut is a way for a network to fail.
type cut string

// The cuts. They last until the proxy passes again, but what was swallowed by
// then stays lost, and the connection silent.
const (
	whole cut = ""
	// reset breaks connections off, and every new one at once.
	reset cut = "reset"
	// blackHole takes everything and answers nothing.
	blackHole cut = "black hole"
	// slow holds every answer back for 2 s.
	slow cut = "latency 2 s"
	// halfOpen ends a connection at the server without a word to the client. New
	// ones are whole.
	halfOpen cut = "half-open"
	// beforeReply lets the request through and breaks off when the answer comes.
	beforeReply cut = "cut before the reply"
)

// proxy is a network between clients and a server.
type proxy struct {
	addr string
	done sync.WaitGroup

	mu    sync.Mutex
	to    string
	how   cut
	links map[*link]bool
}

// link is a connection through the proxy.
type link struct {
	client, server net.Conn
	silent         bool // nothing goes through any more
}

// newProxy starts a proxy to an address, which may be set later.
func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	p := &proxy{addr: harness.FreeAddr(t), to: to, links: map[*link]bool{}}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatalf("start a proxy: %v", err)
	}
	p.done.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // closed
			}
			p.done.Go(func() { p.connect(client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.set(reset)
		p.done.Wait()
	})
	return p
}

// lead makes the proxy lead to an address.
func (p *proxy) lead(to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = to
}

// set cuts the network, or makes it whole again.
func (p *proxy) set(how cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.how = how
	for l := range p.links {
		switch how {
		case reset:
			breakOff(l.client)
			breakOff(l.server)
		case blackHole:
			l.silent = true
		case halfOpen:
			l.silent = true
			breakOff(l.server)
		case whole, slow, beforeReply: // pump sees to it
		}
	}
}

// breakOff ends a connection with a reset.
func breakOff(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

func (p *proxy) connect(client net.Conn) {
	p.mu.Lock()
	to, how := p.to, p.how
	p.mu.Unlock()
	server, err := net.Dial("tcp", to)
	if err != nil || how == reset {
		breakOff(client)
		if err == nil {
			server.Close()
		}
		return
	}
	l := &link{client: client, server: server, silent: how == blackHole}
	p.mu.Lock()
	p.links[l] = true
	p.mu.Unlock()
	var replies sync.WaitGroup
	replies.Go(func() {
		if p.pump(l, server, client, true) {
			client.Close()
		}
	})
	p.pump(l, client, server, false)
	client.Close()
	server.Close()
	replies.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// pump carries bytes until one side ends. It returns false if the other side must
// not learn of it.
func (p *proxy) pump(l *link, from, to net.Conn, replies bool) bool {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		how, silent := p.how, l.silent
		p.mu.Unlock()
		switch {
		case err != nil:
			return !silent
		case silent:
			continue
		case how == beforeReply && replies:
			breakOff(from)
			breakOff(to)
			return true
		case how == slow && replies:
			<-time.After(2 * time.Second)
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return true
		}
	}
}

package delivery

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/harborhook/harborhook/src/hook"
)

// names is a name server: host name without dot to addresses, or to another
// name. It says nothing about "silent.test".
type names map[string][]string

func (n names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			size, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := n.answer(buf[:size]); answer != nil {
				server.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() { server.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func (n names) answer(query []byte) []byte {
	var msg dnsmessage.Message
	if msg.Unpack(query) != nil || len(msg.Questions) == 0 {
		return nil
	}
	q := msg.Questions[0]
	host := strings.TrimSuffix(q.Name.String(), ".")
	if host == "silent.test" {
		return nil
	}
	msg.Header.Response, msg.Header.RecursionAvailable, msg.Additionals = true, true, nil
	if n[host] == nil {
		msg.Header.RCode = dnsmessage.RCodeNameError
	}
	n.fill(&msg, q.Name, q.Type)
	out, err := msg.Pack()
	if err != nil {
		return nil
	}
	return out
}

func (n names) fill(msg *dnsmessage.Message, name dnsmessage.Name, kind dnsmessage.Type) {
	head := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 1}
	for _, value := range n[strings.TrimSuffix(name.String(), ".")] {
		addr, err := netip.ParseAddr(value)
		var body dnsmessage.ResourceBody
		switch {
		case err != nil:
			alias := dnsmessage.MustNewName(value + ".")
			msg.Answers = append(msg.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.CNAMEResource{CNAME: alias}})
			n.fill(msg, alias, kind)
			continue
		case addr.Is4() && kind == dnsmessage.TypeA:
			body = &dnsmessage.AResource{A: addr.As4()}
		case addr.Is6() && kind == dnsmessage.TypeAAAA:
			body = &dnsmessage.AAAAResource{AAAA: addr.As16()}
		default:
			continue
		}
		msg.Answers = append(msg.Answers, dnsmessage.Resource{Header: head, Body: body})
	}
}

func TestBlockedTargetsAreNotReached(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	srv.Config.ConnState = func(net.Conn, http.ConnState) { reached.Add(1) }
	t.Cleanup(srv.Close)
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	resolver := names{
		"private.test": {"127.0.0.1"},
		"mapped.test":  {"::ffff:127.0.0.1"},
		"six.test":     {"::1"},
		"both.test":    {"127.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"},
		"alias.test":   {"alias2.test"},
		"alias2.test":  {"private.test"},
	}.resolver(t)
	strict := New(Config{Timeout: patience, Resolver: resolver})
	t.Cleanup(strict.Close)
	private := local(t, func(c *Config) {
		c.Resolver = resolver
		c.Guard = guard(t, GuardConfig{Allowed: networks(t, "private")})
	})
	for host := range strings.FieldsSeq(`127.0.0.1 127.8.8.8 localhost LOCALHOST localhost. app.localhost 127.1 2130706433 0x7f000001
		0177.0.0.1 0x7f.1 0 0.0.0.0 １２７.0.0.1 [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [::1%25lo] [fe80::1%25lo]
		169.254.169.254 [::ffff:a9fe:a9fe] [fd00:ec2::254] 100.100.100.200 168.63.129.16 metadata.google.internal METADATA.google.internal.
		[64:ff9b::a9fe:a9fe] [64:ff9b::7f00:1] [2002:7f00:1::]
		private.test mapped.test six.test both.test alias.test`) {
		for _, c := range []*Client{strict, private} {
			got := c.Send(t.Context(), to("http://"+host+":"+port+"/"))
			if got.Result != hook.ResultBlocked || got.Result.Retriable() || got.RemoteAddr != "" || got.Error != ErrBlocked.Error() {
				t.Errorf("%s: %s (%s), want blocked", host, got.Result, got.Error)
			}
		}
	}
	if reached.Load() != 0 {
		t.Error("the listener was reached")
	}
}

func TestOnlyAllowedAddressesOfANameAreDialled(t *testing.T) {
	t.Parallel()
	address := receiver(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	_, port, _ := net.SplitHostPort(address)
	c := local(t, func(c *Config) {
		c.Guard = guard(t, GuardConfig{Allowed: networks(t, "127.0.0.1/32")})
		c.Resolver = names{"mixed.test": {"169.254.169.254", "127.0.0.2", "10.0.0.1", "127.0.0.1", "::1"}}.resolver(t)
	})
	got := c.Send(t.Context(), to("http://mixed.test:"+port+"/"))
	if got.Result != hook.ResultOK || got.RemoteAddr != address {
		t.Errorf("%s (%s) at %q, want ok at %s", got.Result, got.Error, got.RemoteAddr, address)
	}
}

func TestAnAllowedAddressThatRefusesIsNotBlocked(t *testing.T) {
	t.Parallel()
	c := local(t, func(c *Config) {
		c.Guard = guard(t, GuardConfig{Allowed: networks(t, "127.0.0.1/32")})
		c.Resolver = names{"mixed.test": {"127.0.0.2", "127.0.0.1"}}.resolver(t)
	})
	if got := c.Send(t.Context(), to("http://mixed.test:1/")); got.Result != hook.ResultConnectFailed {
		t.Errorf("%s (%s), want connect_failed", got.Result, got.Error)
	}
}

func TestClosedPortsAreBlocked(t *testing.T) {
	t.Parallel()
	g := guard(t, GuardConfig{Allowed: loopbackNetworks, Ports: []uint16{443}})
	c := local(t, func(c *Config) { c.Guard = g })
	for _, host := range []string{"127.0.0.1", "name.invalid"} {
		if got := c.Send(t.Context(), to("http://"+host+":6379/")); got.Result != hook.ResultBlocked {
			t.Errorf("%s: %s (%s), want blocked", host, got.Result, got.Error)
		}
	}
}

func TestLookupsThatFail(t *testing.T) {
	t.Parallel()
	resolver := names{"empty.test": {}}.resolver(t)
	for host, timeout := range map[string]time.Duration{"nobody.test": patience, "empty.test": patience, "silent.test": 200 * time.Millisecond} {
		c := local(t, within(timeout), func(c *Config) { c.Resolver = resolver })
		got := c.Send(t.Context(), to("http://"+host+"/"))
		if got.Result != hook.ResultDNSError || strings.Contains(got.Error, host) || got.Error == "" {
			t.Errorf("%s: %s (%s), want dns_error without the name", host, got.Result, got.Error)
		}
	}
}

func TestEndsInNumber(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.1": true, "0x7f.1": true, "0x7f000001": true, "2130706433": true, "0": true, "a.0x": true, "example.1": true,
		"example.com": false, "x1": false, "1x": false, "1.example": false, "0xyz": false, "deadbeef": false, "": false,
	} {
		if got := endsInNumber(host); got != want {
			t.Errorf("endsInNumber(%q) = %v, want %v", host, got, want)
		}
	}
}

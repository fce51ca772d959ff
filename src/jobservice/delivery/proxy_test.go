package delivery

import (
	"bufio"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// egress is a proxy that connects everything to one receiver, and remembers what
// it was asked.
type egress struct {
	url *url.URL

	mu    sync.Mutex
	asked []string
	auth  []string
}

func newEgress(t *testing.T, behind string) *egress {
	t.Helper()
	e := &egress{}
	address := receiver(t, func(conn net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		e.mu.Lock()
		e.asked = append(e.asked, req.Method+" "+req.Host)
		e.auth = append(e.auth, req.Header.Get("Proxy-Authorization"))
		e.mu.Unlock()
		onward, err := net.Dial("tcp", behind)
		if err != nil {
			return
		}
		defer onward.Close()
		io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			io.Copy(onward, conn)
			onward.Close()
		}()
		io.Copy(conn, onward)
	})
	e.url = &url.URL{Scheme: "http", Host: address, User: url.UserPassword("u", "p")}
	return e
}

func (e *egress) requests() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

// through returns a client that may call public addresses, through a proxy.
func through(t *testing.T, proxy *url.URL, resolver *net.Resolver, change ...func(*Config)) *Client {
	t.Helper()
	return local(t, append([]func(*Config){func(c *Config) { c.Guard, c.Proxy, c.Resolver = &Guard{}, proxy, resolver }}, change...)...)
}

func TestAProxyIsAskedForTheAddressThatWasChecked(t *testing.T) {
	t.Parallel()
	var got http.Header
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() })
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	resolver := names{"example.com": {"10.0.0.1", "93.184.216.34", "169.254.169.254", "::1"}}.resolver(t)
	for target, c := range map[string]struct {
		server *httptest.Server
		want   string
	}{
		"http://example.com/hook":        {plain, "93.184.216.34:80"},
		"https://example.com/hook":       {secure, "93.184.216.34:443"},
		"http://93.184.216.35:8080/hook": {plain, "93.184.216.35:8080"},
	} {
		e := newEgress(t, c.server.Listener.Addr().String())
		client := through(t, e.url, resolver, func(c *Config) { c.RootCAs = roots })
		attempt := client.Send(t.Context(), to(target))
		if attempt.Result != hook.ResultOK || attempt.RemoteAddr != c.want {
			t.Errorf("%s: %s (%s) at %q", target, attempt.Result, attempt.Error, attempt.RemoteAddr)
		}
		if asked := e.requests(); !slices.Equal(asked, []string{"CONNECT " + c.want}) || e.auth[0] != "Basic dTpw" {
			t.Errorf("%s: the proxy was asked %q with %q", target, asked, e.auth)
		}
		if got.Get("Proxy-Authorization") != "" {
			t.Errorf("%s: the receiver is told the proxy's password", target)
		}
		client.Close()
	}
}

func TestAProxyIsNotAskedForWhatTheGuardRefuses(t *testing.T) {
	t.Parallel()
	e := newEgress(t, "127.0.0.1:1")
	client := through(t, e.url, names{
		"private.test": {"10.0.0.1"}, "metadata.test": {"169.254.169.254"}, "alias.test": {"private.test"},
	}.resolver(t))
	for host := range strings.FieldsSeq(`127.0.0.1 localhost 10.0.0.1 [::1] [64:ff9b::a00:1] 169.254.169.254 2130706433
		metadata.google.internal private.test metadata.test alias.test`) {
		if got := client.Send(t.Context(), to("http://"+host+"/")); got.Result != hook.ResultBlocked {
			t.Errorf("%s: %s (%s), want blocked", host, got.Result, got.Error)
		}
	}
	if got := client.Send(t.Context(), to("http://nobody.test/")); got.Result != hook.ResultDNSError {
		t.Errorf("unknown name: %s (%s)", got.Result, got.Error)
	}
	if asked := e.requests(); len(asked) != 0 {
		t.Errorf("the proxy was asked %q", asked)
	}
}

func TestAProxyThatFailsIsAFailureToConnect(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(net.Conn){
		"refuses":          answering("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
		"wants a password": answering("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
		"hangs up":         answering(""),
		"is no proxy":      answering("SSH-2.0-x\r\n"),
		"never ends":       func(conn net.Conn) { drip(conn, "HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 4096)) },
		"is silent":        silent,
		"resets":           reset,
	} {
		proxy := &url.URL{Scheme: "http", Host: receiver(t, serve)}
		got := through(t, proxy, nil, within(time.Second)).Send(t.Context(), to("http://93.184.216.34/"))
		if got.Result != hook.ResultConnectFailed || strings.Contains(got.Error, proxy.Host) {
			t.Errorf("%s: %s (%s), want connect_failed", name, got.Result, got.Error)
		}
	}
}

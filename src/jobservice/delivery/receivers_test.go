package delivery

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/hook"
)

// What becomes of attempts at receivers that never answer properly.
func TestReceiversWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	header := "HTTP/1.1 200 OK\r\nX-Filler: "
	for _, tc := range []struct {
		name  string
		serve func(net.Conn)
		want  hook.Result
	}{
		{"hangs up at once", func(net.Conn) {}, hook.ResultReset},
		{"resets at the first byte", func(c net.Conn) { c.Read(make([]byte, 1)); reset(c) }, hook.ResultReset},
		{"hangs up after the request", answering(""), hook.ResultReset},
		{"resets after the request", func(c net.Conn) { readRequest(c); reset(c) }, hook.ResultReset},
		{"hangs up in the status line", answering("HTTP/1.1 20"), hook.ResultReset},
		{"hangs up in the headers", answering("HTTP/1.1 200 OK\r\nContent-Le"), hook.ResultReset},
		{"hangs up after 100", answering("HTTP/1.1 100 Continue\r\n\r\n"), hook.ResultReset},
		{"is silent", silent, hook.ResultTimeout},
		{"drips headers", func(c net.Conn) { readRequest(c); drip(c, header, "a") }, hook.ResultTimeout},
		{"drips 1xx", func(c net.Conn) { readRequest(c); drip(c, "", "HTTP/1.1 102 Wait\r\n\r\n") }, hook.ResultTimeout},
		{"speaks SMTP", answering("220 mail.example.com ESMTP\r\n"), hook.ResultInvalidResponse},
		{"speaks HTTP/0.9", answering("<html>hello</html>\n"), hook.ResultInvalidResponse},
		{"greets first", func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n"); silent(c) }, hook.ResultInvalidResponse},
		{"speaks TLS", func(c net.Conn) { readRequest(c); io.WriteString(c, "\x15\x03\x01\x00\x02\x02\x46"); silent(c) }, hook.ResultTimeout},
		{"speaks HTTP/2 unasked", answering("\x00\x00\x00\x04\x00\x00\x00\x00\x00" + strings.Repeat("\n", 9)), hook.ResultInvalidResponse},
		{"sends NULs", answering(strings.Repeat("\x00", 100) + "\r\n\r\n"), hook.ResultInvalidResponse},
		{"has a status in words", answering("HTTP/1.1 fine OK\r\n\r\n"), hook.ResultInvalidResponse},
		{"has a negative status", answering("HTTP/1.1 -20 OK\r\n\r\n"), hook.ResultInvalidResponse},
		{"has a status of four digits", answering("HTTP/1.1 2000 OK\r\n\r\n"), hook.ResultInvalidResponse},
		{"has status 000", answering("HTTP/1.1 000 OK\r\n\r\n"), hook.ResultInvalidResponse},
		{"has status 042", answering("HTTP/1.1 042 OK\r\n\r\n"), hook.ResultInvalidResponse},
		{"has a header without colon", answering("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"), hook.ResultInvalidResponse},
		{"has two lengths", answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), hook.ResultInvalidResponse},
		{"has a length in words", answering("HTTP/1.1 200 OK\r\nContent-Length: all\r\n\r\nab"), hook.ResultInvalidResponse},
		{"has an unknown transfer encoding", answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: zip\r\n\r\nab"), hook.ResultInvalidResponse},
		{"has one huge header", answering(header + strings.Repeat("a", 20<<20) + "\r\n\r\n"), hook.ResultInvalidResponse},
		{"has many headers", answering("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: b\r\n", 1<<20) + "\r\n"), hook.ResultInvalidResponse},
		{"floods with 1xx", answering(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 1<<16)), hook.ResultInvalidResponse},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var change []func(*Config)
			if tc.want == hook.ResultTimeout {
				change = append(change, within(200*time.Millisecond))
			}
			address := receiver(t, tc.serve)
			got := local(t, change...).Send(t.Context(), to("http://"+address+"/"))
			if got.Result != tc.want {
				t.Errorf("result %s (%s), want %s", got.Result, got.Error, tc.want)
			}
			if got.Error == "" || strings.Contains(got.Error, "127.0.0.1") {
				t.Errorf("error is %q, want one without the address", got.Error)
			}
			if got.RemoteAddr != address {
				t.Errorf("remote address %q, want %q", got.RemoteAddr, address)
			}
		})
	}
}

// What becomes of attempts whose answer is odd, but an answer.
func TestReceiversWithAnAnswer(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("a", hook.MaxStoredBody)
	for _, tc := range []struct {
		name      string
		serve     func(net.Conn)
		want      hook.Result
		status    int
		body      string
		truncated bool
	}{
		{"200", answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), hook.ResultOK, 200, "ok", false},
		{"200 until end of file", answering("HTTP/1.0 200 OK\r\n\r\nok"), hook.ResultOK, 200, "ok", false},
		{"200 after 1xx", answering("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), hook.ResultOK, 200, "ok", false},
		{"204 with a body", answering("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nno"), hook.ResultOK, 204, "", false},
		{"299", answering("HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n"), hook.ResultOK, 299, "", false},
		{"101", answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw"), hook.ResultHTTPError, 101, "", false},
		{"300", answering("HTTP/1.1 300 Many\r\nContent-Length: 0\r\n\r\n"), hook.ResultHTTPError, 300, "", false},
		{"401", answering("HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"), hook.ResultHTTPError, 401, "", false},
		{"429", answering("HTTP/1.1 429 Slow\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n"), hook.ResultHTTPError, 429, "", false},
		{"503", answering("HTTP/1.1 503 Gone\r\nRetry-After: -1\r\nContent-Length: 0\r\n\r\n"), hook.ResultHTTPError, 503, "", false},
		{"999", answering("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"), hook.ResultHTTPError, 999, "", false},
		{"body broken off", answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhal"), hook.ResultOK, 200, "hal", true},
		{"chunk broken off", answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhal\r\nff\r\n"), hook.ResultOK, 200, "hal", true},
		{"chunk without a size", answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhal\r\nxyz\r\n"), hook.ResultOK, 200, "hal", true},
		{"body reset", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\n")
			reset(c)
		}, hook.ResultHTTPError, 500, "", true},
		{"as much as is stored", answering("HTTP/1.1 200 OK\r\n\r\n" + full), hook.ResultOK, 200, full, false},
		{"one byte more", answering("HTTP/1.1 200 OK\r\n\r\n" + full + "b"), hook.ResultOK, 200, full, true},
		{"endless chunks", func(c net.Conn) {
			readRequest(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for {
				if _, err := fmt.Fprintf(c, "%x\r\n%s\r\n", len(full), full); err != nil {
					return
				}
			}
		}, hook.ResultOK, 200, full, true},
		{"NUL and bad UTF-8", answering("HTTP/1.1 200 OK\r\n\r\na\x00b\xff\xfec"), hook.ResultOK, 200, "a\uFFFDb\uFFFDc", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := local(t).Send(t.Context(), to("http://"+receiver(t, tc.serve)+"/"))
			if got.Result != tc.want || got.Response == nil {
				t.Fatalf("result %s (%s), want %s and a response", got.Result, got.Error, tc.want)
			}
			if got.Response.Status != tc.status || got.Response.Body != tc.body || got.Response.Truncated != tc.truncated {
				t.Errorf("status %d, body %.40q of %d, truncated %v, want %d, %.40q of %d, %v",
					got.Response.Status, got.Response.Body, len(got.Response.Body), got.Response.Truncated,
					tc.status, tc.body, len(tc.body), tc.truncated)
			}
			if (got.Error == "") != (got.Result == hook.ResultOK) {
				t.Errorf("result %s with error %q", got.Result, got.Error)
			}
		})
	}
}

func TestStatusDecidesWhenTheBodyDripsPastTheDeadline(t *testing.T) {
	t.Parallel()
	address := receiver(t, func(c net.Conn) {
		readRequest(c)
		drip(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "a")
	})
	got := local(t, within(300*time.Millisecond)).Send(t.Context(), to("http://"+address+"/"))
	if got.Result != hook.ResultOK || got.Response == nil || !got.Response.Truncated {
		t.Errorf("got %+v, want ok, truncated", got)
	}
	if got.Duration < 300*time.Millisecond || got.Duration > patience/2 {
		t.Errorf("took %s, want the deadline", got.Duration)
	}
}

func TestEveryStatusIsAnAnswer(t *testing.T) {
	t.Parallel()
	for status := range 1000 {
		result, text := judge(status)
		want := hook.ResultHTTPError
		if status >= 200 && status < 300 {
			want = hook.ResultOK
		} else if status < 100 {
			want = hook.ResultInvalidResponse
		}
		if result != want || (text == "") != (want == hook.ResultOK) || result.Retriable() {
			t.Errorf("%d: %s %q, want %s, once", status, result, text, want)
		}
	}
}

func TestCompressedBodiesStayCompressed(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	zip.Write(make([]byte, 16<<20))
	zip.Close()
	address := receiver(t, answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"+bomb.String()))
	got := local(t).Send(t.Context(), to("http://"+address+"/"))
	if got.Response == nil || !strings.HasPrefix(got.Response.Body, "\x1f") || len(got.Response.Body) > hook.MaxStoredBody {
		t.Errorf("got %s, want the compressed bytes", got.Result)
	}
}

func TestBodiesThatGrowByCleaningAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	address := receiver(t, answering("HTTP/1.1 200 OK\r\n\r\nxx"+strings.Repeat("\x00", hook.MaxStoredBody-2)))
	got := local(t).Send(t.Context(), to("http://"+address+"/"))
	if got.Response == nil || !got.Response.Truncated || !utf8.ValidString(got.Response.Body) ||
		len(got.Response.Body) > hook.MaxStoredBody || len(got.Response.Body) < hook.MaxStoredBody-2 {
		t.Errorf("got %s, want a valid body of about 64 KiB", got.Result)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for _, location := range []string{elsewhere.URL, "/", "http://169.254.169.254/latest", "file:///etc/passwd", "://"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			address := receiver(t, answering(fmt.Sprintf("HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, location)))
			got := local(t).Send(t.Context(), to("http://"+address+"/"))
			if got.Result != hook.ResultHTTPError || got.Response == nil || got.Response.Status != status {
				t.Errorf("%d to %s: %s (%s), want http_error with that status", status, location, got.Result, got.Error)
			}
		}
	}
	if followed.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

func TestCookiesAreNeitherKeptNorShown(t *testing.T) {
	t.Parallel()
	var resent atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resent.Add(int32(len(r.Cookies())))
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "c00kie"})
	}))
	t.Cleanup(srv.Close)
	c := local(t)
	for range 2 {
		got := c.Send(t.Context(), to(srv.URL))
		if got.Response == nil || got.Response.Headers["Set-Cookie"][0] != hook.Mask {
			t.Fatalf("%s, response %+v, want a masked cookie", got.Result, got.Response)
		}
	}
	if resent.Load() != 0 {
		t.Error("a cookie was sent back")
	}
}

func TestRefusedConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	got := local(t).Send(t.Context(), to("http://"+l.Addr().String()+"/"))
	if got.Result != hook.ResultConnectFailed || got.RemoteAddr != "" || got.Response != nil {
		t.Errorf("got %+v, want connect_failed", got)
	}
}

func TestTLSReceivers(t *testing.T) {
	t.Parallel()
	trusted := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(trusted.Close)
	old := httptest.NewUnstartedServer(nil)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.Config.ErrorLog = quiet()
	old.StartTLS()
	t.Cleanup(old.Close)
	trusted.Config.ErrorLog = quiet()

	roots := trusted.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	trust := func(c *Config) { c.RootCAs = roots }
	_, port, _ := net.SplitHostPort(trusted.Listener.Addr().String())
	alert := func(code string) func(net.Conn) {
		return func(c net.Conn) { io.WriteString(c, "\x15\x03\x03\x00\x02\x02"+code); silent(c) }
	}

	for _, tc := range []struct {
		name       string
		address    string
		skipVerify bool
		change     []func(*Config)
		want       hook.Result
		text       string
	}{
		{"trusted", trusted.URL, false, []func(*Config){trust}, hook.ResultOK, ""},
		{"self-signed", trusted.URL, false, nil, hook.ResultTLSError, "unknown authority"},
		{"self-signed, not verified", trusted.URL, true, nil, hook.ResultOK, ""},
		{"self-signed, verified by order", trusted.URL, true, []func(*Config){func(c *Config) { c.ForbidSkipVerify = true }}, hook.ResultTLSError, "unknown authority"},
		{"other host", "https://localhost:" + port, false, []func(*Config){trust}, hook.ResultTLSError, "not for the target's host"},
		{"TLS 1.1 only", old.URL, true, nil, hook.ResultTLSError, "protocol version"},
		{"plain HTTP", "https://" + receiver(t, answering("HTTP/1.1 400 Bad Request\r\n\r\n")), false, nil, hook.ResultReset, ""},
		{"not TLS", "https://" + receiver(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); silent(c) }), false, nil, hook.ResultTLSError, "does not speak TLS"},
		{"handshake hung up on", "https://" + receiver(t, func(net.Conn) {}), false, nil, hook.ResultReset, "broken off"},
		{"handshake reset", "https://" + receiver(t, func(c net.Conn) { c.Read(make([]byte, 1)); reset(c) }), false, nil, hook.ResultReset, "broken off"},
		{"handshake silent", "https://" + receiver(t, silent), false, []func(*Config){within(200 * time.Millisecond)}, hook.ResultTimeout, "TLS handshake"},
		{"handshake refused", "https://" + receiver(t, alert("\x28")), false, nil, hook.ResultTLSError, "handshake failure"},
		{"internal error", "https://" + receiver(t, alert("\x50")), false, nil, hook.ResultReset, "internal error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := to(tc.address)
			d.SendTo.SkipCertVerify = tc.skipVerify
			got := local(t, tc.change...).Send(t.Context(), d)
			if got.Result != tc.want || !strings.Contains(got.Error, tc.text) {
				t.Errorf("result %s (%s), want %s (%s)", got.Result, got.Error, tc.want, tc.text)
			}
		})
	}
}

func TestExpiredCertificate(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-48 * time.Hour),
		NotAfter:     time.Now().Add(-24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(nil)
	srv.Config.ErrorLog = quiet()
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	got := local(t, func(c *Config) { c.RootCAs = roots }).Send(t.Context(), to(srv.URL))
	if got.Result != hook.ResultTLSError || !strings.Contains(got.Error, "expired") {
		t.Errorf("%s (%s), want tls_error, expired", got.Result, got.Error)
	}
}

func TestUnverifiedConnectionsAreNotReusedForVerifiedDeliveries(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = quiet()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c := local(t)
	d := to(srv.URL)
	d.SendTo.SkipCertVerify = true
	if got := c.Send(t.Context(), d); got.Result != hook.ResultOK {
		t.Fatalf("unverified: %s (%s)", got.Result, got.Error)
	}
	d.SendTo.SkipCertVerify = false
	if got := c.Send(t.Context(), d); got.Result != hook.ResultTLSError {
		t.Errorf("verified: %s (%s), want tls_error", got.Result, got.Error)
	}
}

func TestHTTP2Receivers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		handle http.HandlerFunc
		want   hook.Result
	}{
		{"answers", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200 + r.ProtoMajor) }, hook.ResultOK},
		{"resets the stream", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, hook.ResultReset},
		{"has huge headers", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Huge", strings.Repeat("a", 128<<10)) }, hook.ResultInvalidResponse},
		{"breaks off in the body", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(202)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, hook.ResultOK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewUnstartedServer(tc.handle)
			srv.EnableHTTP2 = true
			srv.Config.ErrorLog = quiet()
			srv.StartTLS()
			t.Cleanup(srv.Close)
			roots := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			got := local(t, func(c *Config) { c.RootCAs = roots }).Send(t.Context(), to(srv.URL))
			if got.Result != tc.want {
				t.Fatalf("result %s (%s), want %s", got.Result, got.Error, tc.want)
			}
			if got.Response != nil && got.Response.Status != 202 {
				t.Errorf("status %d, want 202: HTTP/2 was not used", got.Response.Status)
			}
		})
	}
}

// FuzzAnswer: whatever bytes a receiver sends, the attempt ends in a known way
// and can be stored.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 101 X\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.1 204 X\r\n\r\nbody", "HTTP/1.0 999 \x00\xff\r\nA: \xff\r\n\r\n\x00", "HTTP/1.1 100 C\r\n\r\n", "HTTP/1.1 -01\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n", "", "garbage",
		"HTTP/1.1 302 F\r\nLocation: http://u:p@h/?a=b#c\r\nSet-Cookie: a=b\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	var answer atomic.Pointer[[]byte]
	address := receiver(f, func(conn net.Conn) {
		if readRequest(conn) {
			conn.Write(*answer.Load())
		}
	})
	client := local(f, within(2*time.Second))
	f.Fuzz(func(t *testing.T, raw []byte) {
		answer.Store(&raw)
		got := client.Send(t.Context(), to("http://"+address+"/"))
		switch got.Result {
		case hook.ResultOK, hook.ResultHTTPError, hook.ResultReset, hook.ResultInvalidResponse:
		default:
			t.Errorf("%q: result %s (%s)", raw, got.Result, got.Error)
		}
		if got.Result == hook.ResultReset && got.Response != nil || got.Result == hook.ResultOK && got.Response == nil {
			t.Errorf("%q: result %s, response %+v", raw, got.Result, got.Response)
		}
		if got.Response == nil {
			return
		}
		if !utf8.ValidString(got.Response.Body) || strings.Contains(got.Response.Body, "\x00") || len(got.Response.Body) > hook.MaxStoredBody {
			t.Errorf("%q: body %q cannot be stored", raw, got.Response.Body)
		}
		for name, values := range got.Response.Headers {
			if line := name + strings.Join(values, ""); !utf8.ValidString(line) || strings.Contains(line, "\x00") {
				t.Errorf("%q: header %q cannot be stored", raw, line)
			}
		}
	})
}

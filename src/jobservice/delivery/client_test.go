package delivery

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

// sink is a receiver that keeps the last request.
type sink struct {
	*httptest.Server
	header http.Header
	method string
	uri    string
	body   string
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.header, s.method, s.uri, s.body = r.Header, r.Method, r.RequestURI, string(body)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestWhatATargetReceives(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	d := to(s.URL + "/hook?token=abc")
	d.SendTo.AuthHeader = "Bearer t0ken"
	d.Secret, d.EventName = "s3cret", "PUSH_ARTIFACT"
	before := time.Now().Unix()
	got := local(t).Send(t.Context(), d)
	after := time.Now().Unix()
	if got.Result != hook.ResultOK {
		t.Fatalf("%s: %s", got.Result, got.Error)
	}

	if sent, err := strconv.ParseInt(s.header.Get("webhook-timestamp"), 10, 64); err != nil || sent < before || sent > after {
		t.Errorf("webhook-timestamp %q, want Unix seconds of now", s.header.Get("webhook-timestamp"))
	}
	for _, changing := range []string{"Webhook-Timestamp", "Webhook-Signature", "X-Hub-Signature-256"} {
		s.header.Del(changing)
	}
	want := http.Header{
		"Authorization":       {"Bearer t0ken"},
		"Content-Length":      {strconv.Itoa(len(d.Detail))},
		"Content-Type":        {"application/json"},
		"User-Agent":          {"harborhook/test"},
		"Webhook-Id":          {d.MessageID()},
		"X-Harbor-Delivery":   {d.UUID},
		"X-Harbor-Event-Type": {"PUSH_ARTIFACT"},
	}
	if diff := cmp.Diff(want, s.header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if s.method != "POST" || s.uri != "/hook?token=abc" || s.body != string(d.Detail) {
		t.Errorf("got %s %s with %q, want the job's detail posted to the target", s.method, s.uri, s.body)
	}
}

func TestUnsignedDeliveriesCarryNoSignature(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	local(t).Send(t.Context(), to(s.URL))
	for _, name := range []string{"Authorization", "Webhook-Signature", "X-Hub-Signature-256", "Accept-Encoding"} {
		if s.header.Get(name) != "" {
			t.Errorf("%s: %s was sent", name, s.header.Get(name))
		}
	}
	if s.header.Get("Webhook-Id") == "" || s.header.Get("Webhook-Timestamp") == "" {
		t.Error("webhook-id or webhook-timestamp is missing")
	}
}

func TestURLsAreSentVerbatim(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	c := local(t)
	for _, uri := range []string{
		"/", "/a%2Fb//c/../d;x=1", "/?", "/?q=a%20b+c&&=&x&y=%zz", "/a:b@c!$'()*,", "/%E4%B8%AD?q=ü", "//double", "/x?http://h/?y",
	} {
		if got := c.Send(t.Context(), to(s.URL+uri)); got.Result != hook.ResultOK || s.uri != uri {
			t.Errorf("%q was sent as %q (%s %s)", uri, s.uri, got.Result, got.Error)
		}
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	key := []byte("an HMAC key of some length, 32 B")
	for name, tc := range map[string]struct {
		secret string
		key    []byte
	}{
		"plain":                    {"s3cret", []byte("s3cret")},
		"standard":                 {"whsec_" + base64.StdEncoding.EncodeToString(key), key},
		"standard, not base64":     {"whsec_not base64!", []byte("whsec_not base64!")},
		"standard, without secret": {"whsec_", []byte("whsec_")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSink(t)
			d := to(s.URL)
			d.Secret = tc.secret
			local(t).Send(t.Context(), d)

			standard := hmac.New(sha256.New, tc.key)
			io.WriteString(standard, s.header.Get("webhook-id")+"."+s.header.Get("webhook-timestamp")+"."+s.body)
			if want := "v1," + base64.StdEncoding.EncodeToString(standard.Sum(nil)); s.header.Get("webhook-signature") != want {
				t.Errorf("webhook-signature %q, want %q", s.header.Get("webhook-signature"), want)
			}
			hub := hmac.New(sha256.New, []byte(tc.secret))
			io.WriteString(hub, s.body)
			if want := "sha256=" + hex.EncodeToString(hub.Sum(nil)); s.header.Get("X-Hub-Signature-256") != want {
				t.Errorf("X-Hub-Signature-256 %q, want %q", s.header.Get("X-Hub-Signature-256"), want)
			}
		})
	}
}

// While a secret is being changed, receivers may know either.
func TestBothSecretsOfARotationSign(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		until time.Duration
		want  []string
	}{
		"during": {time.Hour, []string{"new", "old"}},
		"after":  {-time.Second, []string{"new"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSink(t)
			d := to(s.URL)
			d.Secret, d.OldSecret, d.OldSecretUntil = "new", "old", time.Now().Add(tc.until)
			local(t).Send(t.Context(), d)
			var want []string
			for _, secret := range tc.want {
				want = append(want, signStandard(secret, s.header.Get("webhook-id"), s.header.Get("webhook-timestamp"), []byte(s.body)))
			}
			if got := s.header.Get("webhook-signature"); got != strings.Join(want, " ") {
				t.Errorf("webhook-signature %q, want %q", got, want)
			}
			if got := s.header.Get("X-Hub-Signature-256"); got != signHub("new", []byte(s.body)) {
				t.Errorf("X-Hub-Signature-256 is %q", got)
			}
		})
	}
}

// The example of the Standard Webhooks specification.
func TestStandardSignatureVector(t *testing.T) {
	t.Parallel()
	got := signStandard("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAttemptTellsWhatHappened(t *testing.T) {
	t.Parallel()
	address := receiver(t, answering("HTTP/1.1 502 Bad Gateway\r\nX-Request-Id: r1\r\nContent-Length: 4\r\n\r\nnope"))
	d := to("http://" + address + "/hook?token=t0ken123&n=1")
	d.SendTo.AuthHeader, d.Secret = "Bearer abcdefgh", "s3cret"
	before := time.Now()
	got := local(t).Send(t.Context(), d)

	if got.StartedAt.Before(before.Round(0).Add(-time.Second)) || got.StartedAt.After(time.Now()) || got.Duration <= 0 || got.Duration > time.Since(before) {
		t.Errorf("started %s, took %s", got.StartedAt, got.Duration)
	}
	stamp := got.Request.Headers["Webhook-Timestamp"]
	got.StartedAt, got.Duration = time.Time{}, 0
	want := hook.Attempt{
		Number: 2, Result: hook.ResultHTTPError, Error: "the target answered 502", RemoteAddr: address,
		Request: hook.Request{
			Method: "POST",
			URL:    "http://" + address + "/hook?token=********&n=********",
			Headers: map[string][]string{
				"Authorization":       {hook.Mask},
				"Content-Type":        {"application/json"},
				"User-Agent":          {"harborhook/test"},
				"Webhook-Id":          {d.MessageID()},
				"Webhook-Signature":   {hook.Mask},
				"Webhook-Timestamp":   stamp,
				"X-Harbor-Delivery":   {d.UUID},
				"X-Harbor-Event-Type": {"pushImage"},
				"X-Hub-Signature-256": {hook.Mask},
			},
		},
		Response: &hook.Response{
			Status:  502,
			Headers: map[string][]string{"X-Request-Id": {"r1"}, "Content-Length": {"4"}},
			Body:    "nope",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attempt (-want +got):\n%s", diff)
	}
}

func TestNamesWithOtherLettersAreTranslated(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://Bücher.example:8080/": "xn--bcher-kva.example:8080",
		"http://bücher.example/":      "xn--bcher-kva.example",
		"http://Plain.example/":       "Plain.example",
		"http://[::1]:80/":            "[::1]:80",
	} {
		d := to(address)
		req, err := newRequest(t.Context(), &d, http.Header{})
		if err != nil || req.URL.Host != want || req.Host != want {
			t.Errorf("%s: %v, want host %s", address, err, want)
		}
	}
}

func TestUnsendableDeliveries(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*hook.Delivery){
		"no address":           func(d *hook.Delivery) { d.SendTo.Address = "" },
		"no URL":               func(d *hook.Delivery) { d.SendTo.Address = "http://h/%zz?s3cr3t" },
		"other scheme":         func(d *hook.Delivery) { d.SendTo.Address = "ftp://s3cr3t/" },
		"userinfo":             func(d *hook.Delivery) { d.SendTo.Address = "http://u:s3cr3t@h/" },
		"no IDNA host":         func(d *hook.Delivery) { d.SendTo.Address = "http://a\u0301\u0627b/" },
		"line break in header": func(d *hook.Delivery) { d.SendTo.AuthHeader = "s3cr3t\r\nX: y" },
		"NUL in header":        func(d *hook.Delivery) { d.SendTo.AuthHeader = "s3cr3t\x00" },
		"bad content type":     func(d *hook.Delivery) { d.ContentType = "s3cr3t\n" },
	} {
		d := to("http://127.0.0.1:1/")
		change(&d)
		got := local(t).Send(t.Context(), d)
		if got.Result != hook.ResultInvalidRequest || got.Error == "" || strings.Contains(got.Error, "s3cr3t") {
			t.Errorf("%s: %s %q, want invalid_request without the secret", name, got.Result, got.Error)
		}
	}
}

func TestShutdownInterruptsAnAttempt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	address := receiver(t, func(conn net.Conn) {
		readRequest(conn)
		cancel()
		silent(conn)
	})
	c := local(t)
	for range 2 { // during the attempt, and before the next
		if got := c.Send(ctx, to("http://"+address+"/")); got.Result != hook.ResultInterrupted || got.Result.Retriable() {
			t.Errorf("%s (%s), want interrupted", got.Result, got.Error)
		}
	}
}

func TestShutdownDoesNotTakeAnAnswerBack(t *testing.T) {
	t.Parallel()
	body := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(context.Canceled))
	got := readResponse(&http.Response{StatusCode: 200, Body: io.NopCloser(body)}, nil)
	if diff := cmp.Diff(&hook.Response{Status: 200, Headers: map[string][]string{}, Body: "half", Truncated: true}, got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

func TestCallersDeadlineIsATimeout(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if got := local(t).Send(ctx, to("http://"+receiver(t, silent)+"/")); got.Result != hook.ResultTimeout {
		t.Errorf("%s (%s), want timeout", got.Result, got.Error)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	c := local(t)
	for range 20 {
		c.Send(t.Context(), to(srv.URL))
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections for 20 deliveries, want 1", conns.Load())
	}
	c.Close()
	c.Send(t.Context(), to(srv.URL))
	if conns.Load() != 2 {
		t.Errorf("%d connections, want another one after Close", conns.Load())
	}
}

func TestAFailedConnectionIsNotTriedAgainUnseen(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	address := receiver(t, func(conn net.Conn) {
		for readRequest(conn) {
			if posts.Add(1) > 1 {
				return
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	c := local(t)
	first, second := c.Send(t.Context(), to("http://"+address)), c.Send(t.Context(), to("http://"+address))
	if first.Result != hook.ResultOK || second.Result != hook.ResultReset || posts.Load() != 2 {
		t.Errorf("%s, %s with %d posts, want ok, reset with 2", first.Result, second.Result, posts.Load())
	}
}

func TestNoProxyIsTakenFromTheEnvironment(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	if c.verified.Proxy != nil || c.unverified.Proxy != nil {
		t.Error("a proxy is set")
	}
}

func BenchmarkSend(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "ok")
	}))
	b.Cleanup(srv.Close)
	c := local(b)
	d := to(srv.URL + "/hook?token=abcdefgh")
	d.SendTo.AuthHeader, d.Secret = "Bearer abcdefghijk", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if got := c.Send(b.Context(), d); got.Result != hook.ResultOK {
				b.Errorf("%s: %s", got.Result, got.Error)
			}
		}
	})
}

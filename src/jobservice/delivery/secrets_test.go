package delivery

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func TestEchoedSecretsAreMasked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		auth, secret, query string
		echo                string
		want                string
	}{
		"auth header":             {auth: "Bearer abcdefgh", echo: "got Bearer abcdefgh!", want: "got ********!"},
		"short auth header":       {auth: "Key abc", echo: "got Key abc!", want: "got ********!"},
		"token alone":             {auth: "Bearer abcdefgh", echo: "token=abcdefgh", want: "token=********"},
		"short token alone":       {auth: "Bearer abc", echo: "abc", want: "abc"},
		"basic token":             {auth: "Basic dXNlcjpodW50ZXIyMg==", echo: "dXNlcjpodW50ZXIyMg==", want: hook.Mask},
		"basic password":          {auth: "Basic dXNlcjpodW50ZXIyMg==", echo: "bad password hunter22", want: "bad password ********"},
		"secret":                  {secret: "s3cr", echo: "s3cr s3cr", want: "******** ********"},
		"query value":             {query: "?token=abcdefgh", echo: "abcdefgh", want: hook.Mask},
		"short query value":       {query: "?page=1", echo: "page 1", want: "page 1"},
		"bare query":              {query: "?abcdefgh", echo: "abcdefgh", want: hook.Mask},
		"escaped query value":     {query: "?k=abcd%20efgh", echo: "abcd%20efgh abcd efgh abcd+efgh", want: "******** ******** ********"},
		"secret in JSON":          {secret: `a"b<c`, echo: `{"x":"a\"b\u003cc"}`, want: `{"x":"********"}`},
		"longest first":           {auth: "Bearer abcdefgh", secret: "abcdefghij", echo: "abcdefghij", want: hook.Mask},
		"beginning of a body":     {secret: "s3cr3t-value", echo: "s3cr3t-value then", want: "******** then"},
		"nothing known":           {echo: "hello", want: "hello"},
		"secret with replacement": {secret: "a\uFFFDb-12345", echo: "x", want: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Echo", tc.echo)
				fmt.Fprint(w, tc.echo)
			}))
			t.Cleanup(srv.Close)
			d := to(srv.URL + "/" + tc.query)
			d.SendTo.AuthHeader, d.Secret = tc.auth, tc.secret
			got := local(t).Send(t.Context(), d)
			if got.Response == nil {
				t.Fatalf("%s: %s", got.Result, got.Error)
			}
			if got.Response.Body != tc.want || got.Response.Headers["X-Echo"][0] != tc.want {
				t.Errorf("body %q, header %q, want %q", got.Response.Body, got.Response.Headers["X-Echo"], tc.want)
			}
		})
	}
}

func TestEchoedSignaturesAreMasked(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header)
	}))
	t.Cleanup(srv.Close)
	d := to(srv.URL)
	d.Secret, d.OldSecret, d.OldSecretUntil = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "the old one", time.Now().Add(time.Hour)
	got := local(t).Send(t.Context(), d)
	for _, want := range []string{"[v1,******** v1,********]", "[sha256=********]"} {
		if !strings.Contains(got.Response.Body, want) {
			t.Errorf("no %s in %s", want, got.Response.Body)
		}
	}
}

func TestASecretCutInHalfIsMasked(t *testing.T) {
	t.Parallel()
	secret := "0123456789abcdef"
	for name, serve := range map[string]string{
		"by the limit":    "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", hook.MaxStoredBody-10) + secret,
		"by the receiver": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxx" + secret[:12],
	} {
		d := to("http://" + receiver(t, answering(serve)))
		d.Secret = secret
		got := local(t).Send(t.Context(), d)
		if got.Response == nil || !got.Response.Truncated || !strings.HasSuffix(got.Response.Body, "x"+hook.Mask) {
			t.Errorf("%s: %s, want a body that ends with the mask", name, got.Result)
		}
	}
}

func TestHeadersThatAreSecretByNameAreMasked(t *testing.T) {
	t.Parallel()
	h := http.Header{
		"Set-Cookie": {"a=b", "c=d"}, "Authorization": {"x"}, "Proxy-Authorization": {"x"}, "X-Auth-Token": {"x"},
		"X-Client-Secret": {"x"}, "X-Signature": {"x"}, "X-Api-Key": {"x"},
		"Location": {"https://u:p@h/?token=x#y"}, "Www-Authenticate": {"Basic"}, "Content-Type": {"text/plain"}, "X-Bad": {"a\x00\xffb"},
	}
	got := storable(h, nil)
	for name, want := range map[string]string{
		"Set-Cookie": hook.Mask, "Authorization": hook.Mask, "Proxy-Authorization": hook.Mask, "X-Auth-Token": hook.Mask,
		"X-Client-Secret": hook.Mask, "X-Signature": hook.Mask, "X-Api-Key": hook.Mask,
		"Location": "https://********@h/?token=********#********", "Www-Authenticate": "Basic", "Content-Type": "text/plain", "X-Bad": "a\uFFFD\uFFFDb",
	} {
		if got[name][0] != want {
			t.Errorf("%s: %q, want %q", name, got[name][0], want)
		}
	}
	if len(got["Set-Cookie"]) != 2 || h.Get("Set-Cookie") != "a=b" {
		t.Errorf("Set-Cookie became %v, the original %v", got["Set-Cookie"], h["Set-Cookie"])
	}
}

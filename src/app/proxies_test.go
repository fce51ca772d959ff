package app

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestAClientBehindATrustedProxyIsKnownByItsAddress(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, tc := range map[string]struct {
		from    string
		headers []string
		want    string
	}{
		"no proxy":                  {"192.0.2.1:4711", nil, "192.0.2.1:4711"},
		"a liar":                    {"192.0.2.1:4711", []string{"198.51.100.7"}, "192.0.2.1:4711"},
		"one proxy":                 {"10.0.0.1:80", []string{"198.51.100.7"}, "198.51.100.7:0"},
		"a chain of proxies":        {"10.0.0.1:80", []string{"198.51.100.7, 10.1.1.1,10.2.2.2"}, "198.51.100.7:0"},
		"two headers":               {"10.0.0.1:80", []string{"198.51.100.7", "10.1.1.1"}, "198.51.100.7:0"},
		"a liar behind a proxy":     {"10.0.0.1:80", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7:0"},
		"IPv6":                      {"[fd00::1]:80", []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		"IPv4 in IPv6":              {"[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.7"}, "198.51.100.7:0"},
		"a proxy that says nothing": {"10.0.0.1:80", nil, "10.0.0.1:80"},
		"a proxy for a proxy":       {"10.0.0.1:80", []string{"10.1.1.1"}, "10.0.0.1:80"},
		"no address":                {"10.0.0.1:80", []string{"198.51.100.7, unknown"}, "10.0.0.1:80"},
		"a socket":                  {"@", []string{"198.51.100.7"}, "@"},
	} {
		got := ""
		handler := behindProxies(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tc.from
		for _, h := range tc.headers {
			r.Header.Add("X-Forwarded-For", h)
		}
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
		if r.RemoteAddr != tc.from {
			t.Errorf("%s: the server's request was changed", name)
		}
	}
}

func TestNobodyIsTrustedUnlessNamed(t *testing.T) {
	t.Parallel()
	got := ""
	handler := behindProxies(nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	if got != r.RemoteAddr {
		t.Errorf("believed %s", got)
	}
}

func TestInsidersAreKnownByTheirAddress(t *testing.T) {
	t.Parallel()
	networks := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}
	for _, tc := range []struct {
		networks []netip.Prefix
		from     string
		want     bool
	}{
		{networks, "10.1.2.3:80", true},
		{networks, "[::ffff:10.1.2.3]:80", true},
		{networks, "[fd00::1]:80", true},
		{networks, "[fd00::1%eth0]:80", true},
		{networks, "10.2.0.1:80", false},
		{networks, "[::1]:80", false},
		{networks, "@", false},
		{networks, "", false},
		{nil, "10.2.0.1:80", true},
		{nil, "@", true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tc.from
		if got := insider(tc.networks)(r); got != tc.want {
			t.Errorf("%s with %v: %t", tc.from, tc.networks, got)
		}
	}
}

package hook

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestValidateTargetAccepts(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"plain":               "http://example.com",
		"everything":          "https://ci.example.com:8443/hook/a%2Fb;c=d?token=abc&x=&y",
		"scheme in capitals":  "HTTPS://EXAMPLE.COM/",
		"IPv4":                "http://10.0.0.1:80/",
		"IPv6":                "http://[2001:db8::1]:65535/",
		"IPv6 without port":   "http://[::1]",
		"root dot":            "http://example.com./",
		"underscore":          "http://my_service:8080/",
		"single label":        "http://jenkins/",
		"query without path":  "http://example.com?a=b",
		"at sign in the path": "http://example.com/@user",
		"letters beyond":      "https://bücher.example/",
		"punycode":            "https://xn--bcher-kva.example/",
		"longest":             "http://example.com/" + strings.Repeat("ü", MaxTargetLength-len("http://example.com/")),
	} {
		if err := ValidateTarget(address); err != nil {
			t.Errorf("%s: ValidateTarget(%q) = %v, want nil", name, address, err)
		}
	}
}

func TestValidateTargetRefuses(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"empty":                   "",
		"ftp":                     "ftp://example.com/",
		"file":                    "file:///etc/passwd",
		"gopher":                  "gopher://example.com/",
		"javascript":              "javascript:alert(1)",
		"data":                    "data:text/plain,x",
		"unix":                    "unix:///run/docker.sock",
		"http+unix":               "http+unix://x/",
		"no scheme":               "//example.com/x",
		"only a host":             "example.com",
		"opaque":                  "http:opaque",
		"one slash":               "http:/example.com",
		"no host":                 "http:///x",
		"only a port":             "http://:80/",
		"userinfo":                "http://user@example.com/",
		"password":                "http://user:pass@example.com/",
		"empty userinfo":          "http://@example.com/",
		"fragment":                "http://example.com/#x",
		"empty fragment":          "http://example.com/#",
		"colon without port":      "http://example.com:/",
		"port 0":                  "http://example.com:0/",
		"port 65536":              "http://example.com:65536/",
		"port 99999":              "http://example.com:99999/",
		"port in words":           "http://example.com:http/",
		"two ports":               "http://example.com:80:80/",
		"IPv6 without brackets":   "http://2001:db8::1/",
		"IPv6, colon alone":       "http://[::1]:/",
		"IPv6, port 0":            "http://[::1]:0/",
		"name in brackets":        "http://[example.com]/",
		"IPv4 in brackets":        "http://[127.0.0.1]/",
		"text after the brackets": "http://[::1]x/",
		"blank":                   "http://example.com/a b",
		"blank before":            " http://example.com/",
		"blank after":             "http://example.com/ ",
		"no-break space":          "http://example.com/a\u00a0b",
		"tab":                     "http://example.com/\t",
		"line break":              "http://example.com/\r\nX: y",
		"NUL":                     "http://example.com/\x00",
		"DEL":                     "http://example.com/\x7f",
		"C1 control":              "http://example.com/\u0085",
		"backslash":               "http://example.com\\@evil.example/",
		"bad escape":              "http://example.com/%zz",
		"invalid UTF-8":           "http://example.com/\xff",
		"empty label":             "http://a..b/",
		"only a dot":              "http://./",
		"leading dot":             "http://.example.com/",
		"leading hyphen":          "http://-a.example.com/",
		"trailing hyphen":         "http://a-.example.com/",
		"long label":              "http://" + strings.Repeat("a", 64) + ".example.com/",
		"long host":               "http://" + strings.Repeat("a.", 127) + "example/",
		"wildcard":                "http://*.example.com/",
		"ideographic full stop":   "http://127。0。0。1/",
		"zero width space":        "http://exam\u200bple.com/",
		"emoji":                   "http://☃.example/",
		"too long":                "http://example.com/" + strings.Repeat("a", MaxTargetLength),
	} {
		var invalid *InvalidError
		err := ValidateTarget(address)
		if !errors.As(err, &invalid) || invalid.Field != "target" {
			t.Errorf("%s: ValidateTarget(%q) = %v, want an InvalidError of target", name, address, err)
		}
	}
}

func TestTargetErrorsRepeatNothingOfTheAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://h/%zz?token=s3cr3t", "s3cr3t://h/", "http://s3cr3t:0/", "http://u:s3cr3t@h/"} {
		if err := ValidateTarget(address); err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("ValidateTarget(%q) = %v, want an error without the secret", address, err)
		}
	}
}

func TestTargetOrigin(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://Example.COM/a?b=c":    "http://example.com:80",
		"HTTPS://example.com":         "https://example.com:443",
		"http://example.com:8080/":    "http://example.com:8080",
		"http://example.com:0080/":    "http://example.com:80",
		"https://[2001:DB8:0::1]/":    "https://[2001:db8::1]:443",
		"https://[::1]:8443/x":        "https://[::1]:8443",
		"http://[::1%25lo]/":          "http://[::1]:80",
		"http://10.0.0.1/":            "http://10.0.0.1:80",
		"http://user@example.com/":    "",
		"ftp://example.com/":          "",
		"":                            "",
		"http://example.com:999999/x": "",
	} {
		if got := TargetOrigin(address); got != want {
			t.Errorf("TargetOrigin(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestMaskTarget(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"":                                     "",
		"http://h/p":                           "http://h/p",
		"http://h/p?token=abc":                 "http://h/p?token=********",
		"http://h/p?a=1&b=2&a=3":               "http://h/p?a=********&b=********&a=********",
		"http://h/p?a=":                        "http://h/p?a=********",
		"http://h/p?a=b=c":                     "http://h/p?a=********",
		"http://h/p?=abc":                      "http://h/p?=********",
		"http://h/p?bare-token":                "http://h/p?********",
		"http://h/p?a=1;b=2":                   "http://h/p?a=********",
		"http://h/p?":                          "http://h/p?",
		"http://h/p?&&":                        "http://h/p?&&",
		"http://h/p?a=1?b=2":                   "http://h/p?a=********",
		"http://h/p?a=%zz":                     "http://h/p?a=********",
		"http://h/p?a=1#token=abc":             "http://h/p?a=********#********",
		"http://h/p#a?b=c":                     "http://h/p#********",
		"http://user:pass@h/p?a=b":             "http://********@h/p?a=********",
		"http://user:pa@ss@h":                  "http://********@h",
		"http:user:pass@h":                     "********@h",
		"http://h/@x":                          "http://h/@x",
		"http://h/\x00\r\n\xff?a=b":            "http://h/\uFFFD\uFFFD\uFFFD\uFFFD?a=********",
		"http://h/p?a=" + Mask + "&" + Mask:    "http://h/p?a=********&********",
		"not a url at all ?secret=in the tail": "not a url at all ?secret=********",
	} {
		if got := MaskTarget(address); got != want {
			t.Errorf("MaskTarget(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestValidateAuthHeader(t *testing.T) {
	t.Parallel()
	for value, ok := range map[string]bool{
		"":                                     true,
		"Bearer abc":                           true,
		"Secret\tvalue":                        true,
		"Bearer päss":                          true,
		strings.Repeat("ü", 4096):              true,
		strings.Repeat("a", 4097):              false,
		"a\r\nX: y":                            false,
		"a\nb":                                 false,
		"a\x00b":                               false,
		"a\x7fb":                               false,
		"a\x1bb":                               false,
		"a\u0085b":                             false,
		"a\xffb":                               false,
		strings.Repeat("a", 4096):              true,
		"Basic dXNlcjpwYXNzd29yZA==":           true,
		"Digest username=\"x\", realm=\"\\y\"": true,
	} {
		var invalid *InvalidError
		err := ValidateAuthHeader(value)
		if ok && err != nil {
			t.Errorf("ValidateAuthHeader(%.20q) = %v, want nil", value, err)
		}
		if !ok && (!errors.As(err, &invalid) || invalid.Field != "auth_header") {
			t.Errorf("ValidateAuthHeader(%.20q) = %v, want an InvalidError of auth_header", value, err)
		}
	}
}

func FuzzValidateTarget(f *testing.F) {
	for _, seed := range []string{"http://h:80/p?a=b", "http://[::1%25lo]:1/", "http:opaque", "http://u@h/#f", "http://h\\x", "http://h:/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		origin := TargetOrigin(address)
		if ValidateTarget(address) != nil {
			if origin != "" {
				t.Errorf("TargetOrigin(%q) = %q for an invalid target", address, origin)
			}
			return
		}
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
			t.Errorf("%q is valid, yet parses as %+v, %v", address, u, err)
		}
		if again := TargetOrigin(origin); again != origin && again != "" {
			t.Errorf("origin of %q is %q, whose origin is %q", address, origin, again)
		}
	})
}

func FuzzMaskTarget(f *testing.F) {
	for _, seed := range []string{"http://h/p?a=b&c#d", "http://u:p@h/?x", "//a@b@c", "?=&;", "http://h/?a=%zz\x00\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		masked := MaskTarget(address)
		if !utf8.ValidString(masked) || strings.ContainsFunc(masked, unicode.IsControl) {
			t.Errorf("MaskTarget(%q) = %q, not printable", address, masked)
		}
		if again := MaskTarget(masked); again != masked {
			t.Errorf("MaskTarget(%q) = %q, masked again %q", address, masked, again)
		}
		before, _, _ := strings.Cut(masked, "#")
		_, query, _ := strings.Cut(before, "?")
		for part := range strings.SplitSeq(query, "&") {
			_, value, hasValue := strings.Cut(part, "=")
			if hasValue && value != Mask || !hasValue && part != "" && part != Mask {
				t.Errorf("MaskTarget(%q) = %q leaves %q", address, masked, part)
			}
		}
	})
}

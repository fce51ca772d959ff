package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/core/api"
)

const policiesPath = "/api/projects/1/webhook/policies"

func writeFile(t *testing.T, dir, name, content string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestGuardRefuses(t *testing.T) {
	t.Parallel()
	form := "Content-Type: application/x-www-form-urlencoded"
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
	}{
		{"suffix on the first segment", "GET", "/api.json/projects/1/webhook/policies", "", nil, 404},
		{"suffix on the first segment of the second family", "GET", "/api.json/v2.0/projects/1/webhook/policies", "", nil, 404},
		{"suffix in front of the notification endpoint", "POST", "/service.json/notifications", "{}", nil, 404},
		{"suffix in the middle", "GET", "/api/projects.xml/1", "", nil, 404},
		{"suffix html in the middle", "GET", "/api/projects/1.html/webhook/policies", "", nil, 404},
		{"dots", "GET", "/api/projects/1/../1", "", nil, 400},
		{"escaped dots", "GET", "/api/projects/1/%2e%2e/1", "", nil, 400},
		{"one dot", "GET", "/api/./projects", "", nil, 400},
		{"double slash", "GET", "/api//projects", "", nil, 400},
		{"trailing slash", "GET", "/api/projects/", "", nil, 400},
		{"escaped slash", "GET", "/api/projects/1%2fwebhook", "", nil, 400},
		{"escaped slash in capitals", "GET", "/api/projects/1%2Fwebhook", "", nil, 400},
		{"escaped backslash", "GET", "/api/projects/1%5cwebhook", "", nil, 400},
		{"NUL", "GET", "/api/projects/1%00", "", nil, 400},
		{"invalid UTF-8", "GET", "/api/projects/%ff", "", nil, 400},
		{"_method in the query", "POST", policiesPath + "/3?_method=DELETE", "{}", nil, 400},
		{"_method in a malformed query", "POST", policiesPath + "/3?a=%zz&_method=DELETE", "{}", nil, 400},
		{"_method in a form", "POST", policiesPath + "/3", "_method=DELETE", []string{form}, 415},
		{"form to the portal", "POST", "/", "name=x", []string{form}, 404},
		{"form beside the login", "POST", "/c/login/x", "name=x", []string{form}, 415},
		{"JSON to the login", "POST", "/c/login", `{"principal":"root"}`, nil, 415},
		{"login from another site", "POST", "/c/login", "principal=root&password=root", []string{form, "Sec-Fetch-Site: cross-site"}, 403},
		{"form", "POST", policiesPath, "name=x", []string{form}, 415},
		{"form to the notification endpoint", "POST", "/service/notifications", "name=x", []string{form}, 415},
		{"multipart", "POST", policiesPath, "--x", []string{"Content-Type: multipart/form-data; boundary=x"}, 415},
		{"multipart to the portal", "POST", "/c/login", "--x", []string{"Content-Type: multipart/form-data; boundary=x"}, 415},
		{"text", "PUT", policiesPath + "/3", "{}", []string{"Content-Type: text/plain"}, 415},
		{"no media type", "PUT", policiesPath + "/3", "{}", []string{"Content-Type: "}, 415},
		{"events media type elsewhere", "POST", policiesPath, "{}", []string{"Content-Type: application/vnd.docker.distribution.events.v1+json"}, 415},
		{"gzip", "POST", policiesPath, "{}", []string{"Content-Encoding: gzip"}, 415},
		{"identity", "POST", policiesPath, "{}", []string{"Content-Encoding: identity"}, 415},
		{"2 MiB", "POST", policiesPath, `{"name":"` + strings.Repeat("x", 2<<20) + `"}`, nil, 413},
		{"cross-site", "POST", policiesPath, "{}", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"another origin", "DELETE", policiesPath + "/3", "", []string{"Origin: https://evil.example"}, 403},
		{"cross-site text", "POST", policiesPath, "{}", []string{"Sec-Fetch-Site: cross-site", "Content-Type: text/plain"}, 415},
	}
	for _, method := range []string{"TRACE", "CONNECT", "FOO", "PATCH", "OPTIONS", "PROPFIND", "get"} {
		tests = append(tests, struct {
			name, method, path, body string
			headers                  []string
			status                   int
		}{"method " + method, method, policiesPath, "", nil, 405})
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			wantProblem(t, s.do(root, tc.method, tc.path, tc.body, tc.headers...), tc.status)
			if len(s.policies) != 1 || s.policies[0].UpdateTime != epoch {
				t.Error("something changed")
			}
		})
	}
}

func TestGuardLetsThrough(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *api.Config) {
		c.Portal = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "portal") })
	})
	for _, tc := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
	}{
		{"charset", "PUT", policiesPath + "/3", "{}", []string{"Content-Type: application/json; charset=utf-8"}, 200},
		{"a project named like a file", "GET", "/api/projects/foo.json", "", nil, 404},
		{"media type without body", "GET", policiesPath, "", []string{"Content-Type: text/plain"}, 200},
		{"form to sign in", "POST", "/c/login", "principal=root&password=root", []string{"Content-Type: application/x-www-form-urlencoded"}, 200},
		{"same origin", "DELETE", policiesPath + "/3", "", []string{"Sec-Fetch-Site: same-origin"}, 200},
	} {
		if got := s.do(root, tc.method, tc.path, tc.body, tc.headers...); got.Code != tc.status {
			t.Errorf("%s: %d %s", tc.name, got.Code, got.Body)
		}
	}
}

// reader fails the test when anybody reads the body.
type reader struct{ t *testing.T }

func (r reader) Read([]byte) (int, error) {
	r.t.Error("the body was read")
	return 0, io.EOF
}

func TestEncodedOrForeignBodiesAreNotRead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, header := range []string{"Content-Encoding: gzip", "Content-Type: multipart/form-data; boundary=x", "Content-Type: application/x-www-form-urlencoded"} {
		r := httptest.NewRequest("POST", policiesPath, reader{t})
		r.Header.Set("Content-Type", "application/json")
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, r)
		wantProblem(t, w, http.StatusUnsupportedMediaType)
	}
}

// The Guard alone, since what stands behind it would refuse most of this too.
func TestTheGuardItselfRefuses(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"/api.json/projects": 404, "/service.xml/notifications": 404, "/a.html/b": 404, "/a.json": 0, "/a.jsonx/b": 0, policiesPath: 0,
	} {
		status, reached := 0, false
		guard := api.Guard(
			http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }),
			func(_ http.ResponseWriter, _ *http.Request, refused int, _ string) { status = refused },
		)
		guard.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
		if status != want || reached != (want == 0) {
			t.Errorf("%s: refused with %d, reached %t", path, status, reached)
		}
	}
}

func TestABodyThatSaysItIsTooLongIsNotRead(t *testing.T) {
	t.Parallel()
	for path, limit := range map[string]int64{policiesPath: api.MaxBody, "/service/notifications": api.MaxNotificationBody} {
		r := httptest.NewRequest("POST", path, reader{t})
		r.ContentLength = limit + 1
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth(root, root)
		w := httptest.NewRecorder()
		newSite(t, func(c *api.Config) { c.NotificationToken = "" }).api.ServeHTTP(w, r)
		wantProblem(t, w, http.StatusRequestEntityTooLarge)
	}
}

func TestTwoMediaTypesAreRefused(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", policiesPath, strings.NewReader("{}"))
	r.Header["Content-Type"] = []string{"application/json", "multipart/form-data; boundary=x"}
	w := httptest.NewRecorder()
	newSite(t).api.ServeHTTP(w, r)
	wantProblem(t, w, http.StatusUnsupportedMediaType)
}

// serve starts a real server with the limits of NewServer.
func serve(t *testing.T, s *site) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(s.api)
	server.Config = api.NewServer("", s.api)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// beego would cut a body without length and go on with the rest.
func TestAChunkedBodyBeyondTheLimitIsRefusedNotCut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	server := serve(t, s)
	for _, tc := range []struct {
		path string
		size int
	}{{policiesPath, api.MaxBody}, {"/service/notifications", api.MaxNotificationBody}} {
		start := `{"name":"`
		body := io.MultiReader(strings.NewReader(start), io.LimitReader(letters{}, int64(tc.size-len(start)-1)), strings.NewReader(`"}`))
		r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+tc.path, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth(admin, admin)
		if tc.path != policiesPath {
			r.Header.Set("Authorization", "Bearer token")
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %s", tc.path, answer.Status)
		}
	}
	if len(s.policies) != 1 {
		t.Error("a cut policy was stored")
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestAGzipBombIsRefusedUnread(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.CopyN(z, letters{}, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	w := newSite(t).do(root, "POST", policiesPath, bomb.String(), "Content-Encoding: gzip")
	wantProblem(t, w, http.StatusUnsupportedMediaType)
}

func TestAServerRefusesOtherMethodsOfNothing(t *testing.T) {
	t.Parallel()
	server := serve(t, newSite(t))
	for _, request := range []string{"OPTIONS * HTTP/1.1", "TRACE /api/ping HTTP/1.1", "CONNECT example.com:443 HTTP/1.1"} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "%s\r\nHost: x\r\nConnection: close\r\n\r\n", request); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", request, answer.Status)
		}
		_ = answer.Body.Close()
		_ = conn.Close()
	}
}

func TestServerHasLimits(t *testing.T) {
	t.Parallel()
	s := api.NewServer(":0", http.NotFoundHandler())
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("a limit is missing: %+v", s)
	}
}

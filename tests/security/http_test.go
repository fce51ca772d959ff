package security

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// raw sends a request as it is written and returns the status.
func raw(t *testing.T, s *harness.System, head string, body string) int {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.CoreURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\nHost: core\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", head, len(body))
	io.WriteString(conn, body) // the server may have hung up by now
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.60s: %v", head, err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

func TestRoutesHaveOneSpelling(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		for line, want := range map[string]int{
			"GET /api.json/v2.0/projects/1/webhook/policies HTTP/1.1":      404,
			"GET /api/v2.0.json/projects/1/webhook/policies HTTP/1.1":      404,
			"GET /api/projects.html/1/webhook/policies HTTP/1.1":           404,
			"POST /service.json/notifications HTTP/1.1":                    404,
			"POST /service.xml/notifications/events HTTP/1.1":              404,
			"GET /api//projects HTTP/1.1":                                  400,
			"GET /api/./projects HTTP/1.1":                                 400,
			"GET /api/x/../projects HTTP/1.1":                              400,
			"GET /api/projects/..%2f..%2fmetrics HTTP/1.1":                 400,
			"GET /api/projects/1%5cwebhook HTTP/1.1":                       400,
			"GET /api/projects/1%00 HTTP/1.1":                              400,
			"TRACE /api/projects HTTP/1.1":                                 405,
			"CONNECT 127.0.0.1:80 HTTP/1.1":                                405,
			"FOO /api/projects HTTP/1.1":                                   405,
			"PATCH /api/projects/1 HTTP/1.1":                               405,
			"OPTIONS * HTTP/1.1":                                           405,
			"GET /debug/pprof/ HTTP/1.1":                                   400,
			"GET /debug/pprof HTTP/1.1":                                    404,
			"GET /debug/pprof/heap HTTP/1.1":                               404,
			"GET /qps HTTP/1.1":                                            404,
			"GET /listconf?command=conf HTTP/1.1":                          404,
			"GET /static/../conf/app.conf HTTP/1.1":                        400,
			"GET /favicon.ico/../../etc/passwd HTTP/1.1":                   400,
			"GET /api/projects HTTP/1.1\r\nTransfer-Encoding: gzip":        501,
			"GET /api/projects HTTP/1.1\r\nX: " + strings.Repeat("x", 1e5): 431,
		} {
			if got := raw(t, s, line, ""); got != want {
				t.Errorf("%.80s: %d, want %d", line, got, want)
			}
		}
	})
}

func TestOnePolicyCannotBeDeletedByAForm(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		project := newProject(t, s)
		id := s.Admin.CreatePolicy(t, project, policy("p", "https://example.com/"))
		place := fmt.Sprintf("%s/%d", harness.Policies(project), id)
		for name, test := range map[string]struct {
			address, body, mediaType string
			want                     []int
		}{
			"query":     {place + "?_method=DELETE", "{}", "application/json", []int{400}},
			"form":      {place, "_method=DELETE", "application/x-www-form-urlencoded", []int{415}},
			"multipart": {place, "--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--", "multipart/form-data; boundary=x", []int{415}},
			"text":      {place, `{"_method":"DELETE"}`, "text/plain", []int{415}},
		} {
			reply := s.Admin.Do(t, http.MethodPost, test.address, test.body, "Content-Type", test.mediaType)
			if !slices.Contains(test.want, reply.Status) {
				t.Errorf("%s: %d: %s", name, reply.Status, reply.Body)
			}
		}
		for _, header := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
			if got := s.Admin.Do(t, http.MethodGet, place, nil, header, "DELETE").Status; got != http.StatusOK {
				t.Errorf("%s: %d", header, got)
			}
		}
		if got := s.Admin.Do(t, http.MethodGet, place, nil).Status; got != http.StatusOK {
			t.Errorf("the policy is gone: %d", got)
		}
	})
}

func TestLargeAndEncodedBodiesLeaveNothingBehind(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		var bomb bytes.Buffer
		z := gzip.NewWriter(&bomb)
		if _, err := io.CopyN(z, zeros{}, 256<<20); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		process := s.Process(s.Processes()[0])
		before, _ := process.Resident(t)
		project := newProject(t, s)
		const auth = "\r\nAuthorization: Basic x"
		for i := range 20 {
			for line, test := range map[string]struct {
				body string
				want int
			}{
				"POST " + harness.Policies(project) + " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: gzip" + auth:                   {bomb.String(), 415},
				"POST /service/notifications HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nAuthorization: Bearer " + s.Token: {bomb.String(), 415},
				"POST " + harness.Policies(project) + " HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x" + auth:                              {"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" + strings.Repeat("x", 1<<20), 415},
				"POST " + harness.Policies(project) + " HTTP/1.1\r\nContent-Type: application/json" + auth:                                             {strings.Repeat(" ", 2<<20), 413},
				"POST /service/notifications HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer wrong":                                {strings.Repeat(" ", 1<<20), 401},
			} {
				if i > 2 && test.want == 413 {
					continue
				}
				if got := statusOf(t, s, line, test.body); got != test.want && got != 0 {
					t.Errorf("%.70s: %d, want %d", line, got, test.want)
				}
			}
		}
		if after, _ := process.Resident(t); after-before > maxOfCallers {
			t.Errorf("memory grew from %d to %d MiB", before>>20, after>>20)
		}
		if left, err := filepath.Glob("/tmp/multipart-*"); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

// statusOf is raw for a server that may hang up before it has read the body; 0 is
// an answer that was lost so.
func statusOf(t *testing.T, s *harness.System, head, body string) int {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.CoreURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\nHost: core\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", head, len(body))
	io.WriteString(conn, body)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestWrongPasswordsAreHeldUpWhateverIsForwarded(t *testing.T) {
	// Systems of its own: whoever signs in from here is held up, too.
	eachOwn(t, nil, func(t *testing.T, s *harness.System) {
		name := fmt.Sprintf("victim%d", projects.Add(1))
		s.Admin.CreateUser(t, name, "Passw0rd-of-tests")
		for what, user := range map[string]string{"a user": name, "nobody": name + "-unknown"} {
			refused, held := "", 0
			for i := range 8 {
				reply := s.As(user, "wrong").Do(t, http.MethodGet, "/api/v2.0/users/current", nil, "X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
				switch reply.Status {
				case http.StatusUnauthorized:
					refused = reply.Body
				case http.StatusTooManyRequests:
					held++
				default:
					t.Errorf("%s: %d: %s", what, reply.Status, reply.Body)
				}
			}
			if held == 0 || strings.Contains(refused, user) {
				t.Errorf("%s: %d of 8 held up; %s", what, held, refused)
			}
		}
	})
}

func TestACookieIsWorthNothingAfterTheEndOfItsSession(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		name := fmt.Sprintf("person%d", projects.Add(1))
		s.Admin.CreateUser(t, name, "Passw0rd-of-tests")
		browser := s.NewBrowser(t)
		if reply := browser.SignIn(t, name, "Passw0rd-of-tests"); reply.Status != http.StatusOK {
			t.Fatalf("sign in: %d: %s", reply.Status, reply.Body)
		}
		stolen := browser.Cookies(t)[0]
		cookie := stolen.Name + "=" + stolen.Value
		steal := func() int {
			return s.As("", "").Do(t, http.MethodGet, "/api/v2.0/users/current", nil, "Cookie", cookie).Status
		}
		if got := steal(); got != http.StatusOK {
			t.Fatalf("the cookie does not count: %d", got)
		}
		if reply := browser.Get(t, "/c/log_out"); reply.Status != http.StatusOK {
			t.Fatalf("sign out: %d: %s", reply.Status, reply.Body)
		}
		if got := steal(); got != http.StatusUnauthorized {
			t.Errorf("after the end: %d", got)
		}
		fixed := s.NewBrowser(t)
		reply := fixed.Form(t, "/c/login", url.Values{"principal": {name}, "password": {"Passw0rd-of-tests"}}, "Cookie", "sid=chosen-by-somebody")
		if strings.Contains(reply.Header.Get("Set-Cookie"), "chosen-by-somebody") || reply.Status != http.StatusOK {
			t.Errorf("the session took the id it was given: %d %v", reply.Status, reply.Header)
		}
	})
}

package security

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// closedHosts are hosts that plainly may not be called: the operator's own
// exceptions, metadata services also where private networks are open, and every
// special network, in every spelling.
const closedHosts = `
	127.0.0.9 [::ffff:127.0.0.9] [::ffff:7f00:9] [::127.0.0.9] [::1] [::] [::1%25lo] [64:ff9b::7f00:9] [2002:7f00:9::] 0 0.0.0.0
	127.1 127.0.9 2130706441 0x7f000009 0x7f.9 0177.0.0.9 １２７.0.0.9
	169.254.169.254 [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::] [fd00:ec2::254]
	100.100.100.200 168.63.129.16 metadata.google.internal METADATA.GOOGLE.INTERNAL.
	10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1 198.18.0.1 192.0.0.1 192.0.2.1 240.0.0.1 255.255.255.255 224.0.0.1
	[fc00::1] [fe80::1] [fec0::1] [ff02::1] [2001:db8::1] [2001::1] [3fff::1] [5f00::1] [100::1]`

type tried struct {
	Result string `json:"result"`
	Status int    `json:"status"`
	Body   string `json:"body"`
	Error  string `json:"error"`
}

func try(t *testing.T, s *harness.System, project, target string) (tried, harness.Reply) {
	t.Helper()
	reply := s.Admin.Do(t, http.MethodPost, harness.Policies(project)+"/test", policy("draft", target))
	var answer tried
	if err := json.Unmarshal([]byte(reply.Body), &answer); err != nil {
		t.Fatalf("test of %s: %d: %s", target, reply.Status, reply.Body)
	}
	return answer, reply
}

func TestClosedHostsAreRefusedAtSaveAndBlockedInTests(t *testing.T) {
	if n := len(strings.Fields(closedHosts)); n > 60 {
		t.Fatalf("%d hosts: only 60 tests a minute are possible", n)
	}
	eachOwn(t, networks, func(t *testing.T, s *harness.System) {
		port := trap(t)
		project := ""
		for i, host := range strings.Fields(closedHosts) {
			if i%10 == 0 {
				project = newProject(t, s) // a project has 10 tests a minute
			}
			target := "http://" + host + ":" + port + "/"
			answer, reply := try(t, s, project, target)
			if answer.Result != "blocked" || reply.Took > time.Second {
				t.Errorf("test of %s: %+v after %s", host, answer, reply.Took)
			}
			reply = s.Admin.Do(t, http.MethodPost, harness.Policies(project), policy(fmt.Sprint("p", i), target))
			if reply.Status != http.StatusBadRequest || !strings.Contains(reply.Body, "target") {
				t.Errorf("save of %s: %d: %s", host, reply.Status, reply.Body)
			}
		}
		if got := s.Admin.Do(t, http.MethodGet, harness.Policies(project), nil).Body; strings.TrimSpace(got) != "[]" {
			t.Errorf("stored: %s", got)
		}
	})
}

// A name passes at save, since what it leads to may change, and is decided about
// when it is dialled.
func TestNamesOfClosedAddressesAreBlockedAtDelivery(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		port, project := trap(t), newProject(t, s)
		hosts := []string{"ip6-localhost", "ip6-loopback", "x.ip6-localhost"}
		for _, host := range hosts {
			s.Admin.CreatePolicy(t, project, policy(host, "http://"+host+":"+port+"/"))
		}
		s.MustNotify(t, harness.NewPush(project+"/app", "v1"))
		for _, job := range s.Admin.FinalJobs(t, project, len(hosts), soon) {
			attempts := s.Admin.Attempts(t, project, job.ID)
			last := attempts[len(attempts)-1]
			if last.Result != "blocked" && last.Result != "dns_error" { // no such name here
				t.Errorf("job %+v: %+v", job, last)
			}
		}
	})
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		port, project := trap(t), newProject(t, s)
		receiver := harness.NewReceiver(t)
		places := []string{"http://127.0.0.9:" + port + "/", "http://169.254.169.254/latest", "file:///etc/passwd", receiver.URL + "/", "//127.0.0.9:" + port + "/"}
		statuses := []int{301, 302, 303, 307, 308}
		for i, status := range statuses {
			receiver.Answer(func(int, harness.Delivery) harness.Answer {
				return harness.Answer{Status: status, Header: http.Header{"Location": {places[i]}}}
			})
			if answer, _ := try(t, s, project, receiver.URL+"/hook"); answer.Result != "http_error" || answer.Status != status {
				t.Errorf("%d to %s: %+v", status, places[i], answer)
			}
		}
		if got := receiver.Got(); len(got) != len(statuses) {
			t.Errorf("%d requests, want %d", len(got), len(statuses))
		}
	})
}

func TestTestsOfOneProjectAreLimited(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		project, receiver := newProject(t, s), harness.NewReceiver(t)
		limited := 0
		for range 20 {
			reply := s.Admin.Do(t, http.MethodPost, harness.Policies(project)+"/test", policy("draft", receiver.URL+"/"), "X-Forwarded-For", fmt.Sprint("198.51.100.", limited))
			if reply.Status == http.StatusTooManyRequests {
				limited++
				if reply.Header.Get("Retry-After") == "" {
					t.Errorf("no Retry-After: %v", reply.Header)
				}
			}
		}
		if limited != 10 || len(receiver.Got()) != 10 {
			t.Errorf("%d of 20 refused, %d arrived", limited, len(receiver.Got()))
		}
	})
}

func TestTestsOfAllProjectsAreLimited(t *testing.T) {
	eachOwn(t, networks, func(t *testing.T, s *harness.System) {
		receiver := harness.NewReceiver(t)
		answered := map[int]int{}
		for range 8 {
			project := newProject(t, s)
			for range 10 {
				reply := s.Admin.Do(t, http.MethodPost, harness.Policies(project)+"/test", policy("draft", receiver.URL+"/"))
				if answered[reply.Status]++; reply.Status == http.StatusTooManyRequests && reply.Header.Get("Retry-After") == "" {
					t.Errorf("no Retry-After: %v", reply.Header)
				}
			}
		}
		if answered[http.StatusOK] != 60 || answered[http.StatusTooManyRequests] != 20 || len(receiver.Got()) != 60 {
			t.Errorf("80 tests were answered %v, %d arrived", answered, len(receiver.Got()))
		}
	})
}

func TestTargetsOfOtherKindsAreRefused(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		project := newProject(t, s)
		for _, target := range []string{
			"ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)", "data:text/html,x", "unix:///run/x.sock",
			"http:///x", "http:opaque", "//example.com/x", "http://", "https://user:pw@example.com/", "https://user@example.com/", "http://example.com/#x",
			"http://example.com:0/", "http://example.com:99999/", "http://example.com:/", "http://exa mple.com/", "http://example.com\\@127.0.0.9/",
			"http://[::1/", "http://example.com/\r\nHost: x", "http://" + strings.Repeat("a.", 1100) + "com/", "HTTP//example.com",
		} {
			reply := s.Admin.Do(t, http.MethodPost, harness.Policies(project), policy("p", target))
			if reply.Status != http.StatusBadRequest || strings.Contains(reply.Body, "pw@") {
				t.Errorf("%q: %d: %s", target, reply.Status, reply.Body)
			}
		}
	})
}

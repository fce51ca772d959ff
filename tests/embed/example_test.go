package embed

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// suite holds a PostgreSQL and a Redis.
var suite harness.Suite

func TestMain(m *testing.M) { os.Exit(suite.Run(m)) }

// soon is the longest that something may take which happens at once.
const soon = 30 * time.Second

// TestTheExampleDeliversForTheUsersOfItsHost runs docs/examples/embed: the host's
// users see what the host says they may, and a push becomes a webhook.
func TestTheExampleDeliversForTheUsersOfItsHost(t *testing.T) {
	t.Parallel()
	url := startExample(t)
	receiver := harness.NewReceiver(t)
	const policies, jobs = "/api/projects/engines/webhook/policies", "/api/projects/engines/webhook/jobs"
	policy := `{"name":"ci","hook_types":["pushImage"],"target":"` + receiver.URL + `"}`
	for _, step := range []struct {
		what, key, method, path, body string
		status                        int
		words                         string
	}{
		{"the host's own page", "key-of-ada", "GET", "/", "", 200, "Hello, ada."},
		{"the host's user", "key-of-ada", "GET", "/api/users/current", "", 200, `"user_id":1,"username":"ada"`},
		{"a stranger", "", "GET", policies, "", 401, "401"},
		{"a wrong key", "key-of-eve", "GET", policies, "", 401, "401"},
		{"another user", "key-of-bob", "GET", policies, "", 403, "forbidden"},
		{"a project that the host does not have", "key-of-root", "GET", "/api/projects/looms2/webhook/policies", "", 404, "not found"},
		{"users are the host's", "key-of-root", "GET", "/api/users", "", 404, "not found"},
		{"projects are the host's", "key-of-root", "POST", "/api/projects", `{"project_name":"mills"}`, 405, "not allowed"},
		{"members are the host's", "key-of-root", "GET", "/api/projects/engines/members", "", 404, "not found"},
		{"the owner", "key-of-ada", "POST", policies, policy, 201, ""},
		{"the owner", "key-of-ada", "GET", policies, "", 200, `"creator":"ada"`},
		{"the host's admin", "key-of-root", "GET", policies, "", 200, `"name":"ci"`},
	} {
		if status, body := call(t, "Key "+step.key, step.method, url+step.path, step.body); status != step.status || !strings.Contains(body, step.words) {
			t.Errorf("%s, %s %s: %d, want %d with %q\n%s", step.what, step.method, step.path, status, step.status, step.words, body)
		}
	}

	pushes, err := json.Marshal(harness.Envelope(harness.NewPush("mills/stones", "v1"), harness.NewPush("engines/difference", "v2")))
	if err != nil {
		t.Fatal(err)
	}
	if status, body := call(t, "Bearer what-the-registry-shows", "POST", url+"/service/notifications", string(pushes)); status != http.StatusOK {
		t.Fatalf("notification: %d %s", status, body)
	}
	if got := receiver.Wait(t, 1, soon); !strings.Contains(string(got[0].Body), `"full_name":"engines/difference"`) {
		t.Errorf("the webhook is %s", got[0].Body)
	}
	harness.Eventually(t, soon, "a finished delivery that the owner sees", func() bool {
		_, body := call(t, "Key key-of-ada", "GET", url+jobs, "")
		return strings.Contains(body, `"status":"finished"`) && strings.Count(body, `"uuid"`) == 1
	})
}

// TestTwoHostsShareAPostgreSQLAndARedis runs the example twice, as a production does:
// what one takes, either delivers, once; and one goes on without the other.
func TestTwoHostsShareAPostgreSQLAndARedis(t *testing.T) {
	t.Parallel()
	binary := buildExample(t)
	shared := []string{"-database", suite.Postgres(t).NewDatabase(t), "-redis", suite.Redis(t).URL()}
	one, first := runExample(t, binary, shared...)
	two, _ := runExample(t, binary, shared...)
	receiver := harness.NewReceiver(t)
	const jobs = "/api/projects/engines/webhook/jobs"
	policy := `{"name":"ci","hook_types":["pushImage"],"target":"` + receiver.URL + `","secret":"kept-in-postgresql"}`
	if status, body := call(t, "Key key-of-ada", "POST", one+"/api/projects/engines/webhook/policies", policy); status != http.StatusCreated {
		t.Fatalf("a policy: %d %s", status, body)
	}
	if status, body := call(t, "Key key-of-bob", "GET", two+jobs, ""); status != http.StatusForbidden {
		t.Errorf("another user: %d %s", status, body)
	}
	const pushes = 20
	for n := range pushes {
		notify(t, []string{one, two}[n%2], harness.NewPush("engines/difference", fmt.Sprint("v", n)))
	}
	finished(t, two+jobs, pushes)

	first.Stop()
	notify(t, two, harness.NewPush("engines/difference", "last"))
	finished(t, two+jobs, pushes+1)
	got := receiver.Got()
	if len(got) != pushes+1 {
		t.Errorf("%d deliveries of %d events", len(got), pushes+1)
	}
	for _, d := range got {
		if d.Header.Get("X-Hub-Signature-256") == "" {
			t.Errorf("a delivery without a signature: %v", d.Header)
		}
	}
}

// finished waits until so many deliveries are listed, all of them finished.
func finished(t *testing.T, jobs string, n int) {
	t.Helper()
	harness.Eventually(t, soon, fmt.Sprint(n, " finished deliveries"), func() bool {
		_, body := call(t, "Key key-of-ada", "GET", jobs+"?page_size=100", "")
		return strings.Count(body, `"status":"finished"`) == n && strings.Count(body, `"uuid"`) == n
	})
}

// notify tells a host of a push, until it is taken.
func notify(t *testing.T, url string, push harness.Push) {
	t.Helper()
	text, err := json.Marshal(harness.Envelope(push))
	if err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, soon, "200 for a notification", func() bool {
		status, _ := call(t, "Bearer what-the-registry-shows", "POST", url+"/service/notifications", string(text))
		return status == http.StatusOK
	})
}

// startExample builds the example and runs it on a free port, by itself.
func startExample(t *testing.T) (url string) {
	t.Helper()
	url, _ = runExample(t, buildExample(t), "-data", filepath.Join(t.TempDir(), "data"))
	return url
}

func buildExample(t *testing.T) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "embed")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../docs/examples/embed")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

func runExample(t *testing.T, binary string, args ...string) (url string, process *harness.Process) {
	t.Helper()
	addr := harness.FreeAddr(t)
	process = harness.Run(t, harness.Program{
		Name: "embed", Path: binary, ReadyURL: "http://" + addr + "/", Args: append([]string{"-addr", addr, "-targets", "loopback"}, args...),
	})
	return "http://" + addr, process
}

func call(t *testing.T, authorization, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if strings.HasSuffix(url, "/service/notifications") {
		req.Header.Set("Content-Type", "application/vnd.docker.distribution.events.v1+json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

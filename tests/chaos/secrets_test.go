package chaos

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// What is secret stands in no log, in no answer, in no Redis, and in the database
// only encrypted, also when things fail.
func TestSecretsAreNowhereToBeFound(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shape, size, harness.Settings{"LOG_LEVEL": "debug"})
			p := harness.Policy{
				Name: "secrets", HookTypes: []string{"pushImage"},
				AuthHeader: "Bearer auth-4711-secret", Secret: "whsec_" + base64.StdEncoding.EncodeToString([]byte("signing-0815-secret-signing")),
			}
			secrets := map[string]string{
				"auth_header": "auth-4711-secret", "secret": p.Secret, "signing key": "signing-0815-secret-signing", "target's query": "query-2342-secret",
				"cookie": "cookie-6174-secret", "admin's password": w.Password(), "notification token": w.Token, "component token": w.ComponentToken,
				"basic credentials": base64.StdEncoding.EncodeToString([]byte("admin:" + w.Password())),
			}
			// The receiver says back what it was told, and fails; others do not answer.
			echo := harness.NewReceiver(t)
			echo.Answer(func(_ int, d harness.Delivery) harness.Answer {
				return harness.Answer{
					Status: http.StatusInternalServerError, Header: http.Header{"Set-Cookie": {"session=" + secrets["cookie"]}},
					Body: "you sent " + d.Header.Get("Authorization") + " to " + d.URI,
				}
			})
			w.Admin.CreateProject(t, "chaos", false)
			var policies []int64
			for n, target := range []string{echo.URL, harness.Resetter(t), "http://" + harness.FreeAddr(t), "http://nobody.invalid"} {
				p.Name, p.Target = fmt.Sprint("secrets", n), target+"/hook?token="+secrets["target's query"]
				policies = append(policies, w.Admin.CreatePolicy(t, "chaos", p))
			}
			w.MustNotify(t, harness.NewPush("chaos/app", "v1"))
			echo.Wait(t, 1, patience)
			if w.redis != nil {
				w.redis.Stop()
				w.MustNotify(t, harness.NewPush("chaos/app", "v2"))
				w.redis.Start()
			} else {
				w.MustNotify(t, harness.NewPush("chaos/app", "v2"))
			}
			killed := w.Process(w.Deliverer())
			killed.Kill9()
			killed.Start()
			jobs := w.Admin.FinalJobs(t, "chaos", 2*len(policies), patience)

			found := search(secrets, w.logs(), "logs") + search(secrets, w.dump(t), "database") + search(secrets, w.answers(t, policies, jobs), "answers")
			if w.redis != nil {
				found += search(secrets, w.dumpRedis(t), "Redis")
			}
			if found != "" {
				t.Error(found)
			}
			table.add(row{
				promise: 20, name: fmt.Sprint(len(secrets), " secrets in logs, database, Redis and answers; lost: found"), shape: shape,
				faults: "refusing, resetting, echoing and missing receivers; Redis away; kill -9", outcome: outcome{accepted: 2, lost: strings.Count(found, "\n")},
			})
		})
	}
}

// search names the secrets that stand in a text, a line each, with what is around.
func search(secrets map[string]string, text, where string) (found string) {
	for name, secret := range secrets {
		if i := strings.Index(text, secret); i >= 0 {
			found += fmt.Sprintf("%s is in the %s: %q\n", name, where, text[max(0, i-200):min(len(text), i+60)])
		}
	}
	return found
}

func (w *world) logs() string {
	var all strings.Builder
	for _, name := range w.Processes() {
		all.WriteString(w.Process(name).Log())
	}
	return all.String()
}

// dump returns all that the database holds.
func (w *world) dump(t *testing.T) string {
	t.Helper()
	if w.postgres != nil {
		return w.postgres.Dump(w.database)
	}
	files, err := filepath.Glob(filepath.Join(w.DataDir, "*.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the database's files: %v %v", files, err)
	}
	var all strings.Builder
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}

// dumpRedis returns all that Redis holds.
func (w *world) dumpRedis(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, key := range w.redis.Texts("KEYS", "*") {
		fmt.Fprintln(&all, key)
		switch w.redis.Do("TYPE", key) {
		case "string":
			fmt.Fprintf(&all, "%s\n", w.redis.Do("GET", key))
		case "list":
			fmt.Fprintln(&all, w.redis.Texts("LRANGE", key, 0, -1))
		case "hash":
			fmt.Fprintln(&all, w.redis.Texts("HGETALL", key))
		case "set":
			fmt.Fprintln(&all, w.redis.Texts("SMEMBERS", key))
		case "zset":
			fmt.Fprintln(&all, w.redis.Texts("ZRANGE", key, 0, -1))
		}
	}
	return all.String()
}

// answers returns what everything that can be read says to a master, who sees the
// webhooks of a project and may not change them. Who may is shown the query of a
// target, which is theirs to write.
func (w *world) answers(t *testing.T, policies []int64, jobs []harness.Job) string {
	t.Helper()
	const master, password = "master", "Master12345"
	w.Admin.CreateUser(t, master, password)
	w.Admin.AddMember(t, "chaos", master, 4)
	var all strings.Builder
	read := func(c *harness.Client, address string) {
		reply := c.Do(t, http.MethodGet, address, nil)
		if reply.Status >= http.StatusInternalServerError {
			t.Errorf("GET %s: %d %s", address, reply.Status, reply.Body)
		}
		fmt.Fprintln(&all, address, reply.Header, reply.Body)
	}
	c := w.As(master, password)
	for _, base := range []string{"/api", "/api/v2.0"} {
		for _, address := range []string{"/projects", "/projects/chaos", "/projects/chaos/members", "/projects/chaos/webhook/lasttrigger", "/projects/chaos/webhook/audit"} {
			read(c, base+address)
		}
		for _, address := range []string{"/users", "/systeminfo", "/health", "/configurations", "/statistics", "/search?q=chaos"} {
			read(w.Admin, base+address)
		}
		read(c, base+"/projects/chaos/webhook/policies")
		read(c, base+"/projects/chaos/webhook/jobs")
		for _, id := range policies {
			read(c, fmt.Sprintf("%s/projects/chaos/webhook/policies/%d", base, id))
			read(c, fmt.Sprintf("%s/projects/chaos/webhook/policies/%d/executions", base, id))
		}
		for _, job := range jobs {
			for _, part := range []string{"", "/attempts", "/log"} {
				read(c, fmt.Sprintf("%s/projects/chaos/webhook/jobs/%d%s", base, job.ID, part))
			}
		}
	}
	read(w.As("", ""), "/metrics")
	return all.String()
}

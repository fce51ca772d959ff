package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestTheAPIIsDescribedWhereItIsServed(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		for path, want := range map[string]string{
			"/api/docs": "<h1>The API of harborhook</h1>", "/api/docs/openapi.yaml": "openapi: 3.0.3", "/api/docs/openapi.json": `"openapi":"3.0.3"`,
			"/api/docs/style.css": "color-scheme: light dark",
		} {
			reply := s.As("", "").Do(t, http.MethodGet, path, nil)
			if reply.Status != http.StatusOK || !strings.Contains(reply.Body, want) {
				t.Errorf("%s: %d, without %s", path, reply.Status, want)
			}
		}
	})
}

// TestTheCommandsOfTheAPIsPageWork runs the commands of docs/api.md in the order in
// which they stand, with the addresses and ids of this system: its receiver fails
// the first deliveries.
func TestTheCommandsOfTheAPIsPageWork(t *testing.T) {
	t.Parallel()
	harness.Require(t, "bash", "curl")
	s := suite.NewStandalone(t, nil)
	receiver := harness.NewReceiver(t)
	receiver.Answer(func(n int, _ harness.Delivery) harness.Answer {
		if n == 2 || n == 3 { // the first one is the test of the policy
			return harness.Answer{Status: http.StatusBadGateway, Body: "bad gateway"}
		}
		return harness.Answer{Body: "thanks"}
	})
	page := pageOf(t, "../../docs/api.md")
	run := func(section string, calls int, more ...string) string {
		t.Helper()
		replace := strings.NewReplacer(append([]string{
			"http://127.0.0.1:8080", s.CoreURL, "https://ci.example.com", receiver.URL,
		}, more...)...)
		return runCommands(t, s, replace.Replace(page[""]+page[section]), calls)
	}
	wantWords(t, run("Create a policy", 3), `"result":"ok"`, "Location: /api/projects/library/webhook/policies/1\r", "Location: /api/v2.0/projects/library/webhook/policies/2\r")

	s.MustNotify(t, harness.NewPush("library/app", "v1"))
	failed := s.Admin.FinalJobs(t, "library", 2, soon)[0]
	job := []string{"jobs/12", fmt.Sprintf("jobs/%d", failed.ID)}
	wantWords(t, run("See why a delivery failed", 3, job...), `"http_status":502`, `"body":"bad gateway"`)
	wantWords(t, run("Search", 1), fmt.Sprintf(`"id":%d,`, failed.ID))
	wantWords(t, run("Redeliver yesterday's failures", 2, job...), "{\"count\":2,\"skipped\":0}\n\n<200>\n{\"count\":2,\"skipped\":0}")
	s.Admin.FinalJobs(t, "library", 4, soon)
	wantWords(t, run("Rotate a secret", 1), `{"secret":"whsec_`)
	wantWords(t, run("See who did what", 1), `"action":"rotate_secret"`, `"action":"redeliver"`, `"action":"test"`)
}

// pageOf returns the commands under each heading of a page; those before the first
// one under no name.
func pageOf(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string]string{}
	for i, section := range strings.Split("\n"+string(text), "\n## ") {
		heading, _, _ := strings.Cut(section, "\n")
		if i == 0 {
			heading = ""
		}
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
			commands[heading] += block[1]
		}
	}
	return commands
}

// runCommands runs commands on a day that ends with yesterday, and returns what
// they print. They must make so many calls, each of which must succeed.
func runCommands(t *testing.T, s *harness.System, commands string, calls int) string {
	t.Helper()
	const around = `set -euo pipefail
curl() { command curl -w '\n<%{http_code}>\n' "$@"; }
date() {
	case "$*" in
	*yesterday*) command date -u +%F ;;
	*today*) command date -u -d tomorrow +%F ;;
	*) command date "$@" ;;
	esac
}
`
	cmd := exec.CommandContext(t.Context(), "bash", "-c", around+commands)
	cmd.Env = append(os.Environ(), "PASSWORD="+s.Password())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, commands, out)
	}
	answers := regexp.MustCompile(`(?m)^<\d{3}>$`).FindAllString(string(out), -1)
	if len(answers) != calls || slices.ContainsFunc(answers, func(a string) bool { return a[1] != '2' }) {
		t.Fatalf("answered %v, want success %d times\n%s\n%s", answers, calls, commands, out)
	}
	return string(out)
}

func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in\n%s", w, text)
		}
	}
}

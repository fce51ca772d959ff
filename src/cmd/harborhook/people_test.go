package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// newServer is a server with one policy and one delivery, for admin with a password.
func newServer(t *testing.T, password string) *httptest.Server {
	t.Helper()
	const place = "/api/v2.0/projects/p/webhook/"
	answers := map[string]string{
		"GET " + place + "policies":          `[{"id":3,"name":"ci","enabled":true,"event_types":["PUSH_ARTIFACT"],"targets":[{"address":"http://t"}]}]`,
		"GET " + place + "jobs":              `[{"id":9,"status":"Error","repository":"a\u001b[2Jpp","tag":"v1"}]`,
		"POST " + place + "policies/3/test":  `{"result":"http_error","status":500,"duration_ms":4}`,
		"POST " + place + "jobs/redeliver":   `{"count":2,"skipped":1}`,
		"POST " + place + "jobs/9/redeliver": `{"id":10}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.Method+" "+r.URL.Path]
		if user, given, _ := r.BasicAuth(); user != "admin" || given != password || !ok {
			http.Error(w, `{"errors":[{"message":"no"}]}`, http.StatusForbidden)
			return
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestPeopleCallAServer(t *testing.T) {
	t.Parallel()
	server := newServer(t, "pw")
	environ := []string{"HARBORHOOK_SERVER=" + server.URL, "HARBORHOOK_PASSWORD=pw", "HARBORHOOK_PROJECT=p"}
	for args, want := range map[string]struct {
		code int
		out  string
	}{
		"policy list":                           {0, "PUSH_ARTIFACT"},
		"policy list --json":                    {0, `[{"address":"http://t"}]}` + "\n"},
		"policy list --project q":               {1, ""},
		"policy list --password wrong":          {1, ""},
		"policy test ci":                        {1, "http_error: the target answered 500 in 4 ms"},
		"policy test other":                     {1, ""},
		"deliveries list --limit 1":             {0, "a\ufffd[2Jpp:v1"},
		"deliveries redeliver 9":                {0, "delivery 9 is repeated by 10"},
		"deliveries redeliver --policy ci":      {0, "2 deliveries are repeated, 1 cannot be now"},
		"deliveries redeliver":                  {2, ""},
		"deliveries redeliver 9 --status error": {2, ""},
		"deliveries redeliver nine":             {2, ""},
		"deliveries list --since yesterday":     {2, ""},
		"deliveries list --limit 0":             {2, ""},
		"deliveries show":                       {2, ""},
		"policy":                                {2, ""},
		"policy lst":                            {2, ""},
		"policy list now":                       {2, ""},
		"policy list --nothing":                 {2, ""},
		"policy list --server ftp://x":          {2, ""},
		"policy list --ca-file /nowhere":        {2, ""},
		"policy create --name x":                {2, ""},
		"policy create --name x --file y":       {2, ""},
		"listen":                                {2, ""},
		"listen --forward localhost":            {2, ""},
		"completion tcsh":                       {2, ""},
		"completion bash":                       {0, "__start_harborhook"},
		"__complete stan":                       {0, "standalone\t"},
		"__complete standalone --data":          {0, "--data-dir\t"},
		"__complete deliveries list --status ":  {0, "stopped"},
		"help deliveries list":                  {0, "--http-status"},
	} {
		s := newSession(environ...)
		words := strings.Split(args, " ")
		if code := s.do(words...); code != want.code || !strings.Contains(s.out.String(), want.out) || code != 0 && s.errs.Len() == 0 {
			t.Errorf("%q: code %d, out %q, errors %q", args, code, s.out.String(), s.errs.String())
		}
		if want.code == 2 && !strings.Contains(s.errs.String(), `-h" for help.`) {
			t.Errorf("%q says %q", args, s.errs.String())
		}
	}
}

func TestThePasswordOfAStandaloneIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "secrets", "admin_password")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("kept\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := newServer(t, "kept")
	list := []string{"policy", "list", "--project", "p", "--server"}
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"this machine":    {append(list, server.URL, "--data-dir", dir), 0},
		"a file":          {append(list, server.URL, "--password-file", file), 0},
		"another machine": {append(list, "http://harbor.invalid", "--data-dir", dir), 2},
		"another user":    {append(list, server.URL, "--data-dir", dir, "--user", "you"), 2},
		"no such folder":  {append(list, server.URL, "--data-dir", dir+"/x"), 2},
	} {
		s := newSession()
		if code := s.do(c.args...); code != c.code {
			t.Errorf("%s: code %d: %s", name, code, s.errs.String())
		}
	}
}

func TestTimesAreToldAsPeopleDo(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	for d, want := range map[time.Duration]string{time.Second: "1s ago", time.Hour: "1h ago", 72 * time.Hour: "3d ago", -90 * time.Second: "in 1m"} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestTheManualTellsOfEveryCommand(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	manual, s, flags := string(text), newSession(), map[string]bool{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.DisableFlagParsing || c.Hidden {
			return
		}
		if c.Runnable() && !c.HasSubCommands() && !strings.Contains(manual, c.CommandPath()) {
			t.Errorf("it does not tell of %s", c.CommandPath())
		}
		for _, word := range strings.FieldsFunc(c.LocalFlags().FlagUsages(), func(r rune) bool { return r == ' ' || r == '\n' }) {
			flags[word] = true
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(s.tree())
	for _, word := range strings.FieldsFunc(manual, func(r rune) bool { return strings.ContainsRune(" `\n;,.|:", r) }) {
		if strings.HasPrefix(word, "--") && strings.Trim(word, "-") != "" && !flags[word] {
			t.Errorf("no command has the flag %s", word)
		}
	}
}

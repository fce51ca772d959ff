package docs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice/delivery"
)

const (
	standardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
	plainSecret    = "a secret that is written as it is"
	otherSecret    = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
)

// signed returns a delivery with the given secrets.
func signed(address string, secret, old string) hook.Delivery {
	return hook.Delivery{
		Job: hook.Job{
			ID: 7, UUID: "8c7e0a4f-5d0e-4d6c-9f5c-0d8f6f1f7a10", PolicyID: 3, EventID: "event-1",
			HookType: hook.PushImage, ContentType: "application/json", Detail: []byte(`{"event_type":"pushImage","ü":"\n"}`),
		},
		Number: 1, SendTo: hook.Target{Type: hook.TargetHTTP, Address: address},
		Secret: secret, OldSecret: old, OldSecretUntil: time.Now().Add(time.Hour),
	}
}

func sender(t *testing.T) *delivery.Client {
	t.Helper()
	guard, err := delivery.NewGuard(delivery.GuardConfig{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	c := delivery.New(delivery.Config{Guard: guard})
	t.Cleanup(c.Close)
	return c
}

// message is what a receiver gets.
type message struct {
	header http.Header
	body   []byte
}

func deliver(t *testing.T, secret, old string) message {
	t.Helper()
	var got message
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = message{r.Header.Clone(), body}
	}))
	t.Cleanup(server.Close)
	if attempt := sender(t).Send(t.Context(), signed(server.URL, secret, old)); attempt.Result != hook.ResultOK {
		t.Fatalf("%s: %s", attempt.Result, attempt.Error)
	}
	return got
}

func TestTheLibraryOfStandardWebhooksVerifiesUs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secret, old, known string
		genuine            bool
	}{
		"the secret":                {standardSecret, "", standardSecret, true},
		"the new one of a rotation": {otherSecret, standardSecret, otherSecret, true},
		"the old one of a rotation": {otherSecret, standardSecret, standardSecret, true},
		"another secret":            {otherSecret, "", standardSecret, false},
	} {
		got := deliver(t, c.secret, c.old)
		library, err := standardwebhooks.NewWebhook(strings.TrimPrefix(c.known, "whsec_"))
		if err != nil {
			t.Fatal(err)
		}
		if err := library.Verify(got.body, got.header); (err == nil) != c.genuine {
			t.Errorf("%s: %v", name, err)
		}
		got.body = append(got.body, ' ')
		if library.Verify(got.body, got.header) == nil {
			t.Errorf("%s: a changed body passes", name)
		}
	}
}

// codeIn returns the code block of a language in the section about signatures.
func codeIn(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "### Check the signature\n")
	found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindStringSubmatch(section)
	if found == nil {
		t.Fatalf("docs/webhooks.md has no receiver in %s", language)
	}
	return found[1]
}

// interpreters run a receiver of the documentation from a file.
var interpreters = map[string]struct {
	program, file string
	args          []string
}{
	"go":     {"go", "main.go", []string{"run"}},
	"python": {"python3", "receiver.py", nil},
	"js":     {"node", "receiver.js", nil},
}

func TestTheDocumentedReceiversLetInOnlyWhatIsGenuine(t *testing.T) {
	t.Parallel()
	for language, run := range interpreters {
		program, err := exec.LookPath(run.program)
		if err != nil {
			t.Logf("%s is not installed here: its receiver is not run", run.program)
			continue
		}
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			for _, secret := range []string{standardSecret, plainSecret} {
				file := filepath.Join(t.TempDir(), run.file)
				if err := os.WriteFile(file, []byte(codeIn(t, language)), 0o600); err != nil {
					t.Fatal(err)
				}
				address := start(t, secret, program, append(run.args, file)...)
				for name, c := range map[string]struct {
					change func(*message)
					want   int
				}{
					"genuine":      {func(*message) {}, 204},
					"changed body": {func(m *message) { m.body = append(m.body, ' ') }, 401},
					"changed id":   {func(m *message) { m.header.Set("webhook-id", "other") }, 401},
					"no signature": {func(m *message) { m.header.Del("webhook-signature") }, 401},
					"no time":      {func(m *message) { m.header.Del("webhook-timestamp") }, 401},
					"other version": {func(m *message) {
						m.header.Set("webhook-signature", strings.ReplaceAll(m.header.Get("webhook-signature"), "v1,", "v2,"))
					}, 401},
					"an old time": {func(m *message) {
						m.header.Set("webhook-timestamp", fmt.Sprint(time.Now().Add(-time.Hour).Unix()))
					}, 401},
				} {
					m := deliver(t, otherSecret, secret) // a rotation: there are two signatures
					c.change(&m)
					if got := post(t, address, m); got != c.want {
						t.Errorf("%s, secret %.6s: %d, want %d", name, secret, got, c.want)
					}
				}
				if got := post(t, address, deliver(t, otherSecret, "")); got != 401 {
					t.Errorf("another secret: %d", got)
				}
				if got := post(t, address, replay(t, secret)); got != 401 {
					t.Errorf("an old message: %d", got)
				}
			}
		})
	}
}

// replay returns a genuine message of an hour ago.
func replay(t *testing.T, secret string) message {
	t.Helper()
	m := deliver(t, secret, "")
	at := time.Now().Add(-time.Hour)
	library, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if strings.HasPrefix(secret, "whsec_") {
		library, err = standardwebhooks.NewWebhook(strings.TrimPrefix(secret, "whsec_"))
	}
	if err != nil {
		t.Fatal(err)
	}
	signature, err := library.Sign(m.header.Get("webhook-id"), at, m.body)
	if err != nil {
		t.Fatal(err)
	}
	m.header.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
	m.header.Set("webhook-signature", signature)
	return m
}

// start runs a receiver and waits until it listens.
func start(t *testing.T, secret, program string, args ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "PORT="+port, "WEBHOOK_SECRET="+secret)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	own(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-ticker.C {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return address
		}
	}
	t.Fatalf("%s does not listen: %s", program, out.String())
	return ""
}

func post(t *testing.T, address string, m message) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/", bytes.NewReader(m.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = m.header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestTheDocumentedShellLetsInOnlyWhatIsGenuine(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"sh", "openssl", "od"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Logf("%s is not installed here: the script is not run", program)
			return
		}
	}
	script := codeIn(t, "sh")
	check := func(m message, secret string) error {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
		cmd.Stdin = bytes.NewReader(m.body)
		cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret, "WEBHOOK_ID="+m.header.Get("webhook-id"),
			"WEBHOOK_TIMESTAMP="+m.header.Get("webhook-timestamp"), "WEBHOOK_SIGNATURE="+m.header.Get("webhook-signature"))
		return cmd.Run()
	}
	for _, secret := range []string{standardSecret, plainSecret} {
		m := deliver(t, otherSecret, secret)
		if err := check(m, secret); err != nil {
			t.Errorf("secret %.6s: %v", secret, err)
		}
		if check(m, "whsec_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB") == nil {
			t.Error("another secret passes")
		}
		if check(replay(t, secret), secret) == nil {
			t.Error("an old message passes")
		}
		m.body = append(m.body, ' ')
		if check(m, secret) == nil {
			t.Error("a changed body passes")
		}
	}
}

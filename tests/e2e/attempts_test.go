package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/tests/harness"
)

// waits are the shared systems' waits before each repetition.
var waits = []time.Duration{200 * time.Millisecond, 300 * time.Millisecond, 400 * time.Millisecond}

func TestNetworkErrorsAreFourAttemptsAtTheConfiguredWaits(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		for name, test := range map[string]struct {
			target func(t *testing.T) string
			result string
		}{
			"closed port":      {func(t *testing.T) string { t.Helper(); return "http://" + harness.FreeAddr(t) }, "connect_failed"},
			"connection reset": {func(t *testing.T) string { t.Helper(); return harness.Resetter(t) }, "reset"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := newScene(t, s)
				c.Admin.CreatePolicy(t, c.project, c.to(test.target(t)+"/hook", "pushImage"))
				c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"))

				job := c.Admin.FinalJobs(t, c.project, 1, soon)[0]
				if job.Status != "error" || job.Attempts != 4 || job.HTTPStatus != 0 || job.StatusMessage == "" {
					t.Errorf("job %+v", job)
				}
				attempts := c.Admin.Attempts(t, c.project, job.ID)
				if len(attempts) != 4 {
					t.Fatalf("%d attempts, want 4", len(attempts))
				}
				for i, a := range attempts {
					if a.Number != i+1 || a.Result != test.result || a.Error == "" || a.Response != nil {
						t.Errorf("attempt %d: %+v", i+1, a)
					}
					if a.Request.Method != http.MethodPost || a.Request.Body != job.JobDetail {
						t.Errorf("attempt %d sent %+v", i+1, a.Request)
					}
					if i == 0 {
						continue
					}
					wait, want := a.StartedAt.Sub(attempts[i-1].StartedAt), waits[i-1]
					if wait < want*8/10 || wait > want*12/10+2*time.Second {
						t.Errorf("attempt %d came %s after the one before, want %s give or take a fifth", i+1, wait, want)
					}
				}
			})
		}
	})
}

func TestAnHTTPAnswerIsOneAttempt(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		for status, want := range map[int]string{200: "finished", 204: "finished", 302: "error", 404: "error", 429: "error", 500: "error", 503: "error"} {
			t.Run(fmt.Sprint(status), func(t *testing.T) {
				t.Parallel()
				c := newScene(t, s)
				c.receiver.Answer(func(int, harness.Delivery) harness.Answer {
					return harness.Answer{Status: status, Header: http.Header{"Location": {"/elsewhere"}}}
				})
				c.policy(t, "pushImage")
				c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"))
				job := c.Admin.FinalJobs(t, c.project, 1, soon)[0]
				if job.Status != want || job.Attempts != 1 || job.HTTPStatus != status {
					t.Errorf("job %+v, want %s after one attempt", job, want)
				}
				if n := len(c.receiver.Got()); n != 1 {
					t.Errorf("%d requests", n)
				}
			})
		}
	})
}

func TestWhatWasSentAndAnsweredCanBeReadBackWithoutItsSecrets(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		const (
			authorization = "Bearer very-secret-token-4711"
			signing       = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
			query         = "querysecret-0815"
		)
		c := newScene(t, s)
		c.receiver.Answer(func(_ int, d harness.Delivery) harness.Answer {
			return harness.Answer{
				Status: http.StatusInternalServerError, Header: http.Header{"X-Broken": {"really"}},
				Body: "cannot store it; you sent " + d.Header.Get("Authorization") + " to " + d.URI,
			}
		})
		p := c.to(c.receiver.URL+"/hook?token="+query, "pushImage")
		p.Name, p.AuthHeader, p.Secret = "secrets", authorization, signing
		c.Admin.CreatePolicy(t, c.project, p)
		c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"))

		sent := c.receiver.Wait(t, 1, soon)[0]
		if got := sent.Header.Get("Authorization"); got != authorization {
			t.Errorf("Authorization was sent as %q", got)
		}
		if sent.URI != "/hook?token="+query {
			t.Errorf("sent to %q", sent.URI)
		}
		job := c.Admin.FinalJobs(t, c.project, 1, soon)[0]
		if job.JobDetail != string(sent.Body) {
			t.Errorf("job_detail (-sent +shown):\n%s", cmp.Diff(string(sent.Body), job.JobDetail))
		}

		attempts := c.Admin.Attempts(t, c.project, job.ID)
		if len(attempts) != 1 || attempts[0].Response == nil {
			t.Fatalf("attempts %+v", attempts)
		}
		a := attempts[0]
		if a.Result != "http_error" || a.Request.Method != http.MethodPost || a.Request.Body != string(sent.Body) ||
			!strings.HasPrefix(a.Request.URL, c.receiver.URL+"/hook") {
			t.Errorf("request %+v", a.Request)
		}
		for _, name := range []string{"Content-Type", "User-Agent", "X-Harbor-Event-Type", "X-Harbor-Delivery", "Webhook-Id", "Webhook-Timestamp"} {
			if got, want := a.Request.Headers.Get(name), sent.Header.Get(name); got != want || got == "" {
				t.Errorf("header %s is shown as %q, was %q", name, got, want)
			}
		}
		for _, name := range []string{"Authorization", "Webhook-Signature", "X-Hub-Signature-256"} {
			if got := a.Request.Headers.Get(name); got != "********" || sent.Header.Get(name) == "" {
				t.Errorf("header %s is shown as %q, was %q", name, got, sent.Header.Get(name))
			}
		}
		if a.Response.Status != 500 || a.Response.Headers.Get("X-Broken") != "really" || !strings.Contains(a.Response.Body, "cannot store it; you sent") {
			t.Errorf("response %+v", a.Response)
		}

		log := c.Admin.Log(t, c.project, job.ID)
		for _, want := range []string{"POST", "X-Harbor-Event-Type", string(sent.Body), "500", "X-Broken", "cannot store it"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log does not say %q:\n%s", want, log)
			}
		}
		everything := log + fmt.Sprint(job) + fmt.Sprintf("%+v %+v", a, *a.Response)
		for _, name := range []string{authorization, "very-secret-token-4711", signing, query, sent.Header.Get("Webhook-Signature"), sent.Header.Get("X-Hub-Signature-256")} {
			if strings.Contains(everything, name) {
				t.Errorf("%q is shown", name)
			}
		}
	})
}

package upgrade

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/harborhook/harborhook/tests/harness"
)

// soon is the longest that something may take which happens at once.
const soon = 30 * time.Second

// TestDataOfEverySchemaComesThrough fills a database of each schema and starts the
// program on it: nothing of the data may be lost, and what waits must be delivered,
// once.
func TestDataOfEverySchemaComesThrough(t *testing.T) {
	t.Parallel()
	for i, l := range levels {
		t.Run(fmt.Sprintf("schema %d", i+1), func(t *testing.T) {
			t.Parallel()
			eachStore(t, func(t *testing.T, s *store) {
				receiver := harness.NewReceiver(t)
				s.migrateTo(i + 1)
				s.exec(l.statements(t, receiver.URL, time.Now().UnixMicro()))
				check(t, l, s, s.run(), receiver)
			})
		})
	}
}

// TestWhatOldProcessesWriteIsTaken inserts the same as a process of an older release
// would that runs on while others have migrated the database: one of the last schemas,
// since releases are upgraded one after the other.
func TestWhatOldProcessesWriteIsTaken(t *testing.T) {
	t.Parallel()
	for i, l := range levels {
		if i+4 < len(levels) || alone(i+1) != "" {
			continue // such processes must not run any more
		}
		t.Run(fmt.Sprintf("schema %d", i+1), func(t *testing.T) {
			t.Parallel()
			eachStore(t, func(t *testing.T, s *store) {
				receiver := harness.NewReceiver(t)
				s.migrateTo(len(levels))
				s.exec(l.statements(t, receiver.URL, time.Now().UnixMicro()))
				check(t, l, s, s.run(), receiver)
			})
		})
	}
}

// uuidOf is the uuid of the n-th job of base.sql.
func uuidOf(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// check looks at everything that the level's data holds.
func check(t *testing.T, l level, database *store, s *harness.System, receiver *harness.Receiver) {
	t.Helper()
	got := receiver.Wait(t, 4, soon)
	library, payments := s.Admin.FinalJobs(t, "library", 6, soon), s.As("alice", "Passw0rd-of-alice").FinalJobs(t, "payments", 2, soon)
	checkJobs(t, append(library, payments...))
	checkHistory(t, s)
	checkDeliveries(t, got)

	deleted, paths := "v1", []string{"/ci", "/first", "/second"}
	for _, name := range l.data {
		switch name {
		case "base": // looked at above
		case "template":
			paths = append(paths, "/custom")
		case "enrichment":
			deleted = "v1, v1.1"
		case "api":
			paths = append(paths, "/rotated")
			checkAudit(t, s)
		case "circuit":
			checkCircuit(t, s)
		case "identity":
			checkIdentity(t, s)
		case "logs":
			checkBulk(t, s)
		case "switches":
			checkSwitches(t, s)
		case "tracing":
			checkTraces(t, got)
		case "tally":
			checkTally(t, database)
		default:
			t.Errorf("nothing checks what comes of testdata/%s.sql", name)
		}
	}
	checkNewEvents(t, s, receiver, append(paths, "/ci deleted "+deleted))
}

// checkJobs compares what is listed.
func checkJobs(t *testing.T, jobs []harness.Job) {
	t.Helper()
	want := []harness.Job{
		{Repository: "app", Tag: "v1", Status: "finished", Attempts: 1, HTTPStatus: 200},
		{Repository: "app", Tag: "v1.1", Status: "error", Attempts: 4, StatusMessage: "connection refused"},
		{Repository: "app", Tag: "v0", Status: "stopped", StatusMessage: "stopped by admin", HookType: "deleteImage"},
		{Repository: "app", Tag: "v2", Status: "finished", Attempts: 1, HTTPStatus: 200},
		{Repository: "app", Tag: "v2.1", Status: "finished", Attempts: 2, HTTPStatus: 200},
		{Repository: "app", Tag: "v2.2", Status: "finished", Attempts: 1, HTTPStatus: 200},
		{Repository: "web", Tag: "latest", Status: "finished", Attempts: 1, HTTPStatus: 200, PolicyID: 2},
		{Repository: "web", Tag: "latest", Status: "stopped", StatusMessage: "policy is disabled", PolicyID: 3},
	}
	for i, job := range jobs {
		w := want[i]
		w.ID, w.UUID, w.JobDetail = int64(i+1), uuidOf(i+1), fmt.Sprintf(`{"n":%d}`, i+1)
		if w.PolicyID == 0 {
			w.PolicyID = 1
		}
		if w.HookType == "" {
			w.HookType = "pushImage"
		}
		if job != w {
			t.Errorf("job %d is\n%+v, want\n%+v", i+1, job, w)
		}
	}
}

// checkHistory looks at attempts, old ones and new ones, and searches in them.
func checkHistory(t *testing.T, s *harness.System) {
	t.Helper()
	for job, want := range map[int64]string{
		1: "1 ok", 2: "1 connect_failed, 2 connect_failed, 3 connect_failed, 4 connect_failed",
		4: "1 ok", 5: "1 timeout, 2 ok", 6: "1 interrupted, 2 ok",
	} {
		var all []string
		for _, a := range s.Admin.Attempts(t, "library", job) {
			all = append(all, fmt.Sprint(a.Number, " ", a.Result))
		}
		if got := strings.Join(all, ", "); got != want {
			t.Errorf("attempts of job %d: %s, want %s", job, got, want)
		}
	}
	if found := s.Admin.Do(t, http.MethodGet, harness.JobsOf("library")+"?q=pipeline+4711", nil); !strings.Contains(found.Body, uuidOf(1)) {
		t.Errorf("the search finds %s", found.Body)
	}
	policies := s.Admin.Do(t, http.MethodGet, harness.Policies("payments"), nil).Body
	for _, want := range []string{`"name":"off"`, "https://ci.example.com/hook?token=", `"creator":"alice"`} {
		if !strings.Contains(policies, want) {
			t.Errorf("the policies are without %s: %s", want, policies)
		}
	}
}

// checkDeliveries looks at what waited in the old database: each is delivered once,
// with the secrets that were stored then.
func checkDeliveries(t *testing.T, got []harness.Delivery) {
	t.Helper()
	byUUID := map[string]harness.Delivery{}
	for _, d := range got {
		byUUID[d.Header.Get("X-Harbor-Delivery")] = d
	}
	for n, want := range map[int]struct{ path, authorization, secret string }{
		4: {"/ci", "Bearer token-of-ci", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
		5: {"/ci", "Bearer token-of-ci", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
		6: {"/ci", "Bearer token-of-ci", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
		7: {"/second", "Basic c2Vjb25kOnRhcmdldA==", "secret-of-payments"},
	} {
		d, ok := byUUID[uuidOf(n)]
		if !ok {
			t.Errorf("job %d was not delivered", n)
			continue
		}
		mac := hmac.New(sha256.New, []byte(want.secret))
		fmt.Fprintf(mac, `{"n":%d}`, n)
		signature := "sha256=" + hex.EncodeToString(mac.Sum(nil))
		if d.URI != want.path || d.Header.Get("Authorization") != want.authorization || d.Header.Get("X-Hub-Signature-256") != signature {
			t.Errorf("job %d was delivered to %s with %v", n, d.URI, d.Header)
		}
	}
}

// checkTraces expects that the job that was accepted within a trace tells its target of
// it, and no other one.
func checkTraces(t *testing.T, got []harness.Delivery) {
	t.Helper()
	for _, d := range got {
		traced := strings.HasPrefix(d.Header.Get("Traceparent"), "00-0af7651916cd43dd8448eb211c80319c-")
		if traced != (d.Header.Get("X-Harbor-Delivery") == uuidOf(4)) {
			t.Errorf("%s was told of the trace %q", d.URI, d.Header.Get("Traceparent"))
		}
	}
}

// checkTally expects that each of the eight jobs is counted once in the end, also those
// that were counted before.
func checkTally(t *testing.T, database *store) {
	t.Helper()
	harness.Eventually(t, soon, "all jobs to be counted", func() bool {
		return slices.Equal(database.texts(`SELECT sum(jobs) FROM webhook_tally WHERE hours = 1`), []string{"8"}) &&
			slices.Equal(database.texts(`SELECT count(*) FROM webhook_tally_later`), []string{"0"})
	})
}

// checkNewEvents pushes to both projects and deletes what the old database knew, and
// expects the webhooks of that, and no others.
func checkNewEvents(t *testing.T, s *harness.System, receiver *harness.Receiver, want []string) {
	t.Helper()
	before := len(receiver.Got())
	if before != 4 {
		t.Errorf("%d deliveries of the old database, want 4", before)
	}
	s.MustNotify(t, harness.NewPush("library/app", "v3"), harness.NewPush("payments/web", "latest"), deletion{"library/app", "sha256:" + strings.Repeat("1", 64)})
	var got []string
	for _, d := range receiver.Wait(t, before+len(want), soon)[before:] {
		got = append(got, d.URI+told(t, d))
		checkBody(t, d)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("webhooks at %q, want %q", got, want)
	}
}

// told says which tags a webhook tells the deletion of.
func told(t *testing.T, d harness.Delivery) string {
	t.Helper()
	var body struct {
		EventType string `json:"event_type"`
		Events    []struct {
			Tag string `json:"tag"`
		} `json:"events"`
	}
	if err := json.Unmarshal(d.Body, &body); err != nil {
		t.Errorf("%v: %s", err, d.Body)
	}
	if body.EventType != "deleteImage" {
		return ""
	}
	var tags []string
	for _, e := range body.Events {
		tags = append(tags, e.Tag)
	}
	slices.Sort(tags)
	return " deleted " + strings.Join(tags, ", ")
}

// checkBody looks at what is particular to an endpoint.
func checkBody(t *testing.T, d harness.Delivery) {
	t.Helper()
	switch d.URI {
	case "/custom":
		if string(d.Body) != `{"text": "payments/web"}` {
			t.Errorf("the body of the template is %s", d.Body)
		}
	case "/rotated":
		if signatures := strings.Fields(d.Header.Get("Webhook-Signature")); len(signatures) != 2 {
			t.Errorf("signatures %q, want one of the new and one of the old secret", signatures)
		}
	}
}

// deletion is a registry's event of a manifest that was deleted by digest.
type deletion struct{ repository, digest string }

// MarshalJSON writes the event.
func (d deletion) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"id": uuid.NewString(), "timestamp": time.Now().Format(time.RFC3339Nano), "action": "delete",
		"target":  map[string]any{"digest": d.digest, "repository": d.repository},
		"request": map[string]any{"id": uuid.NewString(), "addr": "192.0.2.1:4000", "method": "DELETE", "useragent": "test"},
		"actor":   map[string]any{"name": "alice"},
		"source":  map[string]any{"addr": "registry:5000", "instanceID": "test"},
	})
}

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

const (
	configurations = "/api/v2.0/configurations"
	webhookQueue   = "/api/v2.0/jobservice/queues/WEBHOOK"
)

// queueState is what waits of a kind of job.
type queueState struct {
	JobType string `json:"job_type"`
	Count   int    `json:"count"`
	Latency int    `json:"latency"`
	Paused  bool   `json:"paused"`
}

// deliveries is the queue of webhooks.
func (c *scene) deliveries(t *testing.T) queueState {
	t.Helper()
	queues := get[[]queueState](t, c.Admin, "/api/jobservice/queues")
	if len(queues) != 2 || queues[0].JobType != "WEBHOOK" || queues[1].JobType != "PURGE" {
		t.Fatalf("queues are %+v", queues)
	}
	return queues[0]
}

// waitsFor waits until a delivery has been due for so many seconds.
func (c *scene) waitsFor(t *testing.T, seconds int) {
	t.Helper()
	harness.Eventually(t, recovery, "a delivery that waits", func() bool { return c.deliveries(t).Latency >= seconds })
}

// pusher tells of pushes, each of another tag.
type pusher struct {
	*scene
	told int
}

func (p *pusher) push(t *testing.T, n int) {
	t.Helper()
	for range n {
		p.told++
		p.MustNotify(t, harness.NewPush(p.project+"/app", fmt.Sprintf("v%d", p.told)))
	}
}

// untilHeld pushes until a delivery waits: the first may be sent before JobService
// knows that it must not.
func (p *pusher) untilHeld(t *testing.T) {
	t.Helper()
	harness.Eventually(t, recovery, "a delivery that waits", func() bool {
		q := p.deliveries(t)
		if q.Count == 0 {
			p.push(t, 1)
		}
		return q.Latency >= 1
	})
}

func TestNotificationsThatAreOffAreKeptAndSent(t *testing.T) {
	eachOwn(t, patient(), func(t *testing.T, s *harness.System) {
		c, addr := newScene(t, s), harness.FreeAddr(t)
		p := &pusher{scene: c}
		c.Admin.CreatePolicy(t, c.project, c.to("http://"+addr, "pushImage"))
		p.push(t, 1)
		harness.Eventually(t, recovery, "a first attempt", func() bool { return c.Admin.Jobs(t, c.project)[0].Attempts == 1 })
		change(t, c.Admin, http.StatusOK, http.MethodPut, configurations, map[string]any{"notification_enable": false})
		retried := harness.NewReceiverAt(t, addr)
		c.policy(t, "pushImage")
		p.untilHeld(t)
		sent := len(c.receiver.Got())
		p.push(t, 3)
		for _, name := range c.Processes() { // it is remembered
			c.Process(name).Stop()
			c.Process(name).Start()
		}
		p.push(t, 2)
		c.waitsFor(t, c.deliveries(t).Latency+4) // the retry, too, would be due now
		if again := len(c.receiver.Got()); again != sent || len(retried.Got()) > sent {
			t.Errorf("%d deliveries while notifications are off, and %d repeated", again-sent, len(retried.Got()))
		}
		settings := get[map[string]struct{ Value, Editable any }](t, c.Admin, configurations)
		if got := settings["notification_enable"]; got.Value != false || got.Editable != true {
			t.Errorf("settings are %v", settings)
		}

		change(t, c.Admin, http.StatusOK, http.MethodPut, "/api/configurations", map[string]any{"notification_enable": true})
		eachOnce(t, c.receiver.Wait(t, p.told-1, soon), p.told-1)
		eachOnce(t, retried.Wait(t, p.told, soon), p.told)
	})
}

func TestWhatWasKeptIsDroppedOnDemand(t *testing.T) {
	eachOwn(t, patient(), func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		p := &pusher{scene: c}
		c.policy(t, "pushImage")
		change(t, c.Admin, http.StatusOK, http.MethodPut, configurations, map[string]any{"notification_enable": false})
		p.untilHeld(t)
		p.push(t, 2)
		change(t, c.Admin, http.StatusOK, http.MethodPut, configurations, map[string]any{"notification_enable": true, "notification_kept_events": "drop"})
		sent, dropped := 0, 0
		for _, j := range c.Admin.FinalJobs(t, c.project, p.told, soon) {
			switch {
			case j.Status == "finished":
				sent++
			case j.Status == "stopped" && strings.Contains(j.StatusMessage, "notifications were off"):
				dropped++
			default:
				t.Errorf("job %+v", j)
			}
		}
		if dropped < 3 || sent != len(c.receiver.Got()) {
			t.Errorf("%d dropped, %d sent, %d received", dropped, sent, len(c.receiver.Got()))
		}
		p.push(t, 1)
		c.receiver.Wait(t, sent+1, soon)
	})
}

func TestAQueueIsPausedResumedAndEmptied(t *testing.T) {
	eachOwn(t, patient(), func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		p := &pusher{scene: c}
		c.policy(t, "pushImage")
		act := func(action string) {
			t.Helper()
			change(t, c.Admin, http.StatusOK, http.MethodPut, webhookQueue, map[string]any{"action": action})
		}
		act("pause")
		p.untilHeld(t)
		sent := len(c.receiver.Got())
		p.push(t, 20)
		c.waitsFor(t, 3)
		if n := len(c.receiver.Got()); n != sent {
			t.Errorf("%d deliveries while the queue is paused", n-sent)
		}
		if q := c.deliveries(t); !q.Paused || q.Count != p.told-sent {
			t.Errorf("the queue is %+v, %d of %d were sent", q, sent, p.told)
		}
		act("resume")
		eachOnce(t, c.receiver.Wait(t, p.told, soon), p.told)

		act("pause")
		p.untilHeld(t)
		p.push(t, 2)
		act("stop")
		jobs := c.Admin.FinalJobs(t, c.project, p.told, soon)
		if last := jobs[len(jobs)-1]; last.Status != "stopped" || !strings.Contains(last.StatusMessage, "emptied") {
			t.Errorf("job %+v", last)
		}
		if q := c.deliveries(t); q.Count != 0 || !q.Paused {
			t.Errorf("the queue is %+v", q)
		}
		stranger := c.member(t, c.project, 1)
		for _, address := range []string{webhookQueue, configurations} {
			if got := status(t, stranger, http.MethodPut, address, map[string]any{"action": "resume"}); got != http.StatusForbidden {
				t.Errorf("%s by a project admin: %d", address, got)
			}
		}
	})
}

// circuit is what is known of an endpoint.
type circuit struct {
	Origin   string `json:"origin"`
	State    string `json:"state"`
	Failures int    `json:"failures"`
	OpenedAt string `json:"opened_at"`
	Waiting  int    `json:"waiting"`
}

func TestACircuitIsClosedByHand(t *testing.T) {
	settings := harness.Settings{"RETRY_BACKOFF": "50ms,50ms,50ms", "CIRCUIT_PROBE": "10m"}
	eachOwn(t, settings, func(t *testing.T, s *harness.System) {
		c, theirs, addr := newScene(t, s), newScene(t, s), harness.FreeAddr(t)
		p := &pusher{scene: c}
		c.Admin.CreatePolicy(t, c.project, c.to("http://"+addr+"/hook?token=abc", "pushImage"))
		circuits := "/api/projects/" + c.project + "/webhook/circuits"
		list := func() []circuit { return get[[]circuit](t, c.Admin, circuits) }
		if got := list(); len(got) != 1 || got[0] != (circuit{Origin: "http://" + addr, State: "closed"}) {
			t.Errorf("at first %+v", got)
		}
		p.push(t, 10)
		harness.Eventually(t, recovery, "an open circuit", func() bool { return list()[0].State == "open" })
		before := p.told
		p.push(t, 3)
		// What was tried before has ended, or waits like the new ones.
		harness.Eventually(t, recovery, "deliveries that wait", func() bool { return list()[0].Waiting >= 3 })
		for _, j := range c.Admin.Jobs(t, c.project)[before:] {
			if j.Attempts != 0 || j.Final() {
				t.Errorf("job %+v while its endpoint does not answer", j)
			}
		}
		if all := get[[]circuit](t, c.Admin, "/api/circuits"); len(all) != 1 || all[0].Origin != "http://"+addr || all[0].OpenedAt == "" || all[0].Failures < 10 {
			t.Errorf("circuits of the system are %+v", all)
		}

		receiver, origin := harness.NewReceiverAt(t, addr), map[string]any{"origin": "http://" + addr}
		for caller, want := range map[*harness.Client]int{c.member(t, c.project, 4): 403, c.member(t, theirs.project, 1): 403, c.As("", ""): 401} {
			if got := status(t, caller, http.MethodPost, circuits+"/close", origin); got != want {
				t.Errorf("closed by others: %d, want %d", got, want)
			}
		}
		foreign := "/api/projects/" + theirs.project + "/webhook/circuits"
		if got := status(t, c.Admin, http.MethodPost, foreign+"/close", origin); got != http.StatusNotFound {
			t.Errorf("through another project: %d", got)
		}
		change(t, c.Admin, http.StatusOK, http.MethodPost, circuits+"/close", origin)
		receiver.Wait(t, 3, soon)
		for _, j := range c.Admin.FinalJobs(t, c.project, p.told, soon)[before:] {
			if j.Status != "finished" || j.Attempts != 1 {
				t.Errorf("job %+v after its endpoint answers", j)
			}
		}
		if got := status(t, c.Admin, http.MethodPost, circuits+"/close", origin); got != http.StatusConflict {
			t.Errorf("closed again: %d", got)
		}
		done := get[[]struct{ Actor, Action, Detail string }](t, c.Admin, "/api/projects/"+c.project+"/webhook/audit")
		if len(done) == 0 || done[0].Action != "close_circuit" || done[0].Detail != "http://"+addr || done[0].Actor != "admin" {
			t.Errorf("audit is %+v", done)
		}
	})
}

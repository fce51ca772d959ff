package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// toldWithin bounds how long after it was accepted a delivery may be told of. It is told
// within 50 ms; the rest is for a busy machine.
const toldWithin = 5 * time.Second

func TestDeliveriesAreHeardAsTheyHappen(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "pushImage")
		l := c.Admin.Listen(t, c.project, "?payload=true", "")
		c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"))
		accepted := time.Now()
		finished := func(tag string) func(harness.Heard) bool {
			return func(h harness.Heard) bool { return h.Tag == tag && h.Status == "finished" }
		}
		heard := l.Until(soon, "the end of the first delivery", finished("v1"))
		if late := heard[0].At.Sub(accepted); late > toldWithin {
			t.Errorf("told %v after it was accepted", late)
		}
		body := string(c.receiver.Wait(t, 1, soon)[0].Body)
		for _, h := range heard {
			if h.JobDetail != body || h.Repository != "app" || h.HookType != "pushImage" {
				t.Errorf("told %+v, sent %s", h, body)
			}
		}
		l.Close()

		// What happens while nobody listens is told afterwards.
		c.MustNotify(t, harness.NewPush(c.project+"/app", "v2"))
		c.Admin.FinalJobs(t, c.project, 2, soon)
		again := c.Admin.Listen(t, c.project, "", heard[len(heard)-1].Cursor)
		for _, h := range again.Until(soon, "what was missed", finished("v2")) {
			if h.JobDetail != "" {
				t.Errorf("told a body that nobody asked for: %+v", h)
			}
		}
	})
}

// manyJobs is more than one call delivers again by itself.
const manyJobs = 1200

type bulk struct {
	ID                  int64
	Status              string
	Total, Done, Failed int
}

func TestABulkSurvivesACrashAndRepeatsNothing(t *testing.T) {
	eachOwn(t, patient(), func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "pushImage")
		for events := range slices.Chunk(pushes(c.project, manyJobs), 30) {
			c.MustNotify(t, events...)
		}
		c.receiver.Wait(t, manyJobs, recovery)
		settled(t, c, 0)

		reply := change(t, c.Admin, http.StatusAccepted, http.MethodPost, harness.JobsOf(c.project)+"/redeliver", map[string]any{"status": "finished"})
		place := reply.Header.Get("Location")
		now := func() (b bulk) {
			reply, err := c.Admin.Try(http.MethodGet, place, nil)
			if err == nil && reply.Status == http.StatusOK {
				err = json.Unmarshal([]byte(reply.Body), &b)
			}
			if err != nil {
				return bulk{} // the process is down
			}
			return b
		}
		harness.Eventually(t, recovery, "a bulk that is under way", func() bool { return now().Done > 0 })
		c.Process(s.Deliverer()).Kill9()
		c.Process(s.Deliverer()).Start()
		harness.Eventually(t, 2*recovery, "the end of the bulk", func() bool { return now().Status == "finished" })
		if b := now(); b.Total != manyJobs || b.Done != manyJobs || b.Failed != 0 {
			t.Errorf("the bulk is %+v", b)
		}
		c.receiver.Wait(t, 2*manyJobs, recovery)
		settled(t, c, manyJobs)
		if got := status(t, c.Admin, http.MethodPost, place+"/stop", nil); got != http.StatusConflict {
			t.Errorf("stop of a finished bulk: %d", got)
		}
	})
}

// settled waits until no job is unfinished, and makes sure that so many of them
// are redeliveries, each of another job.
func settled(t *testing.T, c *scene, redeliveries int) {
	t.Helper()
	for _, unfinished := range []string{"pending", "running", "scheduled"} {
		harness.Eventually(t, recovery, "no "+unfinished+" job", func() bool {
			reply := c.Admin.Do(t, http.MethodGet, harness.JobsOf(c.project)+"?page_size=1&status="+unfinished, nil)
			return reply.Header.Get("X-Total-Count") == "0"
		})
	}
	of := map[int64]int{}
	for page := 1; ; page++ {
		var jobs []struct {
			RedeliveryOf int64 `json:"redelivery_of"`
		}
		reply := c.Admin.Do(t, http.MethodGet, fmt.Sprintf("%s?page=%d&page_size=500", harness.JobsOf(c.project), page), nil)
		if err := json.Unmarshal([]byte(reply.Body), &jobs); err != nil {
			t.Fatal(err)
		}
		for _, j := range jobs {
			if j.RedeliveryOf > 0 {
				of[j.RedeliveryOf]++
			}
		}
		if !strings.Contains(reply.Header.Get("Link"), `rel="next"`) {
			break
		}
	}
	for id, n := range of {
		if n > 1 {
			t.Errorf("job %d was delivered again %d times", id, n)
		}
	}
	if len(of) != redeliveries {
		t.Errorf("%d jobs were delivered again, want %d", len(of), redeliveries)
	}
}

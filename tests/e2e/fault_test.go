package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/tests/harness"
)

// patient gives tests the time to break something before the last attempt, and
// takes back the jobs of a dead worker after 7 seconds.
func patient() harness.Settings {
	return harness.Settings{"RETRY_BACKOFF": "3s,5s,5s", "DELIVERY_TIMEOUT": "2s", "CIRCUIT_PROBE": "1s"}
}

// recovery is the longest that a job of a dead worker waits: lease and interval,
// and time for the machine to breathe.
const recovery = 30 * time.Second

// eachOwn runs a case on a system of its own of each shape, which it may break.
func eachOwn(t *testing.T, settings harness.Settings, test func(t *testing.T, s *harness.System)) {
	t.Helper()
	t.Parallel()
	t.Run(harness.Standalone, func(t *testing.T) {
		t.Parallel()
		test(t, suite.NewStandalone(t, settings))
	})
	t.Run(harness.Production, func(t *testing.T) {
		t.Parallel()
		test(t, suite.NewProduction(t, suite.Postgres(t).NewDatabase(t), suite.Redis(t), settings))
	})
}

// pushes returns the events of n pushes to a project.
func pushes(project string, n int) []any {
	events := make([]any, n)
	for i := range events {
		events[i] = harness.NewPush(project+"/app", fmt.Sprintf("v%d", i))
	}
	return events
}

// ids returns the event ids of deliveries, sorted.
func ids(t *testing.T, got []harness.Delivery) []string {
	t.Helper()
	var list []string
	for _, d := range got {
		for _, e := range read(t, d).Events {
			list = append(list, e.EventID)
		}
	}
	slices.Sort(list)
	return list
}

// eachOnce makes sure that n different events arrived, and none of them twice.
func eachOnce(t *testing.T, got []harness.Delivery, n int) {
	t.Helper()
	list := ids(t, got)
	if distinct := slices.Compact(slices.Clone(list)); len(list) != n || len(distinct) != n {
		t.Errorf("%d deliveries of %d events, want %d of each", len(list), len(distinct), n)
	}
}

func TestKillingAProcessBetweenAcceptAndDeliveryLosesNothing(t *testing.T) {
	eachOwn(t, patient(), func(t *testing.T, s *harness.System) {
		for _, process := range s.Processes() {
			c, addr := newScene(t, s), harness.FreeAddr(t)
			c.Admin.CreatePolicy(t, c.project, c.to("http://"+addr, "pushImage"))
			for _, push := range pushes(c.project, 10) {
				c.MustNotify(t, push)
			}
			c.Process(process).Kill9()

			receiver := harness.NewReceiverAt(t, addr)
			c.Process(process).Start()
			receiver.Wait(t, 10, recovery)
			for _, job := range c.Admin.FinalJobs(t, c.project, 10, recovery) {
				if job.Status != "finished" {
					t.Errorf("after kill -9 of %s: job %+v", process, job)
				}
			}
			eachOnce(t, receiver.Got(), 10)
		}
	})
}

func TestAnAttemptCutOffByACrashIsRecordedAndRepeated(t *testing.T) {
	eachOwn(t, patient(), func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.receiver.Answer(func(n int, _ harness.Delivery) harness.Answer {
			if n == 1 {
				return harness.Answer{After: make(chan struct{})}
			}
			return harness.Answer{}
		})
		c.policy(t, "pushImage")
		c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"))
		c.receiver.Wait(t, 1, soon)
		c.Process(c.Deliverer()).Kill9()
		c.Process(c.Deliverer()).Start()

		got := c.receiver.Wait(t, 2, recovery)
		if first, second := got[0].Header.Get("Webhook-Id"), got[1].Header.Get("Webhook-Id"); first != second || first == "" {
			t.Errorf("webhook-id was %q, then %q", first, second)
		}
		if diff := cmp.Diff(string(got[0].Body), string(got[1].Body)); diff != "" {
			t.Errorf("the repeated body differs:\n%s", diff)
		}
		job := c.Admin.FinalJobs(t, c.project, 1, soon)[0]
		if job.Status != "finished" || job.Attempts != 1 {
			t.Errorf("job %+v: the interrupted attempt must not count", job)
		}
		var results []string
		for _, a := range c.Admin.Attempts(t, c.project, job.ID) {
			results = append(results, fmt.Sprint(a.Number, " ", a.Result))
		}
		if diff := cmp.Diff([]string{"1 interrupted", "2 ok"}, results); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestStoppingUnderLoadEndsWellAndNothingIsLostOrRepeated(t *testing.T) {
	eachOwn(t, patient(), func(t *testing.T, s *harness.System) {
		const senders, each = 4, 50
		c := newScene(t, s)
		c.policy(t, "pushImage")
		var group sync.WaitGroup
		for range senders {
			group.Go(func() {
				for _, push := range pushes(c.project, each) {
					c.repeat(t, push)
				}
			})
		}
		c.receiver.Wait(t, 20, soon)
		for _, process := range s.Processes() {
			c.Process(process).Stop() // fails unless the exit code is 0
			c.Process(process).Start()
		}
		group.Wait()
		c.receiver.Wait(t, senders*each, recovery)
		c.Admin.FinalJobs(t, c.project, senders*each, recovery)
		eachOnce(t, c.receiver.Got(), senders*each)
	})
}

// repeat tells Core of an event until it takes it, as a registry does.
func (c *scene) repeat(t *testing.T, event any) {
	harness.Eventually(failing{t}, recovery, "a notification to be taken", func() bool {
		reply, err := c.TryNotify(event)
		return err == nil && reply.Status == http.StatusOK
	})
}

// failing lets goroutines fail a test, which only its own may end.
type failing struct{ *testing.T }

func (f failing) Fatalf(format string, args ...any) { f.Errorf(format, args...) }

func TestRedisThatForgetsEverythingLosesNothing(t *testing.T) {
	harness.Require(t, "redis-server")
	t.Parallel()
	redis, settings := harness.NewRedis(t), patient()
	settings["WORKERS"], settings["DELIVERY_TIMEOUT"] = "1", "20s"
	c := newScene(t, suite.NewProduction(t, suite.Postgres(t).NewDatabase(t), redis, settings))
	open := make(chan struct{})
	c.receiver.Answer(func(int, harness.Delivery) harness.Answer { return harness.Answer{After: open} })
	c.policy(t, "pushImage")
	for _, push := range pushes(c.project, 20) {
		c.MustNotify(t, push)
	}
	c.receiver.Wait(t, 1, soon) // the only worker is busy: the others' hints are in Redis
	redis.FlushAll()
	close(open)
	c.receiver.Wait(t, 20, recovery)
	c.Admin.FinalJobs(t, c.project, 20, soon)
	eachOnce(t, c.receiver.Got(), 20)
}

func TestWhileRedisIsAwayEventsAreTakenAndDeliveredAfterwards(t *testing.T) {
	harness.Require(t, "redis-server")
	t.Parallel()
	redis := harness.NewRedis(t)
	c := newScene(t, suite.NewProduction(t, suite.Postgres(t).NewDatabase(t), redis, patient()))
	c.policy(t, "pushImage")
	c.MustNotify(t, harness.NewPush(c.project+"/app", "before"))
	c.receiver.Wait(t, 1, soon)

	redis.Stop()
	for _, push := range pushes(c.project, 10) {
		reply := c.Notify(t, push)
		if reply.Status != http.StatusOK || reply.Took > time.Second {
			t.Errorf("without Redis: %d after %s: %s", reply.Status, reply.Took, reply.Body)
		}
	}
	if reply := c.Admin.Do(t, http.MethodGet, "/api/health", nil); reply.Status != http.StatusOK {
		t.Errorf("health without Redis: %d %s", reply.Status, reply.Body)
	}
	redis.Start()
	c.receiver.Wait(t, 11, recovery)
	c.Admin.FinalJobs(t, c.project, 11, soon)
	eachOnce(t, c.receiver.Got(), 11)
}

func TestWhilePostgreSQLIsAwayEventsAreRefusedAtOnceAndTakenAfterwards(t *testing.T) {
	harness.Require(t, "initdb", "postgres")
	t.Parallel()
	postgres := harness.NewPostgres(t)
	c := newScene(t, suite.NewProduction(t, postgres.NewDatabase(t), suite.Redis(t), patient()))
	c.policy(t, "pushImage")
	c.MustNotify(t, harness.NewPush(c.project+"/app", "before"))
	c.receiver.Wait(t, 1, soon)
	c.Admin.FinalJobs(t, c.project, 1, soon) // an attempt that cannot be recorded is repeated

	postgres.StopImmediately()
	events := pushes(c.project, 10)
	refused := func(reply harness.Reply) {
		t.Helper()
		if reply.Status != http.StatusServiceUnavailable || reply.Took >= time.Second {
			t.Errorf("without PostgreSQL: %d after %s: %s", reply.Status, reply.Took, reply.Body)
		}
		if reply.Header.Get("Retry-After") == "" {
			t.Error("without PostgreSQL: the answer has no Retry-After")
		}
	}
	for _, push := range events {
		refused(c.Notify(t, push))
	}
	refused(c.Tell(t, harness.NewScan(c.project, "app", "v1")))
	if reply := c.Admin.Do(t, http.MethodGet, "/readyz", nil); reply.Status != http.StatusServiceUnavailable {
		t.Errorf("readyz without PostgreSQL: %d", reply.Status)
	}
	postgres.Start()
	harness.Eventually(t, soon, "Core to find its database again", func() bool {
		return c.Admin.Do(t, http.MethodGet, "/readyz", nil).Status == http.StatusOK
	})
	if jobs := c.Admin.FinalJobs(t, c.project, 1, soon); len(jobs) != 1 {
		t.Errorf("refused events left jobs: %+v", jobs)
	}
	for _, push := range events {
		c.repeat(t, push)
	}
	c.receiver.Wait(t, 11, recovery)
	c.Admin.FinalJobs(t, c.project, 11, soon)
	eachOnce(t, c.receiver.Got(), 11)
}

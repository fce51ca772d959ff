package chaos

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// What changes about a policy while its jobs wait counts for their next attempt.
func TestChangedPoliciesCountForWaitingJobs(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			const events = 5 // fewer errors than open a circuit
			waits := harness.Settings{"RETRY_BACKOFF": "6s,6s,6s", "DELIVERY_TIMEOUT": "1s"}
			w := newWorld(t, shape, size, waits)
			kinds := []string{"deleted", "disabled", "moved"}
			old, ids := map[string]*harness.Receiver{}, map[string]int64{}
			for _, kind := range kinds {
				old[kind] = harness.NewReceiver(t)
				old[kind].Answer(func(int, harness.Delivery) harness.Answer { return harness.Answer{After: make(chan struct{})} })
				ids[kind] = w.policy(t, kind, old[kind].URL+"/old")
				for n := range events {
					w.MustNotify(t, harness.NewPush(kind+"/app", fmt.Sprint("v", n)))
				}
			}
			for _, kind := range kinds {
				waiting(t, w, kind, events)
			}

			moved := harness.NewReceiver(t)
			change := func(method, kind string, body any) time.Time {
				reply := w.systems[len(w.systems)-1].Admin.Do(t, method, fmt.Sprintf("%s/%d", harness.Policies(kind), ids[kind]), body)
				if reply.Status != http.StatusOK {
					t.Fatalf("%s of %s: %d %s", method, kind, reply.Status, reply.Body)
				}
				return time.Now()
			}
			changed := map[string]time.Time{
				"deleted":  change(http.MethodDelete, "deleted", nil),
				"disabled": change(http.MethodPut, "disabled", map[string]any{"enabled": false}),
				"moved":    change(http.MethodPut, "moved", map[string]any{"target": moved.URL + "/new", "auth_header": "Bearer new"}),
			}
			start := time.Now()
			for _, kind := range kinds {
				want := map[string]string{"deleted": "stopped", "disabled": "stopped", "moved": "finished"}[kind]
				for _, job := range w.Admin.FinalJobs(t, kind, events, patience) {
					if job.Status != want || len(w.Admin.Attempts(t, kind, job.ID)) == 0 {
						t.Errorf("%s: %+v, want %s with the attempts of before", kind, job, want)
					}
				}
				late := slices.DeleteFunc(old[kind].Got(), func(d harness.Delivery) bool { return d.At.Before(changed[kind].Add(time.Second)) })
				if len(late) > 0 {
					t.Errorf("%s: %d attempts at the old address more than 1 s after the change", kind, len(late))
				}
			}
			got := moved.Got()
			for _, d := range got {
				if d.URI != "/new" || d.Header.Get("Authorization") != "Bearer new" {
					t.Errorf("after the change: %s with %q", d.URI, d.Header.Get("Authorization"))
				}
			}
			if len(got) != events {
				t.Errorf("%d deliveries at the new address, want %d", len(got), events)
			}
			table.add(row{
				promise: 16, name: "policies changed while jobs wait", shape: shape, faults: "delete, disable, new target and header",
				outcome: outcome{accepted: len(kinds) * events, lost: events - len(got)}, recovery: time.Since(start),
			})
		})
	}
}

// waiting waits until n jobs of a project wait for another attempt.
func waiting(t *testing.T, w *world, project string, n int) {
	t.Helper()
	harness.Eventually(t, patience, fmt.Sprint(n, " jobs of ", project, " to wait for a repetition"), func() bool {
		scheduled := slices.DeleteFunc(w.Admin.Jobs(t, project), func(j harness.Job) bool { return j.Status != "scheduled" || j.Attempts == 0 })
		return len(scheduled) == n
	})
}

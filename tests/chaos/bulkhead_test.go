package chaos

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestASilentEndpointDelaysNobody(t *testing.T) {
	size := chosen(t)
	const silentJobs, goodJobs = 500, 100
	// The promise is 100 ms; three other scenarios break their systems meanwhile.
	const bulkheadLimit = 500 * time.Millisecond
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			w := newWorld(t, shape, size)
			silent, good := harness.NewReceiver(t), harness.NewReceiver(t)
			silent.Answer(func(int, harness.Delivery) harness.Answer { return harness.Answer{After: make(chan struct{})} })
			for name, r := range map[string]*harness.Receiver{"silent": silent, "good": good} {
				w.Admin.CreateProject(t, name, false)
				w.Admin.CreatePolicy(t, name, harness.Policy{Name: name, HookTypes: []string{"pushImage"}, Target: r.URL})
			}
			for n := range silentJobs {
				w.MustNotify(t, harness.NewPush("silent/app", fmt.Sprint("v", n)))
			}
			var waits []time.Duration
			ticker := time.NewTicker(50 * time.Millisecond)
			defer ticker.Stop()
			for n := range goodJobs {
				<-ticker.C
				start := time.Now()
				if reply := w.Notify(t, harness.NewPush("good/app", fmt.Sprint("v", n))); reply.Status != http.StatusOK {
					t.Fatalf("notification: %d", reply.Status)
				}
				got := good.Wait(t, n+1, patience)
				waits = append(waits, got[n].At.Sub(start))
			}
			slices.Sort(waits)
			p99 := waits[len(waits)*99/100-1]
			name := fmt.Sprintf("a silent endpoint; start at the good one p50 %s, p99 %s", waits[len(waits)/2].Round(time.Millisecond), p99.Round(time.Millisecond))
			table.add(row{promise: 8, name: name, shape: shape, faults: fmt.Sprint(silentJobs, " jobs that wait 2 s"), outcome: outcome{accepted: goodJobs}})
			if p99 > bulkheadLimit {
				t.Errorf("p99 of the start is %s, want %s at most", p99, bulkheadLimit)
			}
		})
	}
}

package chaos

import (
	"sync"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestTheSameEnvelopeIsOneDelivery(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shape, size)
			receiver := harness.NewReceiver(t)
			w.Admin.CreateProject(t, "chaos", false)
			w.Admin.CreatePolicy(t, "chaos", harness.Policy{Name: "all", HookTypes: []string{"pushImage"}, Target: receiver.URL + "/hook"})
			push := harness.NewPush("chaos/app", "v1")
			l := newLedger()
			var group sync.WaitGroup
			for n := range 50 {
				group.Go(func() { l.send(t, w.systems[n%len(w.systems)], push) })
			}
			group.Wait()
			w.Admin.FinalJobs(t, "chaos", 1, patience)
			o := l.compare(t, receiver.Got())
			table.add(row{promise: 6, name: "the same envelope 50 times at once", shape: shape, faults: "none", outcome: o})
			if o.lost > 0 || o.twice > 0 {
				t.Errorf("%d lost, %d twice", o.lost, o.twice)
			}
		})
	}
}

package chaos

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// Order is not promised. What is: every attempt of a delivery has the same
// webhook-id, and every delivery says when it was sent and when its event
// happened, so that a receiver can put them in order.
func TestOrderIsNotKeptAndCanBeToldFromTheMessage(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	const events = 10
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shape, size)
			receiver := harness.NewReceiver(t)
			// The first delivery is not answered at its first attempt.
			receiver.Answer(func(n int, _ harness.Delivery) harness.Answer {
				if n == 1 {
					return harness.Answer{After: make(chan struct{})}
				}
				return harness.Answer{}
			})
			w.policy(t, "chaos", receiver.URL)
			start := time.Now()
			var ids []string
			for n := range events {
				push := harness.NewPush("chaos/app", fmt.Sprint("v", n))
				ids = append(ids, push.ID)
				w.MustNotify(t, push)
				receiver.Wait(t, n+1, patience)
			}
			got := receiver.Wait(t, events+1, patience)
			first, last := got[0], got[events]
			if eventID(t, first) != ids[0] || eventID(t, last) != ids[0] {
				t.Fatalf("the first event came first and as %s last, want %s", eventID(t, last), ids[0])
			}
			if first.Header.Get("Webhook-Id") == "" || first.Header.Get("Webhook-Id") != last.Header.Get("Webhook-Id") {
				t.Errorf("the attempts of a delivery have the ids %q and %q", first.Header.Get("Webhook-Id"), last.Header.Get("Webhook-Id"))
			}
			seen := map[string]bool{}
			for _, d := range got[:events] {
				seen[d.Header.Get("Webhook-Id")] = true
				sent, err := strconv.ParseInt(d.Header.Get("Webhook-Timestamp"), 10, 64)
				if err != nil || sent < start.Unix() || sent > time.Now().Unix() {
					t.Errorf("webhook-timestamp %q", d.Header.Get("Webhook-Timestamp"))
				}
			}
			if len(seen) != events {
				t.Errorf("%d webhook-ids for %d deliveries", len(seen), events)
			}
			table.add(row{
				promise: 15, name: "the first of ten events arrives last, and can be told", shape: shape, faults: "no answer to the first attempt",
				outcome: outcome{accepted: events}, recovery: last.At.Sub(first.At),
			})
		})
	}
}

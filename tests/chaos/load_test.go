package chaos

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// ledger is what registries were answered 200 for.
type ledger struct {
	mu       sync.Mutex
	accepted map[string]bool
	refused  int
	// took is how long each answer took that was 200.
	took []time.Duration
	// odd are answers that are neither 200 nor 503, by status.
	odd map[int]string
}

func newLedger() *ledger { return &ledger{accepted: map[string]bool{}, odd: map[int]string{}} }

// within returns the time that a share of the answers kept to.
func (l *ledger) within(share float64) time.Duration {
	if len(l.took) == 0 {
		return 0
	}
	slices.Sort(l.took)
	return l.took[min(len(l.took)-1, int(share*float64(len(l.took))))]
}

// note keeps an answer, and says whether the event was taken. One that did not
// come is a refusal.
func (l *ledger) note(push harness.Push, reply harness.Reply, err error) (taken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil || reply.Status == http.StatusServiceUnavailable:
		l.refused++
	case reply.Status == http.StatusOK:
		l.accepted[push.ID] = true
		l.took = append(l.took, reply.Took)
		return true
	default:
		l.odd[reply.Status] = reply.Body
	}
	return false
}

// offer plays registries that push at a steady rate to the systems in turn, and
// repeat what is not taken, until the faults are over. A registry has one
// notification under way, so there is one for each sender.
func offer(t *testing.T, systems []*harness.System, project string, rate int, over <-chan struct{}) *ledger {
	t.Helper()
	const senders = 8
	l := newLedger()
	var group sync.WaitGroup
	for sender := range senders {
		group.Go(func() {
			ticker := time.NewTicker(time.Second * senders / time.Duration(rate))
			defer ticker.Stop()
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				case <-ticker.C:
					l.send(t, systems[(sender+n)%len(systems)], harness.NewPush(project+"/app", fmt.Sprint("v", sender, "-", n)))
				}
			}
		})
	}
	group.Wait()
	return l
}

// send repeats one notification until it is taken.
func (l *ledger) send(t *testing.T, s *harness.System, push harness.Push) {
	deadline := time.Now().Add(patience)
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for time.Now().Before(deadline) {
		if reply, err := s.TryNotify(push); l.note(push, reply, err) {
			return
		}
		<-pause.C
	}
	t.Errorf("a notification was not taken for %s", patience)
}

// outcome compares the ledger with what arrived.
type outcome struct{ accepted, refused, lost, twice int }

func (l *ledger) compare(t *testing.T, got []harness.Delivery) outcome {
	t.Helper()
	times := map[string]int{}
	for _, d := range got {
		times[eventID(t, d)]++
	}
	o := outcome{accepted: len(l.accepted), refused: l.refused}
	for id := range l.accepted {
		if times[id] == 0 {
			o.lost++
		}
	}
	for _, n := range times {
		o.twice += n - 1
	}
	return o
}

func eventID(t *testing.T, d harness.Delivery) string {
	t.Helper()
	var body struct {
		Events []struct {
			EventID string `json:"event_id"`
		} `json:"events"`
	}
	if err := json.Unmarshal(d.Body, &body); err != nil || len(body.Events) != 1 {
		t.Fatalf("a body without one event: %s", d.Body)
	}
	return body.Events[0].EventID
}

package chaos

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// A Redis that hangs, with its connections open, delays deliveries and nothing
// else.
func TestARedisThatHangsDelaysDeliveriesOnly(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	const most = 300 // connections to receivers have some
	hang := 8 * time.Second
	if os.Getenv("CHAOS") == "long" {
		hang = time.Minute
	}
	w := newWorld(t, harness.Production, size)
	before := w.goroutines(t)
	l := run(t, scenario{promise: 19, name: "Redis hangs", within: 15 * time.Second, onceOnly: true, faults: func(t *testing.T, w *world) string {
		t.Helper()
		w.pause()
		w.redis.Process().Pause()
		<-time.After(hang)
		if now := w.goroutines(t); now > before+most {
			t.Errorf("%d goroutines, %d before Redis hung", now, before)
		}
		w.redis.Process().Resume()
		return fmt.Sprint("SIGSTOP for ", hang)
	}}, w)
	if now := w.goroutines(t); now > before+most {
		t.Errorf("%d goroutines afterwards, %d before Redis hung", now, before)
	}
	// A busy machine may refuse some; if they depended on Redis, most would be.
	if p99 := l.within(0.99); p99 > time.Second || l.refused > len(l.accepted)/10 {
		t.Errorf("notifications were answered within %s (p99), and %d of %d were refused", p99, l.refused, len(l.accepted))
	}
}

// goroutines are how many the first JobService has.
func (w *world) goroutines(t *testing.T) int {
	t.Helper()
	reply := metrics(t, w.JobServiceAddr)
	match := regexp.MustCompile(`(?m)^go_goroutines (\d+)`).FindStringSubmatch(reply)
	if match == nil {
		t.Fatalf("no go_goroutines in %s", reply)
	}
	n, _ := strconv.Atoi(match[1])
	return n
}

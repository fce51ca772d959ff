package jobservice

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// answers lets an origin answer n times.
func answers(l *lanes, origin string, n int, took time.Duration) {
	for range n {
		t := l.ask(origin)
		<-t.ready
		l.leave(t, took)
	}
}

// askAll asks for n workers and returns the tickets it got, and how many of them
// are ready.
func askAll(l *lanes, origin string, n int) (tickets []*ticket, ready int) {
	for range n {
		t := l.ask(origin)
		if t == nil {
			continue
		}
		tickets = append(tickets, t)
		if isReady(t) {
			ready++
		}
	}
	return tickets, ready
}

func isReady(t *ticket) bool {
	select {
	case <-t.ready:
		return true
	default:
		return false
	}
}

func TestWorkersOfAnOrigin(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name           string
		workers        int
		answers        []time.Duration
		ready, tickets int // of 100 asked for
	}{
		{"a new origin", 16, nil, 2, 34},
		{"a fast one", 16, []time.Duration{time.Millisecond}, 14, 100},
		{"a slow one", 16, []time.Duration{time.Second}, 2, 2},
		{"a fast one that was slow once", 16, append(slices.Repeat([]time.Duration{time.Millisecond}, 15), time.Second), 14, 100},
		{"a fast one that was slow twice", 16, append(slices.Repeat([]time.Duration{time.Millisecond}, 14), time.Second, time.Second), 2, 2},
		{"a slow one that is fast by now", 16, append([]time.Duration{time.Second}, slices.Repeat([]time.Duration{time.Millisecond}, 16)...), 14, 100},
		{"with one worker, a fast one", 1, []time.Duration{time.Millisecond}, 1, 100},
		{"with one worker, a slow one", 1, []time.Duration{time.Second}, 1, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLanes(c.workers, func() {})
				for _, took := range c.answers {
					answers(l, "a", 1, took)
				}
				tickets, ready := askAll(l, "a", 100)
				if ready != c.ready || len(tickets) != c.tickets {
					t.Errorf("%d workers and %d tickets, want %d and %d", ready, len(tickets), c.ready, c.tickets)
				}
			})
		})
	}
}

func TestAnOriginThatFallsSilentIsSlowBeforeItsTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(16, func() {})
		answers(l, "a", 20, time.Millisecond)
		tickets, _ := askAll(l, "a", 20)
		<-time.After(fastAnswer + time.Millisecond)
		if l.ask("a") != nil {
			t.Error("it still takes jobs")
		}
		if got := l.full(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("full: %q", got)
		}
		if l.worthWaiting(tickets[19]) {
			t.Error("its jobs still wait for a worker")
		}
	})
}

func TestManySlowOriginsLeaveHalfOfTheWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(16, func() {})
		answers(l, "good", 1, time.Millisecond)
		for i := range 20 {
			answers(l, fmt.Sprint("slow", i), 1, time.Second)
		}
		for i := range 20 {
			askAll(l, fmt.Sprint("slow", i), 16)
		}
		if n := l.underWay(); n != 8 {
			t.Errorf("slow origins use %d workers, want 8", n)
		}
		if n := l.room("slow19", 5); n != 0 {
			t.Errorf("there is room for %d more, want none", n)
		}
		if _, ready := askAll(l, "good", 20); ready != 8 {
			t.Errorf("the fast origin got %d workers, want 8", ready)
		}
	})
}

func TestWaitingOriginsAreServedInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(1, func() {})
		answers(l, "a", 1, time.Millisecond)
		answers(l, "b", 1, time.Millisecond)
		first := l.ask("a")
		names := map[*ticket]string{}
		for _, name := range []string{"a", "a", "a", "b"} {
			names[l.ask(name)] = name
		}
		var order []string
		for current := first; len(names) > 0; {
			l.leave(current, time.Millisecond)
			for waiting := range names {
				if isReady(waiting) {
					order, current = append(order, names[waiting]), waiting
					delete(names, waiting)
				}
			}
		}
		if !slices.Equal(order, []string{"a", "b", "a", "a"}) {
			t.Errorf("served %q", order)
		}
	})
}

func TestAnOriginThatWasFullTellsWhenItHasRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		freed := 0
		l := newLanes(16, func() { freed++ })
		answers(l, "a", 1, time.Second)
		tickets, _ := askAll(l, "a", 2)
		l.leave(tickets[0], time.Second)
		if freed != 0 {
			t.Error("it told although nobody asked in vain")
		}
		again := l.ask("a")
		if l.ask("a") != nil {
			t.Fatal("a slow origin took more than its share")
		}
		l.leave(again, time.Second)
		if freed != 1 || l.room("a", 9) != 1 {
			t.Errorf("told %d times, room for %d", freed, l.room("a", 9))
		}
	})
}

func TestAWithdrawnTicketGetsNoWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(1, func() {})
		first, second, third := l.ask("a"), l.ask("a"), l.ask("b")
		if !l.withdraw(second) || l.withdraw(first) {
			t.Fatal("only the ticket that waits can be withdrawn")
		}
		l.leave(first, 0)
		if isReady(second) || !isReady(third) {
			t.Error("the worker did not go to the next one in turn")
		}
		l.leave(third, 0)
		if n := l.underWay(); n != 0 {
			t.Errorf("%d workers are in use", n)
		}
	})
}

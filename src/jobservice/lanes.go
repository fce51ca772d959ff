package jobservice

import (
	"slices"
	"sync"
	"time"
)

// lanes share the workers out among target origins, so that an endpoint that is
// slow or silent cannot hold the workers that others need. A fast origin may use
// all but an eighth of them; any other one an eighth, and all slow ones together
// half. Claimed jobs wait here for a worker if their origin is fast, or new. Those
// of a slow one are turned away when its workers are busy: they go on waiting in
// the database.
type lanes struct {
	workers int
	// freed is called when an origin has room that had none when it was asked for.
	freed func()

	mu     sync.Mutex
	byName map[string]*lane
	turn   []*lane // those with waiting tickets; the first is served next
	busy   int     // workers in use
	slow   int     // those of them that slow origins use
	short  bool    // all slow origins together had no room
}

// lane is one origin's.
type lane struct {
	running []*ticket // in the order of their start
	waiting []*ticket
	lately  []time.Duration // how long the last answers took, oldest first
	short   bool            // there was no room
}

// ticket is a job's claim to a worker.
type ticket struct {
	lane  *lane
	slow  bool
	since time.Time     // when it got its worker
	ready chan struct{} // closed when it has its worker
}

// pace is what an origin is known for.
type pace int

const (
	unknown pace = iota // it has not answered yet
	fast
	slow
)

const (
	// fastAnswer is what nine of ten answers of a fast origin take at most.
	fastAnswer = 250 * time.Millisecond
	// answersKept is how many answers tell whether an origin is fast: two slow
	// ones among them say that it is not.
	answersKept = 16
	// newQueue is how many jobs, for each worker, may wait for an origin that has
	// not answered yet.
	newQueue = 2
	// lanesKept bounds the origins that are remembered while nothing is under way.
	lanesKept = 4096
)

func newLanes(workers int, freed func()) *lanes {
	return &lanes{workers: workers, freed: freed, byName: map[string]*lane{}}
}

// ask returns a ticket for a job of an origin, or nil if there is no room. Its
// owner waits until it is ready, and then gives it to leave, or withdraws it.
func (l *lanes) ask(origin string) *ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.lane(origin)
	if l.roomOf(n, 1) == 0 {
		return nil
	}
	t := &ticket{lane: n, ready: make(chan struct{})}
	n.waiting = append(n.waiting, t)
	if len(n.waiting) == 1 {
		l.turn = append(l.turn, n)
		l.serve()
	}
	return t
}

// withdraw gives up a ticket that is not ready. It returns false if it is ready
// after all.
func (l *lanes) withdraw(t *ticket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(t.lane.waiting, t)
	if i < 0 {
		return false
	}
	t.lane.short = true
	t.lane.waiting = slices.Delete(t.lane.waiting, i, i+1)
	if len(t.lane.waiting) == 0 {
		l.turn = slices.DeleteFunc(l.turn, func(n *lane) bool { return n == t.lane })
	}
	return true
}

// worthWaiting says whether a ticket that is not ready will be so soon.
func (l *lanes) worthWaiting(t *ticket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.paceOf(t.lane) == fast
}

// leave gives a worker back. took is how long the answer took, or the failure to
// get one; zero if no attempt was made.
func (l *lanes) leave(t *ticket, took time.Duration) {
	l.mu.Lock()
	n := t.lane
	n.running = slices.DeleteFunc(n.running, func(other *ticket) bool { return other == t })
	l.busy--
	if t.slow {
		l.slow--
	}
	if took > 0 {
		n.note(took)
	}
	l.serve()
	freed := n.short && l.roomOf(n, 1) > 0 || l.short && l.slow < l.mostSlow()
	if freed {
		n.short, l.short = false, false
	}
	l.mu.Unlock()
	if freed {
		l.freed()
	}
}

// serve gives free workers to waiting tickets, origins in turn.
func (l *lanes) serve() {
	for i := 0; i < len(l.turn); {
		n := l.turn[i]
		if !l.mayStart(n) {
			i++
			continue
		}
		t := n.waiting[0]
		n.waiting = n.waiting[1:]
		l.turn = slices.Delete(l.turn, i, i+1)
		if len(n.waiting) > 0 {
			l.turn = append(l.turn, n)
		}
		l.start(t)
	}
}

func (l *lanes) start(t *ticket) {
	l.busy++
	if t.slow = l.paceOf(t.lane) == slow; t.slow {
		l.slow++
	}
	t.since = time.Now()
	t.lane.running = append(t.lane.running, t)
	close(t.ready)
}

func (l *lanes) mayStart(n *lane) bool {
	p := l.paceOf(n)
	return l.busy < l.workers && len(n.running) < l.most(p) && (p != slow || l.slow < l.mostSlow())
}

// An eighth of the workers is what a slow origin gets, and a fast one leaves.
func (l *lanes) eighth() int   { return max(1, l.workers/8) }
func (l *lanes) mostSlow() int { return max(1, l.workers/2) }

// most is how many workers an origin may use.
func (l *lanes) most(p pace) int {
	if p == fast {
		return max(1, l.workers-l.eighth())
	}
	return l.eighth()
}

// roomOf is how many of the wanted jobs an origin takes, and notes if that is
// less than all of them.
func (l *lanes) roomOf(n *lane, wanted int) int {
	room, p := wanted, l.paceOf(n)
	held := len(n.running) + len(n.waiting)
	switch p {
	case fast: // bounded by what the process claims
	case unknown:
		room = l.most(p) + newQueue*l.workers - held
	case slow:
		room = l.most(p) - held
	}
	if room < wanted && held > 0 {
		n.short = true
	}
	if all := l.mostSlow() - l.slow; p == slow && all < room {
		room, l.short = all, true
	}
	return min(wanted, max(0, room))
}

// room is how many of the wanted jobs of an origin should be brought here.
func (l *lanes) room(origin string, wanted int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.byName[origin]; ok {
		return l.roomOf(n, wanted)
	}
	return min(wanted, l.most(unknown)+newQueue*l.workers)
}

// full lists the origins that have no room.
func (l *lanes) full() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name, n := range l.byName {
		if l.roomOf(n, 1) == 0 {
			names = append(names, name)
		}
	}
	return names
}

// forget makes an origin a new one: how fast it was says nothing any more.
func (l *lanes) forget(origin string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.byName[origin]; ok {
		n.lately = nil
	}
}

// underWay counts the workers in use.
func (l *lanes) underWay() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy
}

func (l *lanes) lane(origin string) *lane {
	n, ok := l.byName[origin]
	if ok {
		return n
	}
	if len(l.byName) >= lanesKept {
		for name, old := range l.byName {
			if len(old.running)+len(old.waiting) == 0 {
				delete(l.byName, name)
			}
		}
	}
	n = &lane{}
	l.byName[origin] = n
	return n
}

// paceOf goes by the last answers, and by those that do not come.
func (l *lanes) paceOf(n *lane) pace {
	if e := l.eighth(); len(n.running) >= e && time.Since(n.running[e-1].since) > fastAnswer {
		return slow
	}
	late := 0
	for _, took := range n.lately {
		if took > fastAnswer {
			late++
		}
	}
	switch {
	case len(n.lately) == 0:
		return unknown
	case late*10 > len(n.lately):
		return slow
	default:
		return fast
	}
}

func (n *lane) note(took time.Duration) {
	if len(n.lately) == answersKept {
		n.lately = slices.Delete(n.lately, 0, 1)
	}
	n.lately = append(n.lately, took)
}

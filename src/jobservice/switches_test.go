package jobservice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

// switchTable is a SwitchStore in memory. At first nothing is held.
type switchTable struct {
	switchMu sync.Mutex
	changes  int64
	off      bool
	paused   []string
	lost     error
	seen     chan int64 // the versions that were read with their switches, if set
}

func (s *switchTable) SwitchesVersion(context.Context) (int64, error) {
	s.switchMu.Lock()
	defer s.switchMu.Unlock()
	return s.changes, s.lost
}

func (s *switchTable) Switches(context.Context) (hook.Switches, error) {
	s.switchMu.Lock()
	defer s.switchMu.Unlock()
	if s.seen != nil {
		s.seen <- s.changes
	}
	return hook.Switches{Notifications: !s.off, Paused: slices.Clone(s.paused)}, s.lost
}

// turn switches.
func (s *switchTable) turn(off bool, paused ...string) {
	s.switchMu.Lock()
	defer s.switchMu.Unlock()
	s.changes++
	s.off, s.paused = off, paused
}

func TestWhatTheSwitchesHold(t *testing.T) {
	t.Parallel()
	var s switchTable
	changes := 0
	held := &switches{store: &s, log: slog.New(slog.DiscardHandler), changed: func() { changes++ }}
	var got []string
	look := func(what string) {
		err := held.look(t.Context())
		got = append(got, fmt.Sprintf("%s: webhooks %t, purges %t, changed %d, %v", what, held.hold(kindWebhook), held.hold(kindPurge), changes, err))
	}
	s.lost = errors.New("lost")
	look("before they are known")
	s.lost = nil
	look("at first")
	s.turn(true)
	look("off")
	look("still off")
	s.lost = errors.New("lost")
	s.turn(false)
	look("while the database is away")
	s.lost = nil
	look("on")
	s.turn(false, kindWebhook)
	look("paused")
	s.turn(false, kindPurge)
	look("resumed")
	want := []string{
		"before they are known: webhooks true, purges true, changed 0, lost",
		"at first: webhooks false, purges false, changed 1, <nil>",
		"off: webhooks true, purges false, changed 2, <nil>",
		"still off: webhooks true, purges false, changed 2, <nil>",
		"while the database is away: webhooks true, purges false, changed 2, lost",
		"on: webhooks false, purges false, changed 3, <nil>",
		"paused: webhooks true, purges false, changed 4, <nil>",
		"resumed: webhooks false, purges true, changed 5, <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Nothing starts while deliveries are held, what was submitted meanwhile included,
// and all of it goes on at once, not with the next interval.
func TestHeldJobsStartWhenTheyMay(t *testing.T) {
	t.Parallel()
	s := newTable(1, 2, 3)
	s.turn(true)
	s.seen = make(chan int64, 100)
	q := newLine()
	service, _ := startService(t, s, q, ok, func(c *Config) { c.ReconcileInterval = time.Hour })
	<-s.seen
	if err := service.Submit(t.Context(), []int64{1, 2}); err != nil {
		t.Fatal(err)
	}
	s.turn(false, kindWebhook)
	<-s.seen
	if n := len(s.outcomes()); n != 0 {
		t.Errorf("%d jobs started while nothing may", n)
	}
	s.turn(false)
	s.wait(t, 3)
}

// A job that was claimed before and waits for a worker is given back.
func TestAJobThatWaitsForAWorkerIsGivenBack(t *testing.T) {
	t.Parallel()
	s := newTable(1)
	w := &webhookJob{
		store: s, log: slog.New(slog.DiscardHandler), lanes: newLanes(1, func() {}), sending: t.Context(),
		hold: func() bool { return true },
		sender: sendFunc(func(context.Context, hook.Delivery) hook.Attempt {
			t.Error("it was sent")
			return hook.Attempt{Result: hook.ResultInterrupted}
		}),
	}
	w.deliver(t.Context(), hook.Delivery{Job: hook.Job{ID: 1}}, w.lanes.ask(""), func(string) bool { return false })
	if !slices.Equal(s.released, []int64{1}) {
		t.Errorf("released %v", s.released)
	}
}

// What waits for a dead endpoint does not become too old while nothing may be tried.
func TestHeldJobsOfADeadEndpointAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := &circuitTable{failures: 10, open: true, probes: 1}
	hold := true
	tried := 0
	c := &circuits{
		store: s, observer: nobody{}, log: slog.New(slog.DiscardHandler), failing: map[string]bool{}, closed: func(string) {},
		probe: func(context.Context, string, func() bool) { tried++ }, hold: func() bool { return hold },
	}
	c.watch(t.Context())
	if tried != 0 || len(s.told) != 0 || !c.isOpen("") {
		t.Errorf("tried %d times, told %d", tried, len(s.told))
	}
	hold = false
	c.watch(t.Context())
	if tried != 1 || len(s.told) != 1 {
		t.Errorf("after it: tried %d times, told %d", tried, len(s.told))
	}
}

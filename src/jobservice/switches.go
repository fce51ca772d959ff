package jobservice

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// SwitchStore tells what system admins have set.
type SwitchStore interface {
	// SwitchesVersion changes with every change of a switch, and whenever a circuit is
	// closed by hand.
	SwitchesVersion(ctx context.Context) (int64, error)
	Switches(ctx context.Context) (hook.Switches, error)
}

// lookAtSwitchesEvery bounds how late a process heeds a switch.
const lookAtSwitchesEvery = 400 * time.Millisecond

// switches keep jobs from starting while a system admin wants that. Until they are
// known, and while the database does not answer, they stay as they are: at first,
// nothing starts.
type switches struct {
	store SwitchStore
	log   *slog.Logger
	// changed is called after something was switched.
	changed func()

	set     atomic.Pointer[hook.Switches]
	version int64 // of set; run's own
}

// hold says whether jobs of a kind must not start.
func (s *switches) hold(kind string) bool {
	set := s.set.Load()
	return set == nil || set.Holds(kind)
}

// run looks at the switches until ctx ends.
func (s *switches) run(ctx context.Context) error {
	ticker := time.NewTicker(lookAtSwitchesEvery)
	defer ticker.Stop()
	for failing := false; ; {
		err := s.look(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			s.log.Warn("cannot look at the switches; they count as they were", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (s *switches) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookAtSwitchesEvery)
	defer cancel()
	version, err := s.store.SwitchesVersion(ctx)
	if err != nil || version == s.version && s.set.Load() != nil {
		return err
	}
	set, err := s.store.Switches(ctx)
	if err != nil {
		return err
	}
	s.version = version
	was := s.set.Swap(&set)
	if was != nil && was.Holds(kindWebhook) != set.Holds(kindWebhook) {
		s.log.Info("deliveries were switched", "notifications", set.Notifications, "paused", set.Paused)
	}
	s.changed()
	return nil
}

package webhook

import (
	"testing"
	"time"
)

func TestALimitSlides(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := NewLimit(2, time.Minute, func() time.Time { return now })
	for _, step := range []struct {
		at   time.Duration
		key  int64
		wait time.Duration
	}{
		{0, 1, 0},
		{20 * time.Second, 1, 0},
		{30 * time.Second, 1, 30 * time.Second},
		{30 * time.Second, 2, 0},
		{60 * time.Second, 1, 0},
		{61 * time.Second, 1, 19 * time.Second},
		{80 * time.Second, 1, 0},
	} {
		now = time.Unix(0, 0).Add(step.at)
		if got := l.Take(step.key); got != step.wait {
			t.Errorf("key %d at %s: wait %s, want %s", step.key, step.at, got, step.wait)
		}
	}
	now = now.Add(time.Hour)
	l.Take(3)
	if len(l.calls) != 1 {
		t.Errorf("%d keys are remembered, want 1", len(l.calls))
	}
}

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

func TestTestsOfAllProjectsTogetherAreLimited(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := NewTestLimit(func() time.Time { return now })
	for i := range MaxAllTests {
		if wait := l.Take(int64(i)); wait != 0 {
			t.Fatalf("test %d must wait %s", i, wait)
		}
		now = now.Add(time.Second / 2)
	}
	const project = 1000
	for range 3 {
		if wait := l.Take(project); wait != 30*time.Second {
			t.Errorf("one more: wait %s", wait)
		}
	}
	// What was refused has taken nothing from the project.
	now = now.Add(time.Minute)
	for i := range MaxTests {
		if wait := l.Take(project); wait != 0 {
			t.Errorf("test %d of the project must wait %s", i, wait)
		}
	}
	if wait := l.Take(project); wait != time.Minute {
		t.Errorf("the project's eleventh: wait %s", wait)
	}
	// What the project was refused has taken nothing from the others.
	for i := range MaxAllTests - MaxTests {
		if wait := l.Take(int64(i)); wait != 0 {
			t.Errorf("test %d of others must wait %s", i, wait)
		}
	}
	if wait := l.Take(0); wait != time.Minute {
		t.Errorf("one too many of others: wait %s", wait)
	}
}

package hook

import (
	"slices"
	"testing"
	"time"
)

func TestKeysOfJobsSortByTime(t *testing.T) {
	t.Parallel()
	at := func(ms int64, id string) string { return JobKey(Event{ID: id, OccurredAt: time.UnixMilli(ms)}, 7, 0) }
	keys := []string{at(0, "z"), at(1_700_000_000_000, "y"), at(1_700_000_000_001, "x"), at(1<<41, "w")}
	if !slices.IsSorted(keys) {
		t.Errorf("keys are not in the order of their events: %q", keys)
	}
	if again := at(0, "z"); again != keys[0] {
		t.Errorf("the same event has the keys %s and %s", keys[0], again)
	}
}

// Receivers know repetitions by it, also those of a delivery of an older release.
func TestTheMessageIDIsThatOfTheEventTheTargetAndThePolicy(t *testing.T) {
	t.Parallel()
	j := Job{EventID: "e", PolicyID: 1, TargetPosition: 0, Key: "of no importance"}
	if got, want := j.MessageID(), "msg_2270a07d823ef3e09e561d933d907626"; got != want {
		t.Errorf("MessageID = %s, want %s", got, want)
	}
}

package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

func TestASampleIsSpreadOverItsTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	at := func(hours float64) int64 { return micros(start.Add(time.Duration(hours * float64(time.Hour)))) }
	sampled := []summedJob{
		{created: at(0.5), status: hook.StatusFinished, duration: 7, meant: 1},
		{created: at(1), status: hook.StatusError, duration: -1, meant: 1},
		{created: at(1), status: hook.StatusFinished, duration: 9},
		{created: at(1), status: hook.StatusPending, duration: -1, meant: 1},
	}
	for name, c := range map[string]struct {
		part              stratum
		delivered, failed []int
	}{
		"all were read":              {stratum{sampled, 1, at(3)}, []int{1, 0, 0, 0}, []int{0, 1, 0, 0}},
		"the rest follows":           {stratum{sampled, 21, at(3)}, []int{1, 10, 10, 0}, []int{0, 11, 10, 0}},
		"within one step":            {stratum{sampled, 21, at(1.5)}, []int{1, 20, 0, 0}, []int{0, 21, 0, 0}},
		"at once":                    {stratum{sampled, 21, at(1)}, []int{1, 20, 0, 0}, []int{0, 21, 0, 0}},
		"beyond the last step":       {stratum{sampled, 21, at(6)}, []int{1, 4, 4, 4}, []int{0, 5, 4, 4}},
		"fewer than there are steps": {stratum{sampled, 2.5, at(4)}, []int{1, 1, 0, 1}, []int{0, 2, 0, 1}},
	} {
		sum := newSummary(start, start.Add(4*time.Hour), time.Hour)
		sum.add(c.part)
		sum.finish()
		var delivered, failed []int
		for _, step := range sum.Steps {
			delivered, failed = append(delivered, step.Delivered), append(failed, step.Failed)
		}
		if diff := cmp.Diff([][]int{c.delivered, c.failed}, [][]int{delivered, failed}); diff != "" {
			t.Errorf("%s: delivered and failed (-want +got):\n%s", name, diff)
		}
		if sum.P95 != 7*time.Microsecond {
			t.Errorf("%s: p95 %s", name, sum.P95)
		}
	}
}

package store

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestALargeCountIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c countCache
		var counts atomic.Int64
		takes := time.Duration(0)
		var fails error
		ask := func() (int, bool) {
			takes, fails := takes, fails // as they are when it is asked
			return c.get("all", func() (int, error) {
				<-time.After(takes)
				return 20_000 + int(counts.Add(1)), fails
			})
		}
		want := func(when string, wantN int, wantCounts int64) {
			t.Helper()
			n, known := ask()
			synctest.Wait()
			if n != wantN || known != (wantN > 0) || counts.Load() != wantCounts {
				t.Errorf("%s: %d, %t, counted %d times", when, n, known, counts.Load())
			}
		}
		pass := func(d time.Duration) {
			<-time.After(d)
			synctest.Wait()
		}
		takes = time.Second
		want("counted for too long", 0, 0)
		want("still counted", 0, 0)
		pass(takes)
		want("counted", 20_001, 1)
		pass(countKept)
		want("old, and counted for too long", 20_001, 1)
		pass(takes)
		want("counted again", 20_002, 2)
		pass(countKept)
		takes = countPatience / 2
		want("old, and counted at once", 20_003, 3)
		pass(countKept)
		fails = errors.New("away")
		want("cannot be counted", 20_003, 4)
		fails = nil
		want("counted after all", 20_005, 5)
	})
}

func TestTheCountsThatAreKeptAreBounded(t *testing.T) {
	t.Parallel()
	var c countCache
	for i := range 2*countsKept + 1 {
		c.get(time.Duration(i).String(), func() (int, error) { return 1, nil })
	}
	if len(c.counts) > countsKept {
		t.Errorf("%d are kept", len(c.counts))
	}
}

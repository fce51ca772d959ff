package listen

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// suite holds what the cases share.
var suite harness.Suite

func TestMain(m *testing.M) { os.Exit(suite.Run(m)) }

const (
	// promised is the median from the begin of the PUT of a manifest to the line.
	promised = 50 * time.Millisecond
	pushes   = 21
	// rounds is how often is measured at most. A machine that is busy with other things
	// makes a round too slow, never one too fast.
	rounds = 5
	// soon is the longest that a line may take.
	soon = 30 * time.Second
	// project is where images are pushed.
	project = "library"
)

// shape is one in which the system runs: near is what the registry notifies, far is
// what the person listens to.
type shape struct {
	name  string
	start func(t *testing.T) (near, far *harness.System)
}

func shapes() []shape {
	return []shape{
		{"standalone", func(t *testing.T) (near, far *harness.System) {
			s := suite.NewStandalone(t, nil)
			return s, s
		}},
		{"production", func(t *testing.T) (near, far *harness.System) {
			s := suite.NewProductionWithRegistry(t, nil)
			return s, s
		}},
		{"production, at another Core", func(t *testing.T) (near, far *harness.System) {
			s := suite.NewProductionWithRegistry(t, nil)
			return s, s.Replicate(t)
		}},
	}
}

func TestAPushIsShownWithin50Milliseconds(t *testing.T) {
	for _, shape := range shapes() {
		t.Run(shape.name, func(t *testing.T) {
			near, far := shape.start(t)
			target := harness.NewReceiver(t)
			near.Admin.CreatePolicy(t, project, harness.Policy{Name: "all", HookTypes: []string{"pushImage"}, Target: target.URL})
			for output, begin := range map[string]func(harness.T, string, ...string) *harness.Session{
				"a pipe": far.Begin, "a terminal": far.BeginAtTerminal,
			} {
				t.Run(output, func(t *testing.T) {
					session := begin(t, project, "listen", "--forward", harness.NewReceiver(t).URL)
					median := time.Duration(0)
					for round := range rounds {
						waits := measure(t, near, session)
						median = waits[len(waits)/2]
						t.Logf("from the PUT of the manifest to the line, %d pushes: median %v, most %v", len(waits), median, waits[len(waits)-1])
						if median <= promised {
							return
						}
						t.Logf("round %d was too slow", round+1)
					}
					t.Errorf("the median is %v, want %v", median, promised)
				})
			}
		})
	}
}

// measure pushes images and returns how long after each manifest was put its line
// came, in order of size.
func measure(t *testing.T, s *harness.System, session *harness.Session) []time.Duration {
	t.Helper()
	waits := make([]time.Duration, pushes)
	for i := range waits {
		image := fmt.Sprintf("app:%d-%d", time.Now().UnixNano(), i)
		put := s.PushTimed(t, project+"/"+image, harness.Image(t, harness.Formats()[0], "amd64"))
		waits[i] = session.Until(soon, image).At.Sub(put)
	}
	slices.Sort(waits)
	return waits
}

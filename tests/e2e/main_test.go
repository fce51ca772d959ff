package e2e

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// suite holds the running systems that cases share.
var suite harness.Suite

func TestMain(m *testing.M) { os.Exit(suite.Run(m)) }

// soon is the longest that something may take which happens at once.
const soon = 30 * time.Second

// eachShape runs a case on the shared system of each shape.
func eachShape(t *testing.T, test func(t *testing.T, s *harness.System)) {
	t.Helper()
	t.Parallel()
	for shape, system := range map[string]func(testing.TB) *harness.System{
		harness.Standalone: suite.Standalone,
		harness.Production: suite.Production,
	} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			test(t, system(t))
		})
	}
}

// scene is a project of one case, with a receiver.
type scene struct {
	*harness.System
	project  string
	receiver *harness.Receiver
}

// scenes numbers the projects.
var scenes atomic.Int64

// newScene returns a scene whose project is private.
func newScene(t *testing.T, s *harness.System) *scene {
	t.Helper()
	return sceneOf(t, s, false)
}

// newPublicScene returns a scene whose project everybody may pull from.
func newPublicScene(t *testing.T, s *harness.System) *scene {
	t.Helper()
	return sceneOf(t, s, true)
}

func sceneOf(t *testing.T, s *harness.System, public bool) *scene {
	t.Helper()
	c := &scene{System: s, project: fmt.Sprintf("prj%d", scenes.Add(1)), receiver: harness.NewReceiver(t)}
	s.Admin.CreateProject(t, c.project, public)
	return c
}

// policy subscribes the receiver to the types.
func (c *scene) policy(t *testing.T, types ...string) int64 {
	t.Helper()
	return c.Admin.CreatePolicy(t, c.project, c.to(c.receiver.URL+"/hook", types...))
}

// withoutQuery leaves out the part of an address that is as secret as a password.
func withoutQuery(target string) string {
	address, _, _ := strings.Cut(target, "?")
	return address
}

// to returns a policy.
func (c *scene) to(target string, types ...string) harness.Policy {
	return harness.Policy{Name: "to " + strings.ReplaceAll(withoutQuery(target), "/", " "), HookTypes: types, Target: target}
}

// settle returns once everything that the registry did so far has become jobs: a
// registry tells its events in order, so it pushes one more image, in a project
// of its own, and waits for its webhook.
func (c *scene) settle(t *testing.T) {
	t.Helper()
	last := newScene(t, c.System)
	last.policy(t, "pushImage")
	last.Push(t, last.project+"/last:one", harness.Image(t, harness.Formats()[0], "amd64"))
	last.receiver.Wait(t, 1, soon)
}

// exactly waits for n deliveries, and makes sure that there are n jobs and no
// more deliveries once nothing is left to be done.
func (c *scene) exactly(t *testing.T, n int) []harness.Delivery {
	t.Helper()
	c.receiver.Wait(t, n, soon)
	c.settle(t)
	c.Admin.FinalJobs(t, c.project, n, soon)
	got := c.receiver.Got()
	if len(got) != n {
		t.Fatalf("%d deliveries, want %d", len(got), n)
	}
	return got
}

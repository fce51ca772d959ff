package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/harborhook/harborhook/src/core/registry/embedded"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/tests/harness"
)

// told returns what deliveries say: "type repository:tag", and whether recovered.
func told(t *testing.T, got []harness.Delivery) []string {
	t.Helper()
	var lines []string
	for _, d := range got {
		m := read(t, d)
		for _, e := range m.Events {
			line := fmt.Sprintf("%s %s:%s", m.EventType, e.RepoName+e.ChartName, e.Tag+e.Version)
			if e.Recovered {
				line += " recovered"
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func wantTold(t *testing.T, got []harness.Delivery, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, told(t, got)); diff != "" {
		t.Errorf("webhooks (-want +got):\n%s", diff)
	}
}

// raised makes sure that harborhook reconcile raises n events.
func (c *scene) raised(t *testing.T, n int) {
	t.Helper()
	if out := c.Command(t, "reconcile"); !strings.Contains(out, fmt.Sprintf(": %d missed events raised.", n)) {
		t.Errorf("harborhook reconcile, which should raise %d events, says:\n%s", n, out)
	}
}

// crashRegistry kills the registry, which loses what it has not told, and starts it
// again over the same images.
func (c *scene) crashRegistry() {
	c.RegistryProcess.Kill9()
	c.RegistryProcess.Start()
}

// What a registry had not told when it was killed arrives once, when the registry
// has been started again.
func TestEventsThatAKilledRegistryHadPendingArriveOnce(t *testing.T) {
	t.Parallel()
	s := suite.NewReadingProduction(t, nil)
	c := newScene(t, s)
	c.policy(t, allTypes...)
	old, image, chart := harness.Image(t, harness.Formats()[0], "amd64"), harness.Image(t, harness.Formats()[1], "amd64"), harness.Chart(t, "web", "1.4.0")

	s.Process("core").Stop()
	s.Push(t, c.project+"/old:v1", old)
	c.crashRegistry()
	if out := s.Command(t, "reconcile"); !strings.Contains(out, "first comparison: 1 tags were learned") {
		t.Errorf("the first comparison says:\n%s", out)
	}

	s.Push(t, c.project+"/app:v1", image)
	s.Push(t, c.project+"/web:1.4.0", chart)
	s.Manifest(t, http.MethodDelete, c.project+"/old", harness.DigestOf(t, old).String(), "test")
	c.crashRegistry()
	s.Process("core").Start()
	s.Push(t, c.project+"/after:v1", harness.Image(t, harness.Formats()[0], "amd64"))

	want := []string{"deleteImage old:v1 recovered", "pushImage after:v1", "pushImage app:v1 recovered", "uploadChart web:1.4.0 recovered"}
	c.receiver.Wait(t, len(want), soon)
	wantTold(t, c.exactly(t, len(want)), want...)
	c.raised(t, 0)
	wantTold(t, c.exactly(t, len(want)), want...)
}

func TestReconcileRaisesWhatIsMissingOnce(t *testing.T) {
	t.Parallel()
	s := suite.NewReadingProduction(t, nil)
	c := newScene(t, s)
	c.policy(t, allTypes...)
	s.Command(t, "reconcile")
	s.Process("core").Stop()
	s.Push(t, c.project+"/app:v1", harness.Image(t, harness.Formats()[0], "amd64"))
	c.crashRegistry()
	c.raised(t, 1)
	c.raised(t, 0)
	s.Process("core").Start()
	wantTold(t, c.exactly(t, 1), "pushImage app:v1 recovered")
}

// everyProject has every project.
type everyProject struct{}

func (everyProject) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	return hook.Project{ID: 1, Name: name}, nil
}

// A standalone system that was killed after a push was stored, and before its
// event was, finds it at its next start.
func TestAPushThatWasStoredWithoutItsEventIsRecoveredAtStart(t *testing.T) {
	t.Parallel()
	s := suite.NewStandalone(t, nil)
	c := newScene(t, s)
	c.policy(t, "pushImage")
	s.Push(t, c.project+"/app:v1", harness.Image(t, harness.Formats()[0], "amd64"))
	c.receiver.Wait(t, 1, soon)
	s.Process(harness.Standalone).Stop()

	storage, err := embedded.NewViewer(t.Context(), filepath.Join(s.DataDir, "registry"), everyProject{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(storage)
	defer server.Close()
	ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/" + c.project + "/app:v2")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, harness.Image(t, harness.Formats()[0], "amd64")); err != nil {
		t.Fatal(err)
	}
	s.Process(harness.Standalone).Start()
	c.receiver.Wait(t, 2, soon)
	wantTold(t, c.exactly(t, 2), "pushImage app:v1", "pushImage app:v2 recovered")
	c.raised(t, 0)
}

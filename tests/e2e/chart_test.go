package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestChartsAreUploadedDownloadedAndDeleted(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, allTypes...)
		chart := harness.Chart(t, "web", "1.4.0")
		digest := harness.DigestOf(t, chart).String()
		want := c.chartEntry("web", "1.4.0", digest)

		since := time.Now()
		c.Push(t, c.project+"/web:1.4.0", chart)
		c.expect(t, c.exactly(t, 1)[0], since, "uploadChart", want)

		c.Manifest(t, "HEAD", c.project+"/web", "1.4.0", "Helm/3.16.4")
		c.Manifest(t, "GET", c.project+"/web", digest, "Helm/3.16.4")
		c.expect(t, c.exactly(t, 2)[1], since, "downloadChart", want)

		c.Manifest(t, "DELETE", c.project+"/web", digest, "test")
		c.expect(t, c.exactly(t, 3)[2], since, "deleteChart", want)
	})
}

// No package of Debian has helm: where somebody has installed it, its own push
// is tried too.
func TestHelmPushIsOneUploadChart(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, allTypes...)
		file := filepath.Join(t.TempDir(), "web-1.4.0.tgz")
		if err := os.WriteFile(file, harness.ChartArchive(t, "web", "1.4.0"), 0o600); err != nil {
			t.Fatal(err)
		}
		since := time.Now()
		if !c.HelmPush(t, file, c.project) {
			t.Skip("helm is not installed; the test of charts pushes what helm pushes")
		}
		got := c.exactly(t, 1)[0]
		c.expect(t, got, since, "uploadChart", c.chartEntry("web", "1.4.0", read(t, got).Events[0].Digest))
	})
}

package e2e

import (
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

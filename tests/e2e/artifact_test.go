package e2e

import (
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestSignaturesArePushedPulledAndDeletedAsArtifacts(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "pushArtifact", "pullArtifact", "deleteArtifact", "pullImage", "deleteImage")
		img, signature := harness.Image(t, harness.Formats()[1], "amd64"), harness.Signature(t)
		tag, digest := "sha256-"+harness.DigestOf(t, img).Hex+".sig", harness.DigestOf(t, signature).String()
		want := c.imageEntry("app", tag, digest, "")

		since := time.Now()
		c.Push(t, c.project+"/app:v1", img)
		c.Push(t, c.project+"/app:"+tag, signature)
		c.expect(t, c.exactly(t, 1)[0], since, "pushArtifact", want)

		c.Manifest(t, "GET", c.project+"/app", tag, "cosign/2.4")
		c.expect(t, c.exactly(t, 2)[1], since, "pullArtifact", want)

		c.Manifest(t, "DELETE", c.project+"/app", digest, "test")
		c.expect(t, c.exactly(t, 3)[2], since, "deleteArtifact", want)
	})
}

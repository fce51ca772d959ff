package e2e

import (
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestDeleteOfADigestIsOneWebhookThatNamesEveryTag(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		img, other := harness.Image(t, harness.Formats()[0], "amd64"), harness.Image(t, harness.Formats()[0], "amd64")
		c.Push(t, c.project+"/app:v1", img)
		c.Tag(t, c.project+"/app", "v2", img)
		c.Push(t, c.project+"/app:other", other)
		c.settle(t)
		c.policy(t, allTypes...)

		since, digest := time.Now(), harness.DigestOf(t, img).String()
		c.Manifest(t, "DELETE", c.project+"/app", digest, "test")
		id := harness.ConfigOf(t, img).Hex
		c.expect(t, c.exactly(t, 1)[0], since, "deleteImage",
			c.imageEntry("app", "v1", digest, id), c.imageEntry("app", "v2", digest, id))
	})
}

package e2e

import (
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestPullIsOneWebhookWithItsTag(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		for name, pull := range map[string]func(t *testing.T, c *scene, digest string){
			"docker asks for the tag and fetches by digest": func(t *testing.T, c *scene, digest string) {
				c.Manifest(t, "HEAD", c.project+"/app", "v1", "docker/27.0")
				c.Manifest(t, "GET", c.project+"/app", digest, "docker/27.0")
			},
			"skopeo fetches by tag": func(t *testing.T, c *scene, _ string) {
				c.Manifest(t, "GET", c.project+"/app", "v1", "skopeo/1.9.3")
			},
			"asking for the tag alone is no pull": func(t *testing.T, c *scene, digest string) {
				c.Manifest(t, "HEAD", c.project+"/app", "v1", "crane/0.20")
				c.Manifest(t, "GET", c.project+"/app", digest, "another/1.0")
				c.Manifest(t, "GET", c.project+"/app", "v1", "skopeo/1.9.3")
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := newScene(t, s)
				img := harness.Image(t, harness.Formats()[1], "amd64")
				c.Push(t, c.project+"/app:v1", img)
				c.settle(t)
				c.policy(t, allTypes...)

				since, digest := time.Now(), harness.DigestOf(t, img).String()
				pull(t, c, digest)
				c.expect(t, c.exactly(t, 1)[0], since, "pullImage", c.imageEntry("app", "v1", digest, harness.ConfigOf(t, img).Hex))
			})
		}
	})
}

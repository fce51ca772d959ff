package e2e

import (
	"net/http"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/harborhook/harborhook/tests/harness"
)

// allTypes are the event types that a registry raises.
var allTypes = []string{
	"pushImage", "pullImage", "deleteImage", "uploadChart", "downloadChart", "deleteChart", "pushArtifact", "pullArtifact", "deleteArtifact",
}

func TestPushOfAnImageIsOneWebhookWithEveryFieldOfTheMessage(t *testing.T) {
	harness.Require(t, "skopeo")
	eachShape(t, func(t *testing.T, s *harness.System) {
		for _, format := range harness.Formats() {
			t.Run(format.Name, func(t *testing.T) {
				t.Parallel()
				c := newScene(t, s)
				c.policy(t, allTypes...)
				img, dir := harness.Image(t, format, "amd64"), t.TempDir()
				harness.WriteImage(t, dir, img)

				since := time.Now()
				c.Skopeo(t, dir, c.project+"/team/app:v1.2")

				got := c.exactly(t, 1)[0]
				c.expect(t, got, since, "pushImage",
					c.imageEntry("team/app", "v1.2", harness.DigestOf(t, img).String(), harness.ConfigOf(t, img).Hex))
				if got.Method != http.MethodPost || got.URI != "/hook" || got.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%s %s of %s", got.Method, got.URI, got.Header.Get("Content-Type"))
				}
				if got.Header.Get("X-Harbor-Event-Type") != "pushImage" || got.Header.Get("Webhook-Id") == "" {
					t.Errorf("headers %v", got.Header)
				}
			})
		}
	})
}

func TestPushOfSeveralArchitecturesIsOneWebhook(t *testing.T) {
	harness.Require(t, "skopeo")
	eachShape(t, func(t *testing.T, s *harness.System) {
		for _, format := range harness.Formats() {
			t.Run(format.Name, func(t *testing.T) {
				t.Parallel()
				c := newScene(t, s)
				c.policy(t, allTypes...)
				images := map[string]v1.Image{"amd64": harness.Image(t, format, "amd64"), "arm64": harness.Image(t, format, "arm64")}
				index, dir := harness.Index(format, images), t.TempDir()
				harness.WriteIndex(t, dir, index, images)

				since := time.Now()
				c.Skopeo(t, dir, c.project+"/app:multi")

				digest := harness.DigestOf(t, index)
				want := c.imageEntry("app", "multi", digest.String(), digest.Hex)
				for architecture, img := range images {
					p := platform{"linux", architecture, harness.DigestOf(t, img).String(), harness.ConfigOf(t, img).Hex}
					if c.Shape == harness.Production {
						p.OS, p.Architecture = "", "" // version 2.8 does not tell
					}
					want.Platforms = append(want.Platforms, p)
				}
				c.expect(t, c.exactly(t, 1)[0], since, "pushImage", want)
			})
		}
	})
}

func TestPushOfTheSameImageAgainIsAnotherWebhook(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "pushImage")
		img := harness.Image(t, harness.Formats()[1], "amd64")
		c.Push(t, c.project+"/app:one", img)
		c.Tag(t, c.project+"/app", "two", img)
		c.Tag(t, c.project+"/app", "two", img)
		tags := map[string]int{}
		for _, d := range c.exactly(t, 3) {
			tags[read(t, d).Events[0].Tag]++
		}
		if tags["one"] != 1 || tags["two"] != 2 {
			t.Errorf("webhooks of tags: %v", tags)
		}
	})
}

func TestAPushSaysWhatBecameOfItsTag(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "pushImage")
		img, other := harness.Image(t, harness.Formats()[1], "amd64"), harness.Image(t, harness.Formats()[1], "amd64")
		pushes := 0
		pushed := func(want string) {
			t.Helper()
			pushes++
			if got := read(t, c.receiver.Wait(t, pushes, soon)[pushes-1]).Events[0].Change; got != want {
				t.Errorf("push %d: change is %q, want %q", pushes, got, want)
			}
		}
		c.Push(t, c.project+"/app:one", img)
		pushed("new")
		c.Tag(t, c.project+"/app", "two", img)
		pushed("new")
		c.Tag(t, c.project+"/app", "two", img)
		pushed("same")
		c.Push(t, c.project+"/app:two", other)
		pushed("moved")
		c.Manifest(t, "DELETE", c.project+"/app", harness.DigestOf(t, img).String(), "test")
		c.Push(t, c.project+"/app:one", img)
		pushed("new")
	})
}

package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/uuid"

	"github.com/harborhook/harborhook/tests/harness"
)

// A registry that describes nothing is read by Core: its webhooks say as much as
// those of one that does.
func TestWhatTheRegistryDoesNotDescribeIsReadFromIt(t *testing.T) {
	t.Parallel()
	s := suite.NewReadingProduction(t, nil)
	for _, format := range harness.Formats() {
		t.Run(format.Name+" image", func(t *testing.T) {
			t.Parallel()
			c := newScene(t, s)
			c.policy(t, allTypes...)
			img := harness.Image(t, format, "amd64")
			since := time.Now()
			c.Push(t, c.project+"/app:v1", img)
			c.expect(t, c.exactly(t, 1)[0], since, "pushImage",
				c.imageEntry("app", "v1", harness.DigestOf(t, img).String(), harness.ConfigOf(t, img).Hex))
		})
		t.Run(format.Name+" image of several architectures", func(t *testing.T) {
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
				want.Platforms = append(want.Platforms, platform{"linux", architecture, harness.DigestOf(t, img).String(), harness.ConfigOf(t, img).Hex})
			}
			c.expect(t, c.exactly(t, 1)[0], since, "pushImage", want)
		})
	}
	t.Run("chart", func(t *testing.T) {
		t.Parallel()
		c := newScene(t, s)
		c.policy(t, allTypes...)
		chart := harness.Chart(t, "web", "1.4.0")
		since := time.Now()
		c.Push(t, c.project+"/web:1.4.0", chart)
		c.expect(t, c.exactly(t, 1)[0], since, "uploadChart", c.chartEntry("web", "1.4.0", harness.DigestOf(t, chart).String()))
	})
}

// undescribed is the push of an image as a registry tells it that is not
// configured to describe it.
func undescribed(t *testing.T, repository, tag string, img v1.Image) any {
	t.Helper()
	mediaType, err := img.MediaType()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"id": uuid.NewString(), "timestamp": time.Now().Format(time.RFC3339Nano), "action": "push",
		"target":  map[string]any{"mediaType": mediaType, "digest": harness.DigestOf(t, img).String(), "repository": repository, "tag": tag},
		"request": map[string]any{"id": uuid.NewString(), "addr": "192.0.2.1:4000", "method": "PUT", "useragent": "test"},
	}
}

func TestAnEventSurvivesTheDeathOfTheCoreThatLooksItUp(t *testing.T) {
	t.Parallel()
	registry, img := harness.NewReceiver(t), harness.Image(t, harness.Formats()[1], "amd64")
	manifest, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	never := make(chan struct{})
	registry.Answer(func(int, harness.Delivery) harness.Answer { return harness.Answer{After: never} })
	s := suite.NewProduction(t, suite.Postgres(t).NewDatabase(t), suite.Redis(t), harness.Settings{"REGISTRY_URL": registry.URL})
	c := newScene(t, s)
	c.policy(t, "pushImage")
	since := time.Now()
	c.MustNotify(t, undescribed(t, c.project+"/app", "v1", img))
	asked := registry.Wait(t, 1, soon)[0]
	c.Process("core").Kill9()
	if want := fmt.Sprintf("/v2/%s/app/manifests/%s", c.project, harness.DigestOf(t, img)); asked.URI != want {
		t.Errorf("asked for %s, want %s", asked.URI, want)
	}
	registry.Answer(func(_ int, d harness.Delivery) harness.Answer {
		if d.Method != http.MethodGet {
			return harness.Answer{Status: http.StatusMethodNotAllowed}
		}
		return harness.Answer{Header: http.Header{"Content-Type": {"application/vnd.oci.image.manifest.v1+json"}}, Body: string(manifest)}
	})
	c.Process("core").Start()
	c.receiver.Wait(t, 1, recovery)
	c.Admin.FinalJobs(t, c.project, 1, soon)
	c.expect(t, c.receiver.Got()[0], since, "pushImage", c.imageEntry("app", "v1", harness.DigestOf(t, img).String(), harness.ConfigOf(t, img).Hex))
}

func TestARegistryThatDoesNotAnswerHoldsUpNobody(t *testing.T) {
	t.Parallel()
	registry, img := harness.NewReceiver(t), harness.Image(t, harness.Formats()[1], "amd64")
	never := make(chan struct{})
	registry.Answer(func(int, harness.Delivery) harness.Answer { return harness.Answer{After: never} })
	s := suite.NewProduction(t, suite.Postgres(t).NewDatabase(t), suite.Redis(t), harness.Settings{"REGISTRY_URL": registry.URL})
	c := newScene(t, s)
	c.policy(t, "pushImage")
	since := time.Now()
	c.MustNotify(t, undescribed(t, c.project+"/app", "v1", img))
	registry.Wait(t, 1, soon)
	c.MustNotify(t, harness.NewPush(c.project+"/other", "v1"))
	if first := read(t, c.receiver.Wait(t, 1, soon)[0]); first.Events[0].RepoName != "other" {
		t.Errorf("the first webhook is of %s", first.Events[0].RepoName)
	}
	c.expect(t, c.receiver.Wait(t, 2, soon)[1], since, "pushImage", c.imageEntry("app", "v1", harness.DigestOf(t, img).String(), ""))
}

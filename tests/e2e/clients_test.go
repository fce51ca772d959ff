package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/harborhook/harborhook/tests/harness"
)

// The clients that people use, as they are: each signs in, pushes, and pulls. The
// pull is made without credentials, from a public project.

func TestCranePushesAndPulls(t *testing.T) {
	harness.Require(t, "crane")
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newPublicScene(t, s)
		c.policy(t, allTypes...)
		img := harness.Image(t, harness.Formats()[1], "amd64")
		ref, err := name.NewTag(c.Registry+"/"+c.project+"/app:v1", name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "app.tar")
		if err := tarball.WriteToFile(file, ref, img); err != nil {
			t.Fatal(err)
		}

		c.Operators(t).Run(t, "crane", "push", "--insecure", file, ref.String())
		pushed := read(t, c.exactly(t, 1)[0])
		if e := pushed.Events[0]; pushed.EventType != "pushImage" || e.Tag != "v1" || e.ImageID != harness.ConfigOf(t, img).Hex || e.ProjectType != "Public" {
			t.Errorf("%+v", pushed)
		}

		c.Nobodys(t).Run(t, "crane", "pull", "--insecure", ref.String(), filepath.Join(t.TempDir(), "back.tar"))
		pulled := read(t, c.exactly(t, 2)[1])
		if e := pulled.Events[0]; pulled.EventType != "pullImage" || e.Tag != "v1" || e.Digest != pushed.Events[0].Digest || e.Operator != "" {
			t.Errorf("%+v", pulled)
		}
	})
}

func TestHelmPushesAndPulls(t *testing.T) {
	harness.Require(t, "helm")
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newPublicScene(t, s)
		c.policy(t, allTypes...)
		file := filepath.Join(t.TempDir(), "web-1.4.0.tgz")
		if err := os.WriteFile(file, harness.ChartArchive(t, "web", "1.4.0"), 0o600); err != nil {
			t.Fatal(err)
		}

		since := time.Now()
		c.Operators(t).Run(t, "helm", "push", file, "oci://"+c.Registry+"/"+c.project, "--plain-http")
		got := c.exactly(t, 1)[0]
		want := c.chartEntry("web", "1.4.0", read(t, got).Events[0].Digest)
		want.ProjectType = "Public"
		c.expect(t, got, since, "uploadChart", want)

		c.Nobodys(t).Run(t, "helm", "pull", "oci://"+c.Registry+"/"+c.project+"/web", "--version", "1.4.0", "--plain-http", "-d", t.TempDir())
		want.Operator = ""
		c.expect(t, c.exactly(t, 2)[1], since, "downloadChart", want)
	})
}

func TestOrasPushesAndPulls(t *testing.T) {
	harness.Require(t, "oras")
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newPublicScene(t, s)
		c.policy(t, allTypes...)
		dir := t.TempDir()
		file := filepath.Join(dir, "report.txt")
		if err := os.WriteFile(file, []byte("all is well\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		ref := c.Registry + "/" + c.project + "/report:v1"

		c.Operators(t).Run(t, "oras", "push", "--plain-http", "--disable-path-validation", "--artifact-type", "text/report", ref, file+":text/plain")
		pushed := read(t, c.exactly(t, 1)[0])
		if e := pushed.Events[0]; pushed.EventType != "pushArtifact" || e.Tag != "v1" || e.Change != "new" {
			t.Errorf("%+v", pushed)
		}

		c.Nobodys(t).Run(t, "oras", "pull", "--plain-http", "--allow-path-traversal", "-o", t.TempDir(), ref)
		pulled := read(t, c.exactly(t, 2)[1])
		if e := pulled.Events[0]; pulled.EventType != "pullArtifact" || e.Tag != "v1" || e.Digest != pushed.Events[0].Digest {
			t.Errorf("%+v", pulled)
		}
	})
}

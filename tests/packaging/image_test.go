package packaging

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/harborhook/harborhook/tests/harness"
)

// builderfile makes an image that can stand in for golang's. Go and its caches are
// this machine's, mounted while the image is built.
const builderfile = `FROM scratch
COPY root /
ENV PATH=/usr/local/go/bin:/usr/bin:/bin HOME=/tmp GOCACHE=/cache GOTOOLCHAIN=local GOFLAGS=-modcacherw
`

// TestTheImageIsBuiltAndStarts builds the image from the Dockerfile and the repository,
// and runs what its layers hold as its configuration says: there is no shell and no
// library. Only the builder is one of Debian's packages, since what others publish may
// be out of reach.
func TestTheImageIsBuiltAndStarts(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	img := buildImage(t)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	open(t, root)
	unpack(t, img, root)
	inside, err := os.ReadFile(filepath.Join(root, "harborhook"))
	if err != nil {
		t.Fatal(err)
	}
	packaged, err := os.ReadFile(install(t).binary())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(inside, packaged) {
		t.Error("the image's program is not the package's")
	}
	files := strings.Fields(do(t, "find", root, "-type", "f", "-printf", `/%P\n`))
	slices.Sort(files)
	if want := []string{"/etc/ssl/certs/ca-certificates.crt", "/harborhook"}; !slices.Equal(files, want) {
		t.Errorf("the image has %v, want %v", files, want)
	}

	c := config.Config
	if c.User != nobody || len(c.Entrypoint) != 1 || c.Healthcheck == nil || len(c.Healthcheck.Test) < 3 || c.Healthcheck.Test[1] != c.Entrypoint[0] {
		t.Fatalf("the image is configured as %+v", c)
	}
	container{root: root, user: c.User, env: c.Env, program: c.Entrypoint[0], health: c.Healthcheck.Test[2:]}.start(t)
}

// buildImage builds the image as its Dockerfile says, without a daemon.
func buildImage(t *testing.T) v1.Image {
	t.Helper()
	harness.Require(t, "buildah", "go")
	dir := t.TempDir()
	buildah := func(args ...string) {
		do(t, "buildah", append([]string{"--root=" + dir + "/storage", "--runroot=" + dir + "/run", "--storage-driver=vfs"}, args...)...)
	}
	buildah("build-using-dockerfile", "--tag=builder", builder(t))
	buildah("build-using-dockerfile", "--tag=harborhook", "--pull-never", "--isolation=chroot", "--format=docker",
		"--build-arg=BUILDER=localhost/builder", "--build-arg=VERSION="+version(t), "--file="+root+"make/Dockerfile",
		"--volume="+goEnv(t, "GOROOT")+":/usr/local/go:ro", "--volume="+goEnv(t, "GOCACHE")+":/cache",
		"--volume="+goEnv(t, "GOMODCACHE")+"/cache/download:/modules:ro", root)
	archive := filepath.Join(dir, "image.tar")
	buildah("push", "--quiet", "localhost/harborhook", "docker-archive:"+archive)
	img, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// builder writes what the builder is made of into a folder.
func builder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	do(t, "cp", "--archive", shellRoot(t), filepath.Join(dir, "root"))
	certificates := filepath.Join(dir, "root/etc/ssl/certs")
	if err := os.MkdirAll(certificates, 0o755); err != nil {
		t.Fatal(err)
	}
	do(t, "cp", "/etc/ssl/certs/ca-certificates.crt", certificates)
	proxies := "ENV GOPROXY=file:///modules," + goEnv(t, "GOPROXY") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(builderfile+proxies), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// version is what the package's program says that it is.
func version(t *testing.T) string {
	t.Helper()
	fields := strings.Fields(do(t, install(t).binary(), "version"))
	if len(fields) < 2 {
		t.Fatalf("the program says %q", fields)
	}
	return strings.TrimSuffix(fields[1], ",")
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatalf("go env %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}

// unpack puts what the layers hold into a folder, one on the other.
func unpack(t *testing.T, img v1.Image, into string) {
	t.Helper()
	layers := mutate.Extract(img)
	defer layers.Close()
	tar := exec.CommandContext(t.Context(), "tar", "-x", "--numeric-owner", "-C", into)
	tar.Stdin = layers
	if out, err := tar.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

package harness

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// manifestTypes is what clients of today accept.
const manifestTypes = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, " +
	"application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"

// Skopeo copies an image from a folder to a name such as "prj/app:v1", with all
// its architectures.
func (s *System) Skopeo(t T, dir, to string) {
	t.Helper()
	runProgram(t, nil, findProgram("skopeo"), "--insecure-policy", "copy", "--all", "--preserve-digests", "--quiet",
		"--dest-tls-verify=false", "--dest-creds", "admin:"+s.password, "dir:"+dir, "docker://"+s.Registry+"/"+to)
}

// runProgram runs a program of somebody else's to its end.
func runProgram(t T, env []string, program string, args ...string) {
	t.Helper()
	if out, err := tryProgram(env, program, args...); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

func tryProgram(env []string, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Push pushes an image to a name such as "prj/app:v1".
func (s *System) Push(t T, to string, img v1.Image) {
	t.Helper()
	if err := remote.Write(s.reference(t, to), img, s.remoteOptions()...); err != nil {
		t.Fatalf("push %s: %v", to, err)
	}
}

// PushTimed is Push, and returns when the client began to put the manifest, which it
// does when all else is there.
func (s *System) PushTimed(t T, to string, img v1.Image) time.Time {
	t.Helper()
	clock := &manifestClock{}
	if err := remote.Write(s.reference(t, to), img, append(s.remoteOptions(), remote.WithTransport(clock))...); err != nil {
		t.Fatalf("push %s: %v", to, err)
	}
	return clock.at
}

// manifestClock is a transport that notes when the last manifest was put.
type manifestClock struct{ at time.Time }

// RoundTrip implements http.RoundTripper.
func (c *manifestClock) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/manifests/") {
		c.at = time.Now()
	}
	return remote.DefaultTransport.RoundTrip(req)
}

// Tag gives another tag to an image that is there already.
func (s *System) Tag(t T, repository, tag string, img v1.Image) {
	t.Helper()
	ref, ok := s.reference(t, repository+":"+tag).(name.Tag)
	if !ok {
		t.Fatalf("%s:%s is no tag", repository, tag)
	}
	if err := remote.Tag(ref, img, s.remoteOptions()...); err != nil {
		t.Fatalf("tag %s:%s: %v", repository, tag, err)
	}
}

func (s *System) reference(t T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(s.Registry+"/"+text, name.Insecure)
	if err != nil {
		t.Fatalf("%q is no name of an image: %v", text, err)
	}
	return ref
}

func (s *System) remoteOptions() []remote.Option {
	if s.Operator == "" {
		return []remote.Option{remote.WithAuth(authn.Anonymous)}
	}
	return []remote.Option{remote.WithAuth(&authn.Basic{Username: "admin", Password: s.password})}
}

// Manifest asks the registry for a manifest as a client of the given name would:
// method is HEAD, GET or DELETE. It returns the digest that the registry tells.
func (s *System) Manifest(t T, method, repository, reference, userAgent string) string {
	t.Helper()
	address := "http://" + s.Registry + "/v2/" + repository + "/manifests/" + reference
	req, err := http.NewRequestWithContext(context.Background(), method, address, nil)
	if err != nil {
		t.Fatalf("ask the registry: %v", err)
	}
	if s.Operator != "" { // clients do not sign in where nobody asks
		req.SetBasicAuth("admin", s.password)
	}
	req.Header.Set("Accept", manifestTypes)
	req.Header.Set("User-Agent", userAgent)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("ask the registry: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s %v: %s", method, address, resp.Status, err, strings.TrimSpace(string(body)))
	}
	return resp.Header.Get("Docker-Content-Digest")
}

// Login is where the clients of registries find the credentials of somebody, or
// of nobody. It holds their caches too, so that no client sees another's.
type Login struct{ dir string }

// Operators returns the login of the system admin.
func (s *System) Operators(t T) Login {
	t.Helper()
	return s.Login(t, "admin", s.password)
}

// Login returns the login of a user or a robot.
func (s *System) Login(t T, name, password string) Login {
	t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
	return newLogin(t, fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, s.Registry, auth))
}

// Nobodys returns a login without credentials.
func (s *System) Nobodys(t T) Login {
	t.Helper()
	return newLogin(t, `{"auths":{}}`)
}

func newLogin(t T, config string) Login {
	t.Helper()
	dir := folder(t)
	writeFile(t, dir, "config.json", []byte(config))
	return Login{dir: dir}
}

// Run runs a client of registries (crane, helm, oras) to its end.
func (l Login) Run(t T, program string, args ...string) {
	t.Helper()
	if out, err := l.Try(program, args...); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// Try is Run for what may be refused. It returns what the client prints.
func (l Login) Try(program string, args ...string) (string, error) {
	return tryProgram([]string{
		"DOCKER_CONFIG=" + l.dir, "HELM_REGISTRY_CONFIG=" + filepath.Join(l.dir, "config.json"),
		"HELM_CACHE_HOME=" + l.dir, "HELM_CONFIG_HOME=" + l.dir, "HELM_DATA_HOME=" + l.dir,
	}, findProgram(program), args...)
}

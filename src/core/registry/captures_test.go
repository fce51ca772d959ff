package registry_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/docker/distribution/notifications"
	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

const captures = "../../../tests/testdata/envelopes"

// capture says which events the envelopes of one captured action raise.
type capture struct {
	action string
	// after are the captured actions that the memory has seen; folders without
	// one of them are left out.
	after []string
	// want lists "type repository:tag,tag"; a star stands for a digest in a tag, and
	// a ? at the end says that nobody knows the digest.
	want []string
	// refs is what differs if the registry sends references. One that does not
	// cannot tell charts and artifacts from images.
	refs []string
}

func expectations() []capture {
	t128 := strings.Repeat("t", 128)
	one := func(events ...string) []string { return events }
	return []capture{
		// Pushes: one event for each tag, none for blobs, mounts and children.
		{action: "docker-push-tag", want: one("pushImage dk/hello:v1")},
		{action: "docker-push-same-again", want: one("pushImage dk/hello:v1")},
		{action: "docker-push-all-tags", want: one("pushImage dk/hello:v1", "pushImage dk/hello:v2")},
		{action: "docker-push-cross-repo-mount", want: one("pushImage dk2/hello:v1")},
		{action: "containerd-push-multiarch", want: one("pushImage ctr/multi:v1")},
		{action: "buildah-manifest-push-all", want: one("pushImage library/b-multi:v1")},
		{action: "buildah-push-docker", want: one("pushImage library/b-docker:v1")},
		{action: "buildah-push-oci", want: one("pushImage library/b-oci:v1")},
		{action: "podman-push", want: one("pushImage library/p-docker:v1")},
		{action: "crane-append-empty-base", want: one("pushImage library/appended:v1")},
		{action: "crane-append-oci-empty-base", want: one("pushImage library/appended-oci:v1")},
		{action: "crane-push-tarball", want: one("pushImage library/pushed:v1")},
		{action: "skopeo-push-tag-docker2", want: one("pushImage library/hello:v1")},
		{action: "skopeo-push-tag-oci", want: one("pushImage library/hello-oci:v1")},
		{action: "skopeo-push-same-again", want: one("pushImage library/hello:v1")},
		{action: "skopeo-push-tag-128", want: one("pushImage library/hello:" + t128)},
		{action: "skopeo-push-nested-repo", want: one("pushImage a/b/c/d:v1")},
		{action: "skopeo-push-multiarch-all", want: one("pushImage library/multi:v1")},
		{action: "skopeo-push-multiarch-docker-list", want: one("pushImage library/multi-docker:v1")},
		{action: "skopeo-push-by-digest"},
		{action: "skopeo-push-as-user", want: one("pushImage library/hello:v1")},
		{action: "skopeo-push-as-robot", want: one("pushImage library/hello:v2")},
		{action: "curl-push-blob-monolithic"},
		{action: "curl-mount-blob"},

		// Copies and new tags: the source is fetched by tag, which is a pull.
		{action: "skopeo-retag-same-repo", want: one("pullImage library/hello:v1", "pushImage library/hello:v2")},
		{action: "skopeo-copy-cross-repo-mount", want: one("pullImage library/hello:v1", "pushImage other/hello-mounted:v1")},
		{action: "crane-tag-retag", want: one("pullImage library/appended:v1", "pushImage library/appended:v2")},
		{action: "crane-copy-cross-repo", want: one("pullImage library/appended:v1", "pushImage other/appended:v1")},
		{action: "crane-mutate-label", want: one("pullImage library/appended:v1", "pushImage library/appended:v3")},
		{action: "crane-index-append", want: one(
			"pullImage library/appended-oci:v1", "pullImage library/hello-oci:v1", "pushImage library/index:v1",
		)},

		// Pulls with the tag on the GET.
		{action: "skopeo-pull-tag", want: one("pullImage library/hello:v1")},
		{action: "skopeo-pull-multiarch-one", want: one("pullImage library/multi:v1")},
		{action: "skopeo-pull-multiarch-all", want: one("pullImage library/multi:v1")},
		{action: "skopeo-pull-as-user", want: one("pullImage library/hello:v1")},
		{action: "skopeo-pull-anonymous", want: one("pullImage library/hello:v1")},
		{action: "skopeo-inspect-tag", want: one("pullImage library/hello:v1")},
		{action: "skopeo-inspect-raw", want: one("pullImage library/multi:v1")},
		{action: "podman-pull-tag", want: one("pullImage library/b-oci:v1")},
		{action: "podman-pull-multiarch", want: one("pullImage library/b-multi:v1")},
		{action: "crane-manifest-get", want: one("pullImage library/todelete:v1")},
		{action: "crane-config", want: one("pullImage library/todelete:v1")},
		{action: "crane-pull-tarball", want: one("pullImage library/appended:v1")},
		{action: "crane-pull-oci", want: one("pullImage library/index:v1")},
		{action: "crane-validate", want: one("pullImage library/appended:v1")},
		{action: "curl-get-tag-no-accept", want: one("pullImage library/p-docker:v1")},
		{action: "curl-xff-spoof", want: one("pullImage library/p-docker:v1")},
		{action: "curl-host-spoof", want: one("pullImage library/appended:v1")},
		{action: "curl-x-forwarded-host-proto", want: one("pullImage library/appended:v1")},
		// This command asks for the index by tag three times.
		{action: "docker-manifest-inspect", want: one(
			"pullImage library/multi:v1", "pullImage library/multi:v1", "pullImage library/multi:v1",
		)},

		// Pulls with the tag on the HEAD only: one event, for the GET.
		{action: "docker-pull-tag", want: one("pullImage dk/hello:v1")},
		{action: "docker-pull-up-to-date", want: one("pullImage dk/hello:v1")},
		{action: "docker-pull-multiarch", want: one("pullImage library/multi:v1")},
		{action: "containerd-pull-tag", want: one("pullImage dk/hello:v1")},
		{action: "containerd-pull-multiarch", want: one("pullImage library/multi:v1")},
		{action: "docker-pull-tag", after: one("docker-pull-up-to-date"), want: one("pullImage dk/hello:v1")},

		// A HEAD alone, and a GET by digest alone, are no pulls.
		{action: "containerd-pull-tag-again"},
		{action: "containerd-pull-digest"},
		{action: "containerd-pull-digest", after: one("containerd-pull-tag")},
		{action: "containerd-pull-multiarch-all-platforms"},
		{action: "docker-pull-digest"},
		// The same client named the tag half a second before: that is what counts.
		{action: "docker-pull-digest", after: one("docker-pull-tag"), want: one("pullImage dk/hello:v1")},
		{action: "podman-pull-digest"},
		{action: "skopeo-pull-digest"},
		{action: "crane-digest-head"},
		{action: "curl-head-tag"},
		{action: "curl-head-digest"},
		{action: "crane-blob-get"},
		{action: "curl-blob-head"},
		{action: "curl-blob-range"},

		// Pull-through cache: its clients' pulls at the cache, its own at the upstream.
		{action: "skopeo-pull-through-tag-miss", want: one("pullImage library/appended:v1")},
		{action: "skopeo-pull-through-tag-hit", want: one("pullImage library/appended:v1")},
		{action: "crane-digest-head-through"},
		{action: "upstream-of-proxy-skopeo-pull-through-tag-miss", want: one("pullImage library/appended:v1")},
		{action: "upstream-of-proxy-skopeo-pull-through-tag-hit"},
		{action: "upstream-of-proxy-crane-digest-head-through"},

		// Helm charts.
		{action: "helm-push-chart", want: one("pushImage charts/demo:0.1.0"), refs: one("uploadChart charts/demo:0.1.0")},
		{action: "helm-push-chart-same-again"},
		{action: "helm-pull-chart", want: one("pullImage charts/demo:0.1.0"), refs: one("downloadChart charts/demo:0.1.0")},
		{action: "helm-pull-chart-latest", want: one("pullImage charts/demo:0.1.0"), refs: one("downloadChart charts/demo:0.1.0")},
		{action: "helm-show-chart", want: one("pullImage charts/demo:0.1.0"), refs: one("downloadChart charts/demo:0.1.0")},

		// Signatures, attestations, bills of materials and lists of referrers are
		// artifacts by their tag, which is all that tells without references.
		{action: "cosign-sign", want: one("pushArtifact signed/app:sha256-*.sig")},
		{action: "cosign-attest", want: one("pushArtifact signed/app:sha256-*.att")},
		{action: "cosign-attach-sbom", want: one("pushArtifact signed/app:sha256-*.sbom")},
		{
			action: "cosign-sign-referrers-oci11",
			want:   one("pullArtifact signed/app:sha256-*.sig", "pushArtifact signed/app:sha256-*"),
		},
		{action: "cosign-verify", want: one("pullImage signed/app:v1", "pullArtifact signed/app:sha256-*.sig")},
		{action: "oras-attach-referrer", want: one("pushArtifact art/conf:sha256-*")},
		{action: "oras-discover", want: one("pullArtifact art/conf:sha256-*")},

		// Generic artifacts: known by their configuration only.
		{action: "oras-push-artifact", want: one("pushImage art/conf:v1"), refs: one("pushArtifact art/conf:v1")},
		{action: "oras-push-artifact-legacy-config", want: one("pushImage art/legacy:v1"), refs: one("pushArtifact art/legacy:v1")},
		{
			action: "oras-push-same-again",
			want:   one("pushImage art/conf:v2", "pushImage art/conf:v2"),
			refs:   one("pushArtifact art/conf:v2", "pushArtifact art/conf:v2"),
		},
		{action: "oras-pull", want: one("pullImage art/conf:v1"), refs: one("pullArtifact art/conf:v1")},
		{action: "oras-resolve"},
		{
			action: "oras-tag",
			want:   one("pullImage art/conf:v1", "pushImage art/conf:latest", "pushImage art/conf:stable"),
			refs:   one("pullArtifact art/conf:v1", "pushArtifact art/conf:latest", "pushArtifact art/conf:stable"),
		},
		{
			action: "oras-copy",
			want:   one("pullImage art/conf:v1", "pushImage art2/conf:v1"),
			refs:   one("pullArtifact art/conf:v1", "pushArtifact art2/conf:v1"),
		},

		// Deletes of what the memory knows: one event with every tag.
		{
			action: "skopeo-delete-tag-ref-two-tags",
			after:  one("skopeo-push-tag-docker2", "skopeo-retag-same-repo", "skopeo-push-tag-128"),
			want:   one("pullImage library/hello:v2", "deleteImage library/hello:"+t128+",v1,v2"),
		},
		{
			action: "skopeo-delete-as-user",
			after:  one("skopeo-push-as-user", "skopeo-push-as-robot"),
			want:   one("pullImage library/hello:v1", "deleteImage library/hello:v1,v2"),
		},
		{action: "crane-delete-index-digest", after: one("crane-index-append"), want: one("deleteImage library/index:v1")},
		{
			action: "crane-delete-chart-digest",
			after:  one("helm-push-chart"),
			want:   one("deleteImage charts/demo:0.1.0"),
			refs:   one("deleteChart charts/demo:0.1.0"),
		},
		{
			action: "oras-manifest-delete",
			after:  one("oras-push-artifact", "oras-tag"),
			want:   one("pullImage art/conf:v1", "deleteImage art/conf:latest,stable,v1"),
			refs:   one("pullArtifact art/conf:v1", "deleteArtifact art/conf:latest,stable,v1"),
		},
		{action: "curl-blob-delete", after: one("podman-push")},

		// Deletes of what nobody told us: only the tags themselves are known.
		{action: "crane-delete-digest-two-tags", want: one("deleteImage library/todelete:v1?", "deleteImage library/todelete:v2?")},
		{
			// The pull before taught one of the two tags.
			action: "crane-delete-digest-two-tags",
			after:  one("crane-config"),
			want:   one("deleteImage library/todelete:v1", "deleteImage library/todelete:v2?"),
		},
		{action: "crane-delete-chart-digest", want: one("deleteImage charts/demo:0.1.0?")},
		{action: "crane-delete-index-digest", want: one("deleteImage library/index:v1?")},
		{action: "crane-delete-tag", want: one("deleteImage library/appended:v3?")},
		{action: "curl-delete-tag", want: one("deleteImage library/b-oci:v1?")},
		{action: "curl-blob-delete"},
	}
}

func TestCapturedActionsRaiseTheirEvents(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob(filepath.Join(captures, "*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, c := range expectations() {
		if !slices.ContainsFunc(folders, func(folder string) bool { return captured(t, folder, append(c.after, c.action)) }) {
			t.Errorf("%s after %q: no folder has it", c.action, c.after)
		}
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			// Folders of the plain registries were captured without references.
			refs := strings.Contains(filepath.Base(folder), "-")
			covered := make(map[string]bool)
			for _, c := range expectations() {
				if !captured(t, folder, append(c.after, c.action)) {
					continue
				}
				covered[c.action+".json"] = true
				name := strings.Join(append([]string{c.action}, c.after...), " after ")
				t.Run(name, func(t *testing.T) { replayCapture(t, folder, c, refs) })
			}
			files, err := filepath.Glob(filepath.Join(folder, "*.json"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				if !covered[filepath.Base(file)] {
					t.Errorf("%s: no expectation", filepath.Base(file))
				}
			}
		})
	}
}

func captured(t *testing.T, folder string, actions []string) bool {
	t.Helper()
	for _, action := range actions {
		_, err := os.Stat(filepath.Join(folder, action+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return true
}

func replayCapture(t *testing.T, folder string, c capture, refs bool) {
	want := c.want
	if refs && c.refs != nil {
		want = c.refs
	}
	mem := newMemory()
	for _, before := range c.after {
		replay(t, mem, folder, before)
	}
	events := replay(t, mem, folder, c.action)
	got := []string{}
	for _, e := range events {
		got = append(got, summary(e))
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for _, e := range events {
		checkResources(t, e, refs)
	}
}

// checkResources checks that image ids are told as soon as the registry sends
// the references that tell them, and are never wrong otherwise.
func checkResources(t *testing.T, e hook.Event, refs bool) {
	t.Helper()
	for _, r := range e.Resources {
		index := r.ImageID != "" && r.Digest == "sha256:"+r.ImageID
		isImage := e.Type == hook.PushImage || e.Type == hook.PullImage || e.Type == hook.DeleteImage
		switch {
		case r.Digest == "", !isImage, !refs && !index:
			if r.ImageID != "" {
				t.Errorf("%s: image id %s out of nowhere", summary(e), r.ImageID)
			}
		case len(r.ImageID) != 64:
			t.Errorf("%s: image id %q", summary(e), r.ImageID)
		case refs && index:
			if len(r.Platforms) != 2 {
				t.Errorf("%s: %d platforms", summary(e), len(r.Platforms))
			}
		}
	}
}

// replay feeds the envelopes of one captured action to the memory and returns
// the events that they raised. Each envelope comes three times: the registry
// repeats what it is not sure was taken, before it was stored or after.
func replay(t *testing.T, mem *memory, folder, action string) []hook.Event {
	t.Helper()
	interpreter := registry.NewInterpreter(mem, projects{}, registry.WithCatalog(catalog()))
	var events []hook.Event
	for _, envelope := range readCapture(t, filepath.Join(folder, action+".json")) {
		first := interpret(t, interpreter, envelope)
		if diff := cmp.Diff(first, interpret(t, interpreter, envelope)); diff != "" {
			t.Fatalf("%s: repeated before it was stored (-first +second):\n%s", action, diff)
		}
		mem.learn(first.Facts)
		for _, e := range interpret(t, interpreter, envelope).Events {
			if !slices.ContainsFunc(first.Events, func(f hook.Event) bool { return f.ID == e.ID }) {
				t.Fatalf("%s: repeated after it was stored, raises the new event %s", action, e.ID)
			}
		}
		for _, e := range first.Events {
			checkSource(t, e, envelope)
		}
		events = append(events, first.Events...)
	}
	return events
}

// checkSource checks that the event says what the one of the registry said.
func checkSource(t *testing.T, e hook.Event, envelope []byte) {
	t.Helper()
	var in notifications.Envelope
	if err := json.Unmarshal(envelope, &in); err != nil {
		t.Fatal(err)
	}
	source := in.Events[0]
	if e.ID != source.ID || e.RequestID != source.Request.ID || e.Operator != source.Actor.Name || !e.OccurredAt.Equal(source.Timestamp) {
		t.Errorf("event %+v does not match its source %+v", e, source)
	}
	if e.Project+"/"+e.Repository != source.Target.Repository {
		t.Errorf("%s in %s, source says %s", e.Repository, e.Project, source.Target.Repository)
	}
	for _, r := range e.Resources {
		if source.Target.Digest != "" && r.Digest != source.Target.Digest.String() {
			t.Errorf("digest %s, source says %s", r.Digest, source.Target.Digest)
		}
		if source.Target.Tag != "" && r.Tag != source.Target.Tag {
			t.Errorf("tag %s, source says %s", r.Tag, source.Target.Tag)
		}
	}
}

// TestCapturedPushesSayWhatBecameOfTheirTag replays actions one after the other
// and looks at the pushes of the last one.
func TestCapturedPushesSayWhatBecameOfTheirTag(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"v2.8.3", "v2.8.3-refs"} {
		for name, tt := range map[string]struct {
			actions []string
			want    []hook.Change
		}{
			"a first push":               {[]string{"skopeo-push-tag-docker2"}, []hook.Change{hook.ChangeNew}},
			"the same push again":        {[]string{"skopeo-push-tag-docker2", "skopeo-push-same-again"}, []hook.Change{hook.ChangeSame}},
			"another tag of its digest":  {[]string{"skopeo-push-tag-docker2", "skopeo-retag-same-repo"}, []hook.Change{hook.ChangeNew}},
			"two pushes in one envelope": {[]string{"oras-push-same-again"}, []hook.Change{hook.ChangeNew, hook.ChangeSame}},
			"pushed again after a delete": {
				[]string{"skopeo-push-tag-docker2", "skopeo-delete-tag-ref-two-tags", "skopeo-push-same-again"},
				[]hook.Change{hook.ChangeNew},
			},
		} {
			mem := newMemory()
			var events []hook.Event
			for _, action := range tt.actions {
				events = replay(t, mem, filepath.Join(captures, folder), action)
			}
			var got []hook.Change
			for _, e := range events {
				for _, r := range e.Resources {
					if r.Change != hook.ChangeNone {
						got = append(got, r.Change)
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s in %s (-want +got):\n%s", name, folder, diff)
			}
		}
	}
}

func TestCapturedActorsAreTheOperators(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"v2.8.3-auth-htpasswd/skopeo-push-as-user":  "alice",
		"v2.8.3-auth-htpasswd/skopeo-push-as-robot": "robot$library+ci",
		"v2.8.3-auth-token/skopeo-pull-anonymous":   "",
		"v3.1.1-auth-token/skopeo-pull-as-user":     "alice",
		"v3.1.1-auth-token/skopeo-delete-as-user":   "alice",
		"v3.1.1-auth-token/skopeo-pull-anonymous":   "",
	}
	for file, want := range tests {
		for _, e := range replay(t, newMemory(), filepath.Join(captures, filepath.Dir(file)), filepath.Base(file)) {
			if e.Operator != want {
				t.Errorf("%s: operator %q, want %q", file, e.Operator, want)
			}
		}
	}
}

func readCapture(t testing.TB, file string) []json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var envelopes []json.RawMessage
	if err := json.Unmarshal(raw, &envelopes); err != nil {
		t.Fatal(err)
	}
	return envelopes
}

func interpret(t *testing.T, i *registry.Interpreter, envelope []byte) hook.Notification {
	t.Helper()
	in, err := registry.Decode(envelope)
	if err != nil {
		t.Fatal(err)
	}
	n, _, err := i.Interpret(t.Context(), in.Actions)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// referrers is the beginning of tags that name the digest they belong to.
var referrers = regexp.MustCompile(`sha256-[0-9a-f]{64}`)

// summary is the event as the tables write it, with a star for the digest in a tag.
func summary(e hook.Event) string {
	var tags []string
	unknown := ""
	for _, r := range e.Resources {
		tags = append(tags, referrers.ReplaceAllString(r.Tag, "sha256-*"))
		if r.Digest == "" {
			unknown = "?"
		}
	}
	return string(e.Type) + " " + e.Project + "/" + e.Repository + ":" + strings.Join(tags, ",") + unknown
}

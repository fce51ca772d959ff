package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
	ociConfig   = "application/vnd.oci.image.config.v1+json"
	ociLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
	schema2     = "application/vnd.docker.distribution.manifest.v2+json"
	helmConfig  = "application/vnd.cncf.helm.config.v1+json"
)

var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// catalog is shared: making one compiles its schemas.
var catalog = sync.OnceValue(event.DefaultCatalog)

// sha is a digest that ends in n.
func sha(n int) string { return fmt.Sprintf("sha256:%064x", n) }

func hexOf(digest string) string { return strings.TrimPrefix(digest, "sha256:") }

// at sets the time of an action to some seconds after noon.
func at(a registry.Action, seconds float64) registry.Action {
	a.Timestamp = noon.Add(time.Duration(seconds * float64(time.Second)))
	return a
}

func action(op registry.Op, tag, digest string) registry.Action {
	return registry.Action{
		Op: op, EventID: fmt.Sprintf("%s %s %s", op, tag, digest), Repository: "prj/repo", Tag: tag, Digest: digest,
		MediaType: schema2, Timestamp: noon, UserAgent: "docker", Client: "10.0.0.1", RequestID: "r-" + tag + digest,
	}
}

func push(tag, digest string, references ...registry.Reference) registry.Action {
	a := action(registry.OpPush, tag, digest)
	a.References = references
	return a
}

func config(digest string) registry.Reference {
	return registry.Reference{MediaType: "application/vnd.docker.container.image.v1+json", Digest: digest}
}

func child(digest, os, architecture string) registry.Reference {
	return registry.Reference{MediaType: ociManifest, Digest: digest, OS: os, Architecture: architecture}
}

func index(tag, digest string, children ...registry.Reference) registry.Action {
	a := push(tag, digest, children...)
	a.MediaType = ociIndex
	return a
}

func deleteDigest(digest, request string) registry.Action {
	a := action(registry.OpDeleteDigest, "", digest)
	a.MediaType, a.RequestID = "", request
	return a
}

func deleteTag(tag, request string) registry.Action {
	a := action(registry.OpDeleteTag, tag, "")
	a.MediaType, a.RequestID = "", request
	return a
}

// identified gives the action an id of its own, for one that happens twice.
func identified(a registry.Action, id string) registry.Action {
	a.EventID = id
	return a
}

// told feeds the memory one envelope for each action.
func told(t *testing.T, mem *memory, actions ...registry.Action) []hook.Event {
	t.Helper()
	var events []hook.Event
	for _, a := range actions {
		n, _ := interpreted(t, mem, a)
		events = append(events, n.Events...)
	}
	return events
}

// interpreted feeds the memory one envelope with all the actions.
func interpreted(t *testing.T, mem *memory, actions ...registry.Action) (hook.Notification, registry.Skipped) {
	t.Helper()
	i := registry.NewInterpreter(mem, projects{missing: []string{"nobody"}}, registry.WithCatalog(catalog()),
		registry.WithOwnUserAgents("harborhook/"), registry.WithClock(func() time.Time { return noon.Add(time.Minute) }))
	n, skipped, err := i.Interpret(t.Context(), actions)
	if err != nil {
		t.Fatal(err)
	}
	mem.learn(n.Facts)
	return n, skipped
}

func summaries(events []hook.Event) []string {
	out := []string{}
	for _, e := range events {
		out = append(out, summary(e))
	}
	return out
}

// TestActionsRaiseTheseEvents replays each list twice: one envelope for each
// action, and all in one envelope. The events must be the same.
func TestActionsRaiseTheseEvents(t *testing.T) {
	t.Parallel()
	chart := push("1.0.0", sha(1), registry.Reference{MediaType: helmConfig, Digest: sha(2)})
	chart.MediaType = ociManifest
	signature := "sha256-" + hexOf(sha(1)) + ".sig"
	head, get := action(registry.OpHead, "v1", sha(1)), action(registry.OpPull, "", sha(1))
	other := func(a registry.Action, change func(*registry.Action)) registry.Action {
		change(&a)
		return a
	}
	tests := []struct {
		name    string
		actions []registry.Action
		want    []string
	}{
		{"a tagged push", []registry.Action{push("v1", sha(1))}, []string{"pushImage prj/repo:v1"}},
		{"an untagged push", []registry.Action{push("", sha(1))}, nil},
		{
			"a push by digest, tagged afterwards",
			[]registry.Action{push("", sha(1)), push("v1", sha(1))},
			[]string{"pushImage prj/repo:v1"},
		},
		{
			"the same image pushed twice",
			[]registry.Action{push("v1", sha(1)), identified(push("v1", sha(1)), "again")},
			[]string{"pushImage prj/repo:v1", "pushImage prj/repo:v1"},
		},
		{
			"a multi-architecture push",
			[]registry.Action{push("", sha(1)), push("", sha(2)), index("v1", sha(3), child(sha(1), "", ""), child(sha(2), "", ""))},
			[]string{"pushImage prj/repo:v1"},
		},
		{"a chart", []registry.Action{chart}, []string{"uploadChart prj/repo:1.0.0"}},
		{
			"a chart's manifest pulled by a client that sends no references",
			[]registry.Action{chart, action(registry.OpPull, "1.0.0", sha(1))},
			[]string{"uploadChart prj/repo:1.0.0", "downloadChart prj/repo:1.0.0"},
		},
		{
			"a chart deleted",
			[]registry.Action{chart, deleteDigest(sha(1), "r")},
			[]string{"uploadChart prj/repo:1.0.0", "deleteChart prj/repo:1.0.0"},
		},
		{
			"a signature",
			[]registry.Action{push(signature, sha(5)), action(registry.OpPull, signature, sha(5)), deleteDigest(sha(5), "r"), deleteTag(signature, "r")},
			[]string{"pushArtifact prj/repo:sha256-*.sig", "pullArtifact prj/repo:sha256-*.sig", "deleteArtifact prj/repo:sha256-*.sig"},
		},
		{
			"an image that somebody tags like a signature stays one under its own tag",
			[]registry.Action{push("v1", sha(1)), push(signature, sha(1)), action(registry.OpPull, "v1", sha(1)), deleteDigest(sha(1), "r")},
			[]string{
				"pushImage prj/repo:v1", "pushArtifact prj/repo:sha256-*.sig", "pullImage prj/repo:v1",
				"deleteArtifact prj/repo:sha256-*.sig", "deleteImage prj/repo:v1",
			},
		},

		{"a pull by tag", []registry.Action{action(registry.OpPull, "v1", sha(1))}, []string{"pullImage prj/repo:v1"}},
		{"a pull by digest", []registry.Action{get}, nil},
		{"a HEAD alone", []registry.Action{head}, nil},
		{"a HEAD with tag, a GET by digest", []registry.Action{head, at(get, 0.1)}, []string{"pullImage prj/repo:v1"}},
		{"a GET as old as its HEAD", []registry.Action{head, get}, []string{"pullImage prj/repo:v1"}},
		{"a GET 10 s after its HEAD", []registry.Action{head, at(get, 10)}, []string{"pullImage prj/repo:v1"}},
		{"a GET later than 10 s after its HEAD", []registry.Action{head, at(get, 10.001)}, nil},
		{"a GET before the HEAD", []registry.Action{at(head, 1), get}, nil},
		{
			"another client",
			[]registry.Action{head, other(get, func(a *registry.Action) { a.Client = "10.0.0.2" })},
			nil,
		},
		{
			"another program",
			[]registry.Action{head, other(get, func(a *registry.Action) { a.UserAgent = "containerd" })},
			nil,
		},
		{
			"another repository",
			[]registry.Action{head, other(get, func(a *registry.Action) { a.Repository = "prj/other" })},
			nil,
		},
		{"a child of the index", []registry.Action{head, at(get, 0.1), at(action(registry.OpPull, "", sha(2)), 0.2)}, []string{"pullImage prj/repo:v1"}},
		{
			"one person pulls twice",
			[]registry.Action{
				head, at(get, 1), at(identified(head, "head 2"), 5), at(identified(get, "get 2"), 6),
			},
			[]string{"pullImage prj/repo:v1", "pullImage prj/repo:v1"},
		},
		{
			"one person pulls two tags of one manifest",
			[]registry.Action{
				head, at(get, 1), at(action(registry.OpHead, "v2", sha(1)), 5), at(identified(get, "get 2"), 6),
			},
			[]string{"pullImage prj/repo:v1", "pullImage prj/repo:v2"},
		},
		{
			// Each GET is a pull; the HEAD only names its tag.
			"one HEAD and two GETs",
			[]registry.Action{head, at(get, 1), at(identified(get, "get 2"), 2)},
			[]string{"pullImage prj/repo:v1", "pullImage prj/repo:v1"},
		},
		{
			"a pull of our own",
			[]registry.Action{other(action(registry.OpPull, "v1", sha(1)), func(a *registry.Action) { a.UserAgent = "harborhook/1.0" })},
			nil,
		},

		{
			"a delete by digest, with its tags' deletes",
			[]registry.Action{push("v1", sha(1)), push("v2", sha(1)), deleteDigest(sha(1), "r"), deleteTag("v2", "r"), deleteTag("v1", "r")},
			[]string{"pushImage prj/repo:v1", "pushImage prj/repo:v2", "deleteImage prj/repo:v1,v2"},
		},
		{
			"a tag that had moved away is not named",
			[]registry.Action{push("v1", sha(1)), push("v2", sha(1)), push("v2", sha(2)), deleteDigest(sha(1), "r")},
			[]string{"pushImage prj/repo:v1", "pushImage prj/repo:v2", "pushImage prj/repo:v2", "deleteImage prj/repo:v1"},
		},
		{
			"deletes without request id",
			[]registry.Action{push("v1", sha(1)), deleteDigest(sha(1), ""), deleteTag("v1", "")},
			[]string{"pushImage prj/repo:v1", "deleteImage prj/repo:v1"},
		},
		{"a delete of a digest that nobody knows", []registry.Action{deleteDigest(sha(1), "r")}, nil},
		{"a delete of an untagged manifest", []registry.Action{push("", sha(1)), deleteDigest(sha(1), "r")}, nil},
		{
			"a delete repeated by another request",
			[]registry.Action{push("v1", sha(1)), deleteDigest(sha(1), "r"), identified(deleteDigest(sha(1), "s"), "again")},
			[]string{"pushImage prj/repo:v1", "deleteImage prj/repo:v1"},
		},
		{
			"a delete of a tag alone",
			[]registry.Action{push("v1", sha(1)), push("v2", sha(1)), deleteTag("v1", "r")},
			[]string{"pushImage prj/repo:v1", "pushImage prj/repo:v2", "deleteImage prj/repo:v1"},
		},
		{
			"a delete of a tag alone leaves the manifest with its other tags",
			[]registry.Action{push("v1", sha(1)), push("v2", sha(1)), deleteTag("v1", "r"), deleteDigest(sha(1), "s")},
			[]string{"pushImage prj/repo:v1", "pushImage prj/repo:v2", "deleteImage prj/repo:v1", "deleteImage prj/repo:v2"},
		},
		{"a delete of a tag that nobody knows", []registry.Action{deleteTag("v1", "r")}, []string{"deleteImage prj/repo:v1?"}},
		{
			"a delete of a signature's tag that nobody knows",
			[]registry.Action{deleteTag(signature, "r")},
			[]string{"deleteArtifact prj/repo:sha256-*.sig?"},
		},
		{
			"a tag pushed and deleted again",
			[]registry.Action{
				push("v1", sha(1)), deleteTag("v1", "r"), push("v1", sha(2)), identified(deleteTag("v1", "s"), "again"),
			},
			[]string{"pushImage prj/repo:v1", "deleteImage prj/repo:v1", "pushImage prj/repo:v1", "deleteImage prj/repo:v1"},
		},
		{
			"a tag deleted twice, with a push between that nobody told",
			[]registry.Action{push("v1", sha(1)), deleteTag("v1", "r"), identified(deleteTag("v1", "s"), "again")},
			[]string{"pushImage prj/repo:v1", "deleteImage prj/repo:v1", "deleteImage prj/repo:v1?"},
		},
		{
			"a pull teaches what a delete needs",
			[]registry.Action{action(registry.OpPull, "v1", sha(1)), deleteDigest(sha(1), "r")},
			[]string{"pullImage prj/repo:v1", "deleteImage prj/repo:v1"},
		},
		{
			"a late pull neither moves a tag nor brings it back",
			[]registry.Action{
				push("v1", sha(1)), push("v1", sha(2)), action(registry.OpPull, "v1", sha(1)), deleteDigest(sha(2), "r"),
				identified(action(registry.OpPull, "v1", sha(2)), "late"), identified(deleteDigest(sha(2), "s"), "again"),
			},
			[]string{
				"pushImage prj/repo:v1", "pushImage prj/repo:v1", "pullImage prj/repo:v1", "deleteImage prj/repo:v1",
				"pullImage prj/repo:v1",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := append([]string{}, tt.want...)
			apart := newMemory()
			if diff := cmp.Diff(want, summaries(told(t, apart, tt.actions...))); diff != "" {
				t.Errorf("one envelope each (-want +got):\n%s", diff)
			}
			together := newMemory()
			n, _ := interpreted(t, together, tt.actions...)
			if diff := cmp.Diff(want, summaries(n.Events)); diff != "" {
				t.Errorf("one envelope for all (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(apart.manifests, together.manifests); diff != "" {
				t.Errorf("manifests remembered (-apart +together):\n%s", diff)
			}
			if diff := cmp.Diff(apart.tags, together.tags); diff != "" {
				t.Errorf("tags remembered (-apart +together):\n%s", diff)
			}
		})
	}
}

// TestADeleteOfImageAndSignatureIsTwoEventsOfTwoIDs: the registry gave one id,
// under which only one of them could be stored.
func TestADeleteOfImageAndSignatureIsTwoEventsOfTwoIDs(t *testing.T) {
	t.Parallel()
	signature := "sha256-" + hexOf(sha(7))
	events := told(t, newMemory(), push("v1", sha(1)), push(signature, sha(1)), identified(deleteDigest(sha(1), "r"), "d"))
	got := map[hook.EventType]string{}
	for _, e := range events[2:] {
		got[e.Type] = e.ID
	}
	if diff := cmp.Diff(map[hook.EventType]string{hook.DeleteImage: "d", hook.DeleteArtifact: "d/artifact"}, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

func TestAnArtifactHasNoImageID(t *testing.T) {
	t.Parallel()
	sbom := push("v1", sha(1), config(sha(9)), registry.Reference{MediaType: "text/spdx+json", Digest: sha(8)})
	signature := push("sha256-"+hexOf(sha(7))+".sig", sha(2), config(sha(9)))
	for _, e := range told(t, newMemory(), sbom, signature) {
		if e.Type != hook.PushArtifact || e.Resources[0].ImageID != "" {
			t.Errorf("%s has image id %q", summary(e), e.Resources[0].ImageID)
		}
	}
}

func TestAPushSaysWhatBecameOfItsTag(t *testing.T) {
	t.Parallel()
	v1, again := push("v1", sha(1)), identified(push("v1", sha(1)), "again")
	for name, tt := range map[string]struct {
		before []registry.Action
		want   hook.Change
	}{
		"nobody heard of the tag":             {nil, hook.ChangeNew},
		"another tag has the digest":          {[]registry.Action{push("v2", sha(1))}, hook.ChangeNew},
		"the tag of another repository":       {[]registry.Action{elsewhere(v1)}, hook.ChangeNew},
		"it pointed there":                    {[]registry.Action{v1}, hook.ChangeSame},
		"it pointed elsewhere":                {[]registry.Action{push("v1", sha(2))}, hook.ChangeMoved},
		"it pointed there once":               {[]registry.Action{v1, push("v1", sha(2))}, hook.ChangeMoved},
		"its manifest was deleted":            {[]registry.Action{v1, deleteDigest(sha(1), "r")}, hook.ChangeNew},
		"it was deleted alone":                {[]registry.Action{v1, deleteTag("v1", "r")}, hook.ChangeNew},
		"a pull told where it points":         {[]registry.Action{action(registry.OpPull, "v1", sha(1))}, hook.ChangeSame},
		"a delete told that it was somewhere": {[]registry.Action{deleteTag("v1", "r")}, hook.ChangeNew},
	} {
		mem := newMemory()
		told(t, mem, tt.before...)
		n, _ := interpreted(t, mem, again)
		if got := n.Events[0].Resources[0].Change; got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func elsewhere(a registry.Action) registry.Action {
	a.Repository = "prj/elsewhere"
	return a
}

func TestEventSaysWhoDidWhatWhere(t *testing.T) {
	t.Parallel()
	a := push("v1", sha(1), config(sha(9)))
	a.Repository, a.Actor = "public/team/repo", "alice"
	n, _ := interpreted(t, newMemory(), a)
	want := []hook.Event{{
		ID: a.EventID, Type: hook.PushImage, ProjectID: 6, Project: "public", Public: true, Repository: "team/repo",
		Resources:  []hook.Resource{{Tag: "v1", Digest: sha(1), ImageID: hexOf(sha(9)), Change: hook.ChangeNew}},
		OccurredAt: noon, Operator: "alice", RequestID: a.RequestID,
	}}
	if diff := cmp.Diff(want, n.Events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	facts := []hook.Fact{
		{Manifest: &hook.Manifest{
			Repository: "public/team/repo", Digest: sha(1), MediaType: schema2, Kind: hook.KindImage, ConfigDigest: sha(9),
		}},
		{Tag: &hook.Tag{Repository: "public/team/repo", Name: "v1", Digest: sha(1)}},
	}
	if diff := cmp.Diff(facts, n.Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestIndexListsItsPlatformsWithTheirImageIDs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		children []registry.Reference
		want     []hook.Platform
	}{
		{
			"2.8 tells no platform",
			[]registry.Reference{child(sha(1), "", ""), child(sha(2), "", "")},
			[]hook.Platform{{Digest: sha(1), ImageID: hexOf(sha(11))}, {Digest: sha(2), ImageID: hexOf(sha(12))}},
		},
		{
			"3.x does",
			[]registry.Reference{child(sha(1), "linux", "amd64"), {MediaType: ociManifest, Digest: sha(2), OS: "linux", Architecture: "arm", Variant: "v7"}},
			[]hook.Platform{
				{OS: "linux", Architecture: "amd64", Digest: sha(1), ImageID: hexOf(sha(11))},
				{OS: "linux", Architecture: "arm", Variant: "v7", Digest: sha(2), ImageID: hexOf(sha(12))},
			},
		},
		{
			"a child that nobody told of has no image id",
			[]registry.Reference{child(sha(1), "linux", "amd64"), child(sha(3), "linux", "s390x")},
			[]hook.Platform{
				{OS: "linux", Architecture: "amd64", Digest: sha(1), ImageID: hexOf(sha(11))},
				{OS: "linux", Architecture: "s390x", Digest: sha(3)},
			},
		},
		{
			"an attestation is no platform",
			[]registry.Reference{child(sha(1), "linux", "amd64"), child(sha(2), "unknown", "unknown"), child(sha(4), "", "")},
			[]hook.Platform{{OS: "linux", Architecture: "amd64", Digest: sha(1), ImageID: hexOf(sha(11))}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mem := newMemory()
			attestation := push("", sha(4), config(sha(14)), registry.Reference{MediaType: "application/vnd.in-toto+json", Digest: sha(15)})
			events := told(t, mem,
				push("", sha(1), config(sha(11))), push("", sha(2), config(sha(12))), attestation,
				index("v1", sha(3), tt.children...))
			if len(events) != 1 {
				t.Fatalf("events %v", summaries(events))
			}
			want := []hook.Resource{{Tag: "v1", Digest: sha(3), ImageID: hexOf(sha(3)), Change: hook.ChangeNew, Platforms: tt.want}}
			if diff := cmp.Diff(want, events[0].Resources); diff != "" {
				t.Errorf("push (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatWasKnownOfAnIndexIsNotForgotten(t *testing.T) {
	t.Parallel()
	pull := action(registry.OpPull, "v1", sha(3))
	pull.MediaType = ociIndex
	again := identified(index("v2", sha(3)), "pushed again, without references")
	again28 := identified(index("v3", sha(3), child(sha(1), "", "")), "pushed again, without platforms")
	events := told(t, newMemory(), push("", sha(1), config(sha(11))), index("v1", sha(3), child(sha(1), "linux", "amd64")), pull, again, again28,
		deleteDigest(sha(3), "r"))
	want := []hook.Platform{{OS: "linux", Architecture: "amd64", Digest: sha(1), ImageID: hexOf(sha(11))}}
	for _, e := range events {
		for _, r := range e.Resources {
			if diff := cmp.Diff(want, r.Platforms); diff != "" {
				t.Errorf("%s (-want +got):\n%s", summary(e), diff)
			}
		}
	}
	if len(events) != 5 {
		t.Errorf("events %v", summaries(events))
	}
}

func TestAnIndexKeepsTheImageIDsOfChildrenThatAreGone(t *testing.T) {
	t.Parallel()
	events := told(t, newMemory(), push("", sha(1), config(sha(11))), index("v1", sha(3), child(sha(1), "linux", "amd64")),
		deleteDigest(sha(1), "r"), index("v2", sha(3), child(sha(1), "linux", "amd64")))
	last := events[len(events)-1]
	want := []hook.Platform{{OS: "linux", Architecture: "amd64", Digest: sha(1), ImageID: hexOf(sha(11))}}
	if diff := cmp.Diff(want, last.Resources[0].Platforms); diff != "" {
		t.Errorf("%s (-want +got):\n%s", summary(last), diff)
	}
}

func TestAnIndexTellsABoundedNumberOfPlatforms(t *testing.T) {
	t.Parallel()
	var children []registry.Reference
	for n := range 19_000 {
		children = append(children, child(sha(n), "linux", "amd64"))
	}
	n, _ := interpreted(t, newMemory(), index("v1", sha(20_000), children...))
	if got := len(n.Events[0].Resources[0].Platforms); got != 256 {
		t.Errorf("%d platforms", got)
	}
}

func TestDeletesTellWhatTheMemoryKnew(t *testing.T) {
	t.Parallel()
	for _, gone := range []registry.Action{deleteTag("v1", "r"), deleteDigest(sha(1), "r")} {
		t.Run(string(gone.Op), func(t *testing.T) {
			t.Parallel()
			mem := newMemory()
			events := told(t, mem, push("v1", sha(1), config(sha(9))), gone)
			want := []hook.Resource{{Tag: "v1", Digest: sha(1), ImageID: hexOf(sha(9))}}
			if diff := cmp.Diff(want, events[1].Resources); diff != "" {
				t.Errorf("resources (-want +got):\n%s", diff)
			}
			_, known := mem.manifests[hook.ManifestRef{Repository: "prj/repo", Digest: sha(1)}]
			if known != (gone.Op == registry.OpDeleteTag) {
				t.Errorf("manifest known: %v", known)
			}
			if got := mem.tags[[2]string{"prj/repo", "v1"}]; got.DeletedBy != "r" || got.Digest != sha(1) {
				t.Errorf("tag remembered as %+v", got)
			}
		})
	}
}

func TestUselessActionsAreCounted(t *testing.T) {
	t.Parallel()
	foreign := push("v1", sha(1))
	foreign.Repository = "nobody/repo"
	own := action(registry.OpPull, "v1", sha(1))
	own.UserAgent = "harborhook/1.2.3"
	known := push("", sha(7))
	tests := []struct {
		name   string
		action registry.Action
		want   registry.Reason
	}{
		{"a project that does not exist", foreign, registry.ReasonUnknownProject},
		{"our own pull", own, registry.ReasonOwnPull},
		{"a HEAD by digest", action(registry.OpHead, "", sha(1)), registry.ReasonHeadWithoutTag},
		{"a pull by digest of a known manifest", action(registry.OpPull, "", sha(7)), registry.ReasonPullByDigest},
		{"a delete of what may be a blob", deleteDigest(sha(1), "r"), registry.ReasonUnknownDigest},
		{"an operation that does not exist", action("untag", "v1", sha(1)), registry.ReasonUnknownAction},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mem := newMemory()
			told(t, mem, known)
			n, skipped := interpreted(t, mem, tt.action)
			if diff := cmp.Diff(registry.Skipped{tt.want: 1}, skipped); diff != "" {
				t.Errorf("skipped (-want +got):\n%s", diff)
			}
			if len(n.Events)+len(n.Facts) != 0 {
				t.Errorf("skipped, yet it says %+v", n)
			}
		})
	}
}

func TestTimestampsThatCannotBeAreReplaced(t *testing.T) {
	t.Parallel()
	received := noon.Add(time.Minute) // as interpreted says
	tests := []struct {
		name string
		in   time.Time
		want time.Time
	}{
		{"in another zone", noon.In(time.FixedZone("CET", 3600)), noon},
		{"a week old", noon.AddDate(0, 0, -7), noon.AddDate(0, 0, -7)},
		{"a registry whose clock is ahead", noon.Add(time.Hour), noon.Add(time.Hour)},
		{"missing", time.Time{}, received},
		{"before there were registries", time.Unix(0, 0), received},
		{"in the year 10000", time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), received},
		{"in two days", noon.AddDate(0, 0, 2), received},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := push("v1", sha(1))
			a.Timestamp = tt.in
			n, _ := interpreted(t, newMemory(), a)
			if got := n.Events[0].OccurredAt; got != tt.want {
				t.Errorf("occurred at %v, want %v", got, tt.want)
			}
		})
	}
}

func TestEventIDsAreUniqueAndStable(t *testing.T) {
	t.Parallel()
	nameless := identified(push("v1", sha(1)), "")
	timeless := at(nameless, 0)
	timeless.Timestamp = time.Time{}
	long := identified(push("v1", sha(1)), strings.Repeat("x", 5000))
	tests := []struct {
		name    string
		actions []registry.Action
		events  int
	}{
		{"no id", []registry.Action{nameless}, 1},
		{"no id, no time", []registry.Action{timeless}, 1},
		{"no ids, different content", []registry.Action{nameless, identified(push("v2", sha(1)), "")}, 2},
		{"no ids, different times", []registry.Action{nameless, at(nameless, 1)}, 2},
		{"no ids, same content", []registry.Action{nameless, nameless}, 1},
		{"one id, different content", []registry.Action{identified(push("v1", sha(1)), "x"), identified(push("v2", sha(1)), "x"), identified(push("v3", sha(1)), "x")}, 3},
		{"one id, same content", []registry.Action{identified(push("v1", sha(1)), "x"), identified(push("v1", sha(1)), "x")}, 1},
		{"one id, contents in turn", []registry.Action{
			identified(push("v1", sha(1)), "x"), identified(push("v2", sha(1)), "x"),
			identified(push("v1", sha(1)), "x"), identified(push("v2", sha(1)), "x"),
		}, 2},
		{"an id too long to store", []registry.Action{long}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ids := func(mem *memory) []string {
				n, skipped := interpreted(t, mem, tt.actions...)
				var out []string
				for _, e := range n.Events {
					if e.ID == "" || len(e.ID) > 128 || slices.Contains(out, e.ID) {
						t.Errorf("id %q beside %q", e.ID, out)
					}
					out = append(out, e.ID)
				}
				if got := skipped[registry.ReasonRepeated]; got != len(tt.actions)-tt.events {
					t.Errorf("%d repetitions", got)
				}
				return out
			}
			mem := newMemory()
			first := ids(mem)
			if len(first) != tt.events {
				t.Errorf("%d events, want %d", len(first), tt.events)
			}
			if diff := cmp.Diff(first, ids(mem)); diff != "" {
				t.Errorf("repeated envelope (-first +second):\n%s", diff)
			}
		})
	}
}

func TestTheFirstEventOfAnIDKeepsIt(t *testing.T) {
	t.Parallel()
	n, _ := interpreted(t, newMemory(), identified(push("v1", sha(1)), "x"), identified(push("v2", sha(1)), "x"))
	if n.Events[0].ID != "x" || n.Events[1].ID == "x" {
		t.Errorf("ids %q and %q", n.Events[0].ID, n.Events[1].ID)
	}
}

func TestFailingLookUpsAreErrors(t *testing.T) {
	t.Parallel()
	broken := fmt.Errorf("read: %w", hook.ErrUnavailable)
	for _, a := range []registry.Action{
		push("v1", sha(1)), action(registry.OpPull, "v1", sha(1)), action(registry.OpPull, "", sha(1)),
		deleteDigest(sha(1), "r"), deleteTag("v1", "r"),
	} {
		mem := newMemory()
		mem.err = broken
		n, _, err := registry.NewInterpreter(mem, projects{}).Interpret(t.Context(), []registry.Action{a})
		if !errors.Is(err, hook.ErrUnavailable) || len(n.Events)+len(n.Facts) != 0 {
			t.Errorf("%s: %+v, error %v", a.Op, n, err)
		}
		_, _, err = registry.NewInterpreter(newMemory(), projects{err: broken}).Interpret(t.Context(), []registry.Action{a})
		if !errors.Is(err, hook.ErrUnavailable) {
			t.Errorf("%s without projects: error %v", a.Op, err)
		}
	}
}

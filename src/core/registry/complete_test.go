package registry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

// shelf holds manifests by digest, and keeps what was read.
type shelf struct {
	contents map[string]registry.Content
	read     []string
}

func (s *shelf) Manifest(_ context.Context, repository, digest string) (registry.Content, error) {
	s.read = append(s.read, repository+"@"+digest[len(digest)-1:])
	c, ok := s.contents[digest]
	if !ok {
		return registry.Content{}, hook.ErrNotFound
	}
	return c, nil
}

func content(mediaType, format string, args ...any) registry.Content {
	return registry.Content{MediaType: mediaType, Body: fmt.Appendf(nil, format, args...)}
}

// looking is an interpreter that leaves events incomplete.
func looking(mem *memory) *registry.Interpreter {
	return registry.NewInterpreter(mem, projects{}, registry.WithLookUp(), registry.WithRecovery(), registry.WithClock(func() time.Time { return noon.Add(time.Minute) }))
}

func interpretedBy(t *testing.T, i *registry.Interpreter, mem *memory, actions ...registry.Action) (hook.Notification, registry.Skipped) {
	t.Helper()
	n, skipped, err := i.Interpret(t.Context(), actions)
	if err != nil {
		t.Fatal(err)
	}
	mem.learn(n.Facts)
	return n, skipped
}

func oci(a registry.Action) registry.Action {
	a.MediaType = ociManifest
	return a
}

func TestOnlyWhatNobodyDescribedIsIncomplete(t *testing.T) {
	t.Parallel()
	signature := fmt.Sprintf("sha256-%064x.sig", 1)
	cases := []struct {
		name   string
		before []registry.Action
		action registry.Action
		want   bool
	}{
		{"an OCI manifest without references", nil, oci(push("v1", sha(1))), true},
		{"a schema 2 manifest without references", nil, push("v1", sha(1)), true},
		{"an index without references", nil, index("v1", sha(1)), true},
		{"an index without platforms", nil, index("v1", sha(1), child(sha(2), "", "")), true},
		{"a pull of what nobody described", nil, action(registry.OpPull, "v1", sha(1)), true},
		{"an image", nil, push("v1", sha(1), config(sha(2))), false},
		{"an index", nil, index("v1", sha(1), child(sha(2), "linux", "amd64")), false},
		{"a chart", nil, oci(push("v1", sha(1), registry.Reference{MediaType: helmConfig, Digest: sha(2)})), false},
		{"what was described before", []registry.Action{push("v1", sha(1), config(sha(2)))}, push("v2", sha(1)), false},
		{"a signature by its tag", nil, oci(push(signature, sha(1))), false},
		{"a deletion", []registry.Action{oci(push("v1", sha(1)))}, deleteDigest(sha(1), "r"), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mem := newMemory()
			interpretedBy(t, looking(mem), mem, c.before...)
			n, _ := interpretedBy(t, looking(mem), mem, c.action)
			for _, e := range n.Events {
				if e.Incomplete != c.want {
					t.Errorf("%s is incomplete: %v", e.Type, e.Incomplete)
				}
			}
			if len(n.Events) == 0 && c.want {
				t.Error("no event")
			}
			without, _ := interpreted(t, newMemory(), c.action)
			for _, e := range without.Events {
				if e.Incomplete {
					t.Error("it is incomplete although nobody would complete it")
				}
			}
		})
	}
}

func TestAnEventIsCompletedFromItsManifest(t *testing.T) {
	t.Parallel()
	image := content(ociManifest, `{"config":{"mediaType":%q,"digest":%q},"layers":[{"mediaType":%q,"digest":%q}]}`, ociConfig, sha(2), ociLayer, sha(3))
	chart := content(ociManifest, `{"config":{"mediaType":%q,"digest":%q},"layers":[]}`, helmConfig, sha(2))
	list := content(ociIndex, `{"manifests":[{"mediaType":%q,"digest":%q,"platform":{"os":"linux","architecture":"arm64","variant":"v8"}}]}`, ociManifest, sha(4))
	cases := []struct {
		name     string
		action   registry.Action
		contents map[string]registry.Content
		typ      hook.EventType
		want     hook.Resource
	}{
		{
			"an image", oci(push("v1", sha(1))),
			map[string]registry.Content{sha(1): image},
			hook.PushImage,
			hook.Resource{Tag: "v1", Digest: sha(1), ImageID: hexOf(sha(2))},
		},
		{
			"what looked like an image is a chart", oci(push("v1", sha(1))),
			map[string]registry.Content{sha(1): chart},
			hook.UploadChart,
			hook.Resource{Tag: "v1", Digest: sha(1)},
		},
		{
			"the pull of a chart", oci(action(registry.OpPull, "v1", sha(1))),
			map[string]registry.Content{sha(1): chart},
			hook.DownloadChart,
			hook.Resource{Tag: "v1", Digest: sha(1)},
		},
		{
			"an index with its images", index("v1", sha(1)),
			map[string]registry.Content{sha(1): list, sha(4): image},
			hook.PushImage,
			hook.Resource{Tag: "v1", Digest: sha(1), ImageID: hexOf(sha(1)), Platforms: []hook.Platform{
				{OS: "linux", Architecture: "arm64", Variant: "v8", Digest: sha(4), ImageID: hexOf(sha(2))},
			}},
		},
		{
			"an index whose images are gone", index("v1", sha(1)),
			map[string]registry.Content{sha(1): list},
			hook.PushImage,
			hook.Resource{Tag: "v1", Digest: sha(1), ImageID: hexOf(sha(1)), Platforms: []hook.Platform{
				{OS: "linux", Architecture: "arm64", Variant: "v8", Digest: sha(4)},
			}},
		},
		{"what cannot be read goes on", oci(push("v1", sha(1))), nil, hook.PushImage, hook.Resource{Tag: "v1", Digest: sha(1)}},
		{
			"what is no manifest goes on", oci(push("v1", sha(1))),
			map[string]registry.Content{sha(1): content("text/html", "<html>")},
			hook.PushImage,
			hook.Resource{Tag: "v1", Digest: sha(1)},
		},
		{
			"what cannot be parsed goes on", oci(push("v1", sha(1))),
			map[string]registry.Content{sha(1): content(ociManifest, `{"layers":{}}`)},
			hook.PushImage,
			hook.Resource{Tag: "v1", Digest: sha(1)},
		},
		{
			"a manifest without configuration goes on", oci(push("v1", sha(1))),
			map[string]registry.Content{sha(1): content(ociManifest, `{}`)},
			hook.PushImage,
			hook.Resource{Tag: "v1", Digest: sha(1)},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mem := newMemory()
			accepted, _ := interpretedBy(t, looking(mem), mem, c.action)
			want := accepted.Events[0]
			n, err := looking(mem).Complete(t.Context(), want, &shelf{contents: c.contents})
			if err != nil {
				t.Fatal(err)
			}
			if c.action.Op == registry.OpPush {
				c.want.Change = hook.ChangeNew
			}
			want.Incomplete, want.Type, want.Resources = false, c.typ, []hook.Resource{c.want}
			if diff := cmp.Diff([]hook.Event{want}, n.Events); diff != "" {
				t.Errorf("completed (-want +got):\n%s", diff)
			}
			for _, f := range n.Facts {
				if f.Manifest == nil {
					t.Errorf("completing an event teaches %+v", f)
				}
			}
			mem.learn(n.Facts)
			again := c.action
			again.EventID, again.Op = "again", registry.OpPull
			next, _ := interpretedBy(t, looking(mem), mem, again)
			if described := len(n.Facts) > 0; next.Events[0].Incomplete == described {
				t.Errorf("the next event is incomplete: %v", next.Events[0].Incomplete)
			}
		})
	}
}

func TestWhatWasDescribedMeanwhileIsNotRead(t *testing.T) {
	t.Parallel()
	mem, s := newMemory(), &shelf{}
	n, _ := interpretedBy(t, looking(mem), mem, push("v1", sha(1)))
	interpretedBy(t, looking(mem), mem, push("v2", sha(1), config(sha(2))))
	got, err := looking(mem).Complete(t.Context(), n.Events[0], s)
	if err != nil || got.Events[0].Resources[0].ImageID != hexOf(sha(2)) || len(s.read) > 0 {
		t.Errorf("%+v, %v, read %v", got.Events, err, s.read)
	}
}

func TestALostMemoryIsNoReasonToGoOnWithout(t *testing.T) {
	t.Parallel()
	mem := newMemory()
	n, _ := interpretedBy(t, looking(mem), mem, push("v1", sha(1)))
	mem.err = errors.New("lost")
	if _, err := looking(mem).Complete(t.Context(), n.Events[0], &shelf{}); !errors.Is(err, mem.err) {
		t.Errorf("error %v", err)
	}
}

func recovered(a registry.Action, seconds float64) registry.Action {
	a = at(a, seconds)
	a.EventID, a.Recovered = "recovered "+a.EventID, true
	return a
}

func TestARegistryThatTellsLateIsNotHeardTwice(t *testing.T) {
	t.Parallel()
	one, two := push("v1", sha(1), config(sha(9))), push("v1", sha(2), config(sha(9)))
	cases := []struct {
		name    string
		actions []registry.Action
		raised  int // events of the last action
		now     string
	}{
		{"what was recovered", []registry.Action{recovered(one, 10), at(one, 5)}, 0, sha(1)},
		{"what happened after the recovery", []registry.Action{recovered(one, 10), at(one, 11)}, 1, sha(1)},
		{"what happened before it, to something else", []registry.Action{recovered(two, 10), at(one, 5)}, 1, sha(2)},
		{"and then what was recovered", []registry.Action{recovered(two, 10), at(one, 5), at(two, 6)}, 0, sha(2)},
		{"what was told, and not recovered", []registry.Action{at(one, 10), identified(at(one, 5), "again")}, 1, sha(1)},
		{
			"a deletion that was recovered",
			[]registry.Action{at(one, 1), recovered(deleteDigest(sha(1), "x"), 10), at(deleteDigest(sha(1), "r"), 5)},
			0, "",
		},
		{
			"a tag whose deletion was recovered",
			[]registry.Action{at(one, 1), recovered(deleteDigest(sha(1), "x"), 10), at(deleteTag("v1", "r"), 5)},
			0, "",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mem := newMemory()
			var n hook.Notification
			for _, a := range c.actions {
				n, _ = interpretedBy(t, looking(mem), mem, a)
				for _, e := range n.Events {
					if e.Recovered != a.Recovered {
						t.Errorf("%s is recovered: %v", e.ID, e.Recovered)
					}
				}
			}
			if len(n.Events) != c.raised {
				t.Errorf("raised %v, want %d", summaries(n.Events), c.raised)
			}
			tag := mem.tags[[2]string{"prj/repo", "v1"}]
			if tag.DeletedBy != "" {
				tag.Digest = ""
			}
			if tag.Digest != c.now {
				t.Errorf("the tag points at %q, want %q", tag.Digest, c.now)
			}
		})
	}
}

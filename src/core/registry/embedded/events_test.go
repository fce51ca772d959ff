package embedded

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/docker/distribution"
	"github.com/docker/distribution/notifications"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go/v1"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// fixed checks what differs from run to run and removes it.
func fixed(t *testing.T, h *harness, e notifications.Event) notifications.Event {
	t.Helper()
	if e.ID == "" || e.Request.ID == "" || e.Request.Addr == "" {
		t.Errorf("event without id, request id or address: %+v", e)
	}
	if age := time.Since(e.Timestamp); age < 0 || age > time.Minute {
		t.Errorf("event is %s old", age)
	}
	if got := e.Source; got.Addr != "embedded" || got.InstanceID != h.registry.instance {
		t.Errorf("source is %+v", got)
	}
	e.ID, e.Timestamp, e.Source = "", time.Time{}, notifications.SourceRecord{}
	e.Request.ID, e.Request.Addr, e.Request.Host = "", "", ""
	return e
}

// manifestEvent is what an event of a pushed or pulled image looks like.
func manifestEvent(t *testing.T, action, method, user, repository, tag string, img v1.Image) notifications.Event {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	size, err := img.Size()
	if err != nil {
		t.Fatal(err)
	}
	var e notifications.Event
	e.Action = action
	e.Actor.Name = user
	e.Request.Method = method
	e.Request.UserAgent = "test"
	e.Target.MediaType = string(m.MediaType)
	e.Target.Digest = digest.Digest(digestText(t, img))
	e.Target.Size, e.Target.Length = size, size
	e.Target.Repository = repository
	e.Target.Tag = tag
	e.Target.URL = "/v2/" + repository + "/manifests/" + digestText(t, img)
	for _, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		e.Target.References = append(e.Target.References, distribution.Descriptor{
			MediaType: string(d.MediaType), Size: d.Size, Digest: digest.Digest(d.Digest.String()),
		})
	}
	return e
}

// clientless drops what the library's own user agent adds.
func clientless(e notifications.Event) notifications.Event {
	e.Request.UserAgent = "test"
	return e
}

func TestAPushByTagRaisesOneCompleteEvent(t *testing.T) {
	t.Parallel()
	for _, mediaType := range []types.MediaType{types.DockerManifestSchema2, types.OCIManifestSchema1} {
		h := start(t)
		img := mutate.MediaType(image(t), mediaType)
		h.write(t, "prj/deep/app:v1", img)
		events := h.ledger.take()
		if len(events) != 1 {
			t.Fatalf("%s: %d events", mediaType, len(events))
		}
		want := manifestEvent(t, "push", http.MethodPut, "admin", "prj/deep/app", "v1", img)
		if diff := cmp.Diff(want, clientless(fixed(t, h, events[0]))); diff != "" {
			t.Errorf("%s: %s", mediaType, diff)
		}
	}
}

func TestAPushByDigestRaisesAnEventWithoutTag(t *testing.T) {
	t.Parallel()
	h := start(t)
	img := image(t)
	h.write(t, "prj/app@"+digestText(t, img), img)
	events := h.ledger.take()
	if len(events) != 1 || events[0].Target.Tag != "" || events[0].Target.Digest.String() != digestText(t, img) {
		t.Errorf("got %+v", events)
	}
}

func TestAnIndexTellsThePlatformsOfItsChildren(t *testing.T) {
	t.Parallel()
	for _, mediaType := range []types.MediaType{types.DockerManifestList, types.OCIImageIndex} {
		h := start(t)
		platforms := []*v1.Platform{
			{OS: "linux", Architecture: "amd64"},
			{OS: "linux", Architecture: "arm", Variant: "v7"},
			nil,
		}
		index := mutate.IndexMediaType(empty.Index, mediaType)
		for _, p := range platforms {
			index = mutate.AppendManifests(index, mutate.IndexAddendum{
				Add: image(t), Descriptor: v1.Descriptor{Platform: p},
			})
		}
		if err := remote.WriteIndex(h.ref(t, "prj/app:multi"), index, as("admin")...); err != nil {
			t.Fatal(err)
		}
		events := h.ledger.take()
		if len(events) != len(platforms)+1 {
			t.Fatalf("%d events", len(events))
		}
		for _, e := range events[:len(platforms)] {
			if e.Action != "push" || e.Target.Tag != "" {
				t.Errorf("a child's event: %+v", e)
			}
		}
		last := events[len(platforms)]
		if last.Target.Tag != "multi" || last.Target.MediaType != string(mediaType) {
			t.Errorf("the index's event: %+v", last)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		var want []distribution.Descriptor
		for i, d := range manifest.Manifests {
			w := distribution.Descriptor{MediaType: string(d.MediaType), Size: d.Size, Digest: digest.Digest(d.Digest.String())}
			if p := platforms[i]; p != nil {
				w.Platform = &specs.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant}
			}
			want = append(want, w)
		}
		if diff := cmp.Diff(want, last.Target.References); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAPullRaisesOneEvent(t *testing.T) {
	t.Parallel()
	h := start(t)
	img := h.push(t, "prj/app:v1")
	path := "/v2/prj/app/manifests/"
	for _, c := range []struct{ method, reference, tag string }{
		{http.MethodGet, "v1", "v1"},
		{http.MethodHead, "v1", "v1"},
		{http.MethodGet, digestText(t, img), ""},
		{http.MethodHead, digestText(t, img), ""},
	} {
		if got := h.do(t, c.method, path+c.reference, "guest", ""); got.status != http.StatusOK {
			t.Fatalf("%s %s: %d %s", c.method, c.reference, got.status, got.body)
		}
		events := h.ledger.take()
		if len(events) != 1 {
			t.Fatalf("%s %s: %d events", c.method, c.reference, len(events))
		}
		want := manifestEvent(t, "pull", c.method, "guest", "prj/app", c.tag, img)
		if diff := cmp.Diff(want, fixed(t, h, events[0])); diff != "" {
			t.Errorf("%s %s: %s", c.method, c.reference, diff)
		}
	}
}

func TestAnAnonymousPullHasNoActor(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "pub/app:v1")
	if _, err := remote.Image(h.ref(t, "pub/app:v1"), as("")...); err != nil {
		t.Fatal(err)
	}
	events := h.ledger.take()
	if len(events) != 1 || events[0].Actor.Name != "" {
		t.Errorf("got %+v", events)
	}
}

func TestWhatGivesTheClientNothingRaisesNothing(t *testing.T) {
	t.Parallel()
	h := start(t)
	img := mutate.MediaType(image(t), types.OCIManifestSchema1)
	h.write(t, "prj/app:v1", img)
	h.ledger.take()
	for name, c := range map[string]struct {
		path, header, value string
		status              int
	}{
		"up to date":         {"manifests/v1", "If-None-Match", `"` + digestText(t, img) + `"`, http.StatusNotModified},
		"type not accepted":  {"manifests/v1", "Accept", "application/json", http.StatusNotFound},
		"unknown tag":        {"manifests/v2", "Accept", accept, http.StatusNotFound},
		"unknown digest":     {"manifests/sha256:" + string(slices.Repeat([]byte("0"), 64)), "Accept", accept, http.StatusNotFound},
		"list of tags":       {"tags/list", "Accept", accept, http.StatusOK},
		"a blob":             {"blobs/" + string(manifestEvent(t, "", "", "", "", "", img).Target.References[0].Digest), "Accept", "*/*", http.StatusOK},
		"a blob not present": {"blobs/sha256:" + string(slices.Repeat([]byte("0"), 64)), "Accept", "*/*", http.StatusNotFound},
	} {
		if got := h.do(t, http.MethodGet, "/v2/prj/app/"+c.path, "guest", "", c.header, c.value); got.status != c.status {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if events := h.ledger.take(); len(events) != 0 {
			t.Errorf("%s: %+v", name, events)
		}
	}
}

func TestAPullByAnOldClientRaisesOneEventOfTheTag(t *testing.T) {
	t.Parallel()
	h := start(t)
	child := image(t)
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.DockerManifestList), mutate.IndexAddendum{
		Add: child, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}},
	})
	if err := remote.WriteIndex(h.ref(t, "prj/app:multi"), index, as("admin")...); err != nil {
		t.Fatal(err)
	}
	h.ledger.take()
	got := h.do(t, http.MethodGet, "/v2/prj/app/manifests/multi", "guest", "", "Accept", string(types.DockerManifestSchema2))
	if got.status != http.StatusOK || got.header.Get("Docker-Content-Digest") != digestText(t, child) {
		t.Fatalf("%d %s", got.status, got.body)
	}
	events := h.ledger.take()
	if len(events) != 1 || events[0].Target.Tag != "multi" || events[0].Target.Digest.String() != digestText(t, index) {
		t.Errorf("got %+v", events)
	}
}

func TestDeletingADigestNamesItAndItsTagsInOneCall(t *testing.T) {
	t.Parallel()
	h := start(t)
	img := h.push(t, "prj/app:v1")
	other := h.push(t, "prj/app:other")
	h.write(t, "prj/app:v2", img)
	h.ledger.take()
	if err := remote.Delete(h.ref(t, "prj/app@"+digestText(t, img)), as("master")...); err != nil {
		t.Fatal(err)
	}
	h.ledger.mu.Lock()
	calls := len(h.ledger.calls)
	h.ledger.mu.Unlock()
	events := h.ledger.take()
	if calls != 1 || len(events) != 3 {
		t.Fatalf("%d events in %d calls", len(events), calls)
	}
	var tags []string
	for i, e := range events {
		if e.Request.ID != events[0].Request.ID {
			t.Errorf("event %d belongs to another request", i)
		}
		if i > 0 {
			tags = append(tags, e.Target.Tag)
		}
		e = clientless(fixed(t, h, e))
		var want notifications.Event
		want.Action, want.Actor.Name = "delete", "master"
		want.Request.Method, want.Request.UserAgent = http.MethodDelete, "test"
		want.Target.Repository = "prj/app"
		want.Target.Tag = e.Target.Tag
		if i == 0 {
			want.Target.Digest = digest.Digest(digestText(t, img))
			want.Target.Tag = ""
		}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("event %d: %s", i, diff)
		}
	}
	slices.Sort(tags)
	if diff := cmp.Diff([]string{"v1", "v2"}, tags); diff != "" {
		t.Error(diff)
	}
	for reference, want := range map[string]int{
		"v1": http.StatusNotFound, "v2": http.StatusNotFound,
		digestText(t, img): http.StatusNotFound, "other": http.StatusOK, digestText(t, other): http.StatusOK,
	} {
		if got := h.do(t, http.MethodGet, "/v2/prj/app/manifests/"+reference, "guest", ""); got.status != want {
			t.Errorf("%s: %d", reference, got.status)
		}
	}
}

func TestADeletedImageStaysInOtherRepositories(t *testing.T) {
	t.Parallel()
	h := start(t)
	img := h.push(t, "prj/app:v1")
	h.write(t, "prj/copy:v1", img)
	if err := remote.Delete(h.ref(t, "prj/app@"+digestText(t, img)), as("master")...); err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string]int{"prj/copy": http.StatusOK, "prj/app": http.StatusNotFound} {
		// Twice: what is cached in between must not bring it back.
		for range 2 {
			if got := h.do(t, http.MethodGet, "/v2/"+repository+"/manifests/"+digestText(t, img), "guest", ""); got.status != want {
				t.Errorf("%s: %d", repository, got.status)
			}
		}
	}
}

func TestDeletingWhatIsNotThereRaisesNothing(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "prj/app:v1")
	for reference, want := range map[string]int{
		"sha256:" + string(slices.Repeat([]byte("0"), 64)): http.StatusNotFound,
		"v1": http.StatusBadRequest, // this line deletes by digest only
	} {
		if got := h.do(t, http.MethodDelete, "/v2/prj/app/manifests/"+reference, "master", ""); got.status != want {
			t.Errorf("%s: %d %s", reference, got.status, got.body)
		}
	}
	if events := h.ledger.take(); len(events) != 0 {
		t.Errorf("got %+v", events)
	}
}

func TestARefusedPushRaisesNothing(t *testing.T) {
	t.Parallel()
	h := start(t)
	got := h.putManifest(t, "prj/app", "v1", image(t)) // its layers are not there
	if got.status != http.StatusBadRequest {
		t.Errorf("%d %s", got.status, got.body)
	}
	if events := h.ledger.take(); len(events) != 0 {
		t.Errorf("got %+v", events)
	}
}

func TestHeadersDecideNoAddress(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "prj/app:v1")
	h.do(t, http.MethodGet, "/v2/prj/app/manifests/v1", "guest", "", "X-Forwarded-For", "198.51.100.7", "X-Real-Ip", "198.51.100.7")
	events := h.ledger.take()
	if len(events) != 1 || events[0].Request.Addr[:10] != "127.0.0.1:" {
		t.Errorf("got %+v", events)
	}
	got := h.do(t, http.MethodPost, "/v2/prj/app/blobs/uploads/", "developer", "", "X-Forwarded-Host", "evil.example")
	if location := got.header.Get("Location"); got.status != http.StatusAccepted || location[:4] != "/v2/" {
		t.Errorf("%d, upload continues at %q", got.status, location)
	}
}

func TestProxyHeadersDoNotReachTheHandlers(t *testing.T) {
	t.Parallel()
	h := start(t)
	var seen http.Header
	h.registry.app = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header })
	req := httptest.NewRequest(http.MethodGet, "/v2/", nil)
	for _, header := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Accept"} {
		req.Header.Set(header, "strange")
	}
	h.registry.ServeHTTP(httptest.NewRecorder(), req)
	if diff := cmp.Diff(http.Header{"Accept": {"strange"}}, seen); diff != "" {
		t.Error(diff)
	}
	if len(req.Header) != 6 {
		t.Error("the caller's request was changed")
	}
}

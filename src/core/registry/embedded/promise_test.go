package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

var errFull = errors.New("database or disk is full")

// digestAt returns where a reference points, empty if nowhere, without an event.
func (h *harness) digestAt(t *testing.T, repository, reference string) string {
	t.Helper()
	got := h.do(t, http.MethodHead, "/v2/"+repository+"/manifests/"+reference, "admin", "")
	h.ledger.take()
	return got.header.Get("Docker-Content-Digest")
}

// wants503 fails unless the client is told to repeat the request.
func wants503(t *testing.T, got answer) {
	t.Helper()
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, `"UNAVAILABLE"`) {
		t.Errorf("got %d, Retry-After %q, %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	if !json.Valid([]byte(got.body)) {
		t.Errorf("the answer is not one JSON document: %s", got.body)
	}
	if strings.Contains(got.body, errFull.Error()) {
		t.Errorf("the answer tells internals: %s", got.body)
	}
}

func TestAPushThatCannotBeRecordedFailsAndCanBeRepeated(t *testing.T) {
	t.Parallel()
	h := start(t)
	img := image(t)
	h.ledger.fail(errFull)
	err := remote.Write(h.ref(t, "prj/app:v1"), img, as("admin")...)
	if err == nil || !strings.Contains(err.Error(), "UNAVAILABLE") {
		t.Fatalf("the push: %v", err)
	}
	h.ledger.fail(nil)
	if got := h.digestAt(t, "prj/app", "v1"); got != "" {
		t.Errorf("the tag points to %s", got)
	}
	// This client asks first whether the tag is up to date, and would push nothing.
	h.write(t, "prj/app:v1", img)
	events := h.ledger.take()
	if len(events) != 1 || events[0].Action != "push" || events[0].Target.Tag != "v1" {
		t.Errorf("the repeated push raised %+v", events)
	}
}

func TestATagThatCannotBeRecordedPointsWhereItDid(t *testing.T) {
	t.Parallel()
	h := start(t)
	before := h.push(t, "prj/app:v1")
	after := h.push(t, "prj/app:v2")
	h.ledger.fail(errFull)
	wants503(t, h.putManifest(t, "prj/app", "v1", after))
	h.ledger.fail(nil)
	if got := h.digestAt(t, "prj/app", "v1"); got != digestText(t, before) {
		t.Errorf("the tag points to %s", got)
	}
	if got := h.putManifest(t, "prj/app", "v1", after); got.status != http.StatusCreated {
		t.Errorf("the repeated push: %d %s", got.status, got.body)
	}
}

func TestAnUntaggedManifestThatCannotBeRecordedIsRemovedIfNew(t *testing.T) {
	t.Parallel()
	h := start(t)
	known := h.push(t, "prj/app:v1")
	fresh := h.push(t, "prj/app:v2")
	if err := remote.Delete(h.ref(t, "prj/app@"+digestText(t, fresh)), as("admin")...); err != nil {
		t.Fatal(err)
	}
	h.ledger.fail(errFull)
	wants503(t, h.putManifest(t, "prj/app", digestText(t, fresh), fresh))
	wants503(t, h.putManifest(t, "prj/app", digestText(t, known), known))
	h.ledger.fail(nil)
	if got := h.digestAt(t, "prj/app", digestText(t, fresh)); got != "" {
		t.Error("the new manifest stays")
	}
	if got := h.digestAt(t, "prj/app", digestText(t, known)); got != digestText(t, known) {
		t.Error("the known manifest is gone")
	}
	if got := h.putManifest(t, "prj/app", digestText(t, fresh), fresh); got.status != http.StatusCreated {
		t.Errorf("the repeated push: %d %s", got.status, got.body)
	}
}

func TestADeleteThatCannotBeRecordedChangesNothing(t *testing.T) {
	t.Parallel()
	h := start(t)
	img := h.push(t, "prj/app:v1")
	path := "/v2/prj/app/manifests/" + digestText(t, img)
	h.ledger.fail(errFull)
	wants503(t, h.do(t, http.MethodDelete, path, "admin", ""))
	h.ledger.fail(nil)
	if got := h.digestAt(t, "prj/app", "v1"); got != digestText(t, img) {
		t.Errorf("the tag points to %q", got)
	}
	if got := h.do(t, http.MethodDelete, path, "admin", ""); got.status != http.StatusAccepted {
		t.Errorf("the repeated delete: %d %s", got.status, got.body)
	}
	if events := h.ledger.take(); len(events) != 2 {
		t.Errorf("the repeated delete raised %+v", events)
	}
}

func TestAPullThatCannotBeRecordedIsServedAndCounted(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "prj/app:v1")
	h.ledger.fail(errFull)
	if got := h.do(t, http.MethodGet, "/v2/prj/app/manifests/v1", "guest", ""); got.status != http.StatusOK || got.body == "" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if lost := h.registry.LostPulls(); lost != 1 {
		t.Errorf("%d lost pulls", lost)
	}
}

func TestEventsAreStoredBeforeTheClientIsAnswered(t *testing.T) {
	t.Parallel()
	h := start(t)
	img := h.push(t, "prj/app:v1")
	for _, c := range []struct{ method, reference string }{
		{http.MethodGet, "v1"},
		{http.MethodPut, "v2"},
		{http.MethodPut, digestText(t, img)},
		{http.MethodDelete, digestText(t, img)},
	} {
		entered, release := make(chan struct{}), make(chan struct{})
		h.ledger.onEntry(func(context.Context) { close(entered); <-release })
		answered := make(chan answer, 1)
		go func() {
			if c.method == http.MethodPut {
				answered <- h.putManifest(t, "prj/app", c.reference, img)
				return
			}
			answered <- h.do(t, c.method, "/v2/prj/app/manifests/"+c.reference, "admin", "")
		}()
		select {
		case <-entered:
		case got := <-answered:
			t.Fatalf("%s %s: answered %d without an event", c.method, c.reference, got.status)
		case <-time.After(time.Minute):
			t.Fatalf("%s %s: no event", c.method, c.reference)
		}
		if len(answered) != 0 {
			t.Errorf("%s %s: answered before its event was stored", c.method, c.reference)
		}
		h.ledger.onEntry(nil)
		close(release)
		if got := <-answered; got.status >= http.StatusBadRequest {
			t.Errorf("%s %s: %d %s", c.method, c.reference, got.status, got.body)
		}
	}
}

// firstByte notes when the answer's head is sent.
type firstByte struct {
	http.ResponseWriter
	sent *atomic.Bool
}

func (w firstByte) WriteHeader(status int) {
	w.sent.Store(true)
	w.ResponseWriter.WriteHeader(status)
}

func TestNothingIsSentBeforeTheEventIsStored(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "prj/app:v1")
	var sent, early atomic.Bool
	h.ledger.onEntry(func(context.Context) { early.Store(sent.Load()) })
	h.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.registry.ServeHTTP(firstByte{w, &sent}, r)
	})
	got := h.do(t, http.MethodGet, "/v2/prj/app/manifests/v1", "guest", "")
	if got.status != http.StatusOK || !sent.Load() || early.Load() {
		t.Errorf("status %d, sent %t, sent before the event %t", got.status, sent.Load(), early.Load())
	}
}

func TestAClientThatHangsUpDoesNotStopItsEvent(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "prj/app:v1")
	entered, gone, stored := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	h.ledger.onEntry(func(ctx context.Context) {
		close(entered)
		<-gone
		stored <- ctx.Err()
	})
	ctx, hangUp := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/v2/prj/app/manifests/v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	req.SetBasicAuth("guest", "guest")
	rec := firstByte{discard{}, &atomic.Bool{}}
	done := make(chan struct{})
	go func() { defer close(done); h.registry.ServeHTTP(rec, req) }()
	<-entered
	hangUp()
	close(gone)
	if err := <-stored; err != nil {
		t.Errorf("the sink's context: %v", err)
	}
	<-done
}

type discard struct{}

func (discard) Header() http.Header         { return make(http.Header) }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func TestTheLastPushEventOfATagIsWhereItPoints(t *testing.T) {
	t.Parallel()
	h := start(t)
	one, two := h.push(t, "prj/app:one"), h.push(t, "prj/app:two")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { h.putManifest(t, "prj/app", "latest", one) })
		wg.Go(func() { h.putManifest(t, "prj/app", "latest", two) })
	}
	wg.Wait()
	events := h.ledger.take()
	if len(events) != 40 {
		t.Fatalf("%d events", len(events))
	}
	if last := events[39].Target.Digest.String(); last != h.digestAt(t, "prj/app", "latest") {
		t.Error("the last event names another digest than the tag")
	}
}

func TestRegistriesInOneProcessAreSeparate(t *testing.T) {
	t.Parallel()
	one, two := start(t), start(t)
	img := one.push(t, "prj/app:v1")
	if got := two.digestAt(t, "prj/app", "v1"); got != "" {
		t.Errorf("the second registry has %s", got)
	}
	two.write(t, "prj/app:v2", img)
	if events := one.ledger.take(); len(events) != 0 {
		t.Errorf("the first registry's sink got %+v", events)
	}
	if events := two.ledger.take(); len(events) != 1 {
		t.Errorf("the second registry's sink got %+v", events)
	}
	if one.registry.instance == two.registry.instance {
		t.Error("both have one instance id")
	}
}

func TestARegistryKeepsItsImagesOverARestart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	same := func(c *Config) { c.RootDirectory = folder }
	img := start(t, same).push(t, "prj/app:v1")
	if got := start(t, same).digestAt(t, "prj/app", "v1"); got != digestText(t, img) {
		t.Errorf("got %q", got)
	}
}

func TestShutdownWaitsForRequestsAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.push(t, "prj/app:v1")
	entered, release := make(chan struct{}), make(chan struct{})
	h.ledger.onEntry(func(context.Context) { close(entered); <-release })
	answered := make(chan answer, 1)
	go func() { answered <- h.do(t, http.MethodGet, "/v2/prj/app/manifests/v1", "guest", "") }()
	<-entered
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.registry.Shutdown(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("with a request under way: %v", err)
	}
	if got := h.do(t, http.MethodGet, "/v2/", "guest", ""); got.status != http.StatusServiceUnavailable {
		t.Errorf("a new request: %d", got.status)
	}
	close(release)
	patient, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := h.registry.Shutdown(patient); err != nil {
		t.Error(err)
	}
	if got := <-answered; got.status != http.StatusOK {
		t.Errorf("the request under way: %d", got.status)
	}
	if err := h.registry.Shutdown(patient); err != nil {
		t.Errorf("once more: %v", err)
	}
}

func TestTheLogTellsWhatAnOperatorNeeds(t *testing.T) {
	t.Parallel()
	h := start(t)
	img := h.push(t, "prj/app:v1")
	h.do(t, http.MethodGet, "/v2/prj/app/manifests/v9", "guest", "") // 404
	h.do(t, http.MethodGet, "/v2/prj/app/manifests/v1", "", "")      // 401
	h.do(t, http.MethodGet, "/v2/theirs/app/manifests/v1", "guest", "")
	if got := h.log.from(slog.LevelWarn); len(got) != 0 {
		t.Errorf("clients' mistakes are logged: %q", got)
	}
	h.ledger.fail(errFull)
	h.putManifest(t, "prj/app", "v1", img)
	h.do(t, http.MethodGet, "/v2/lost/app/manifests/v1", "guest", "")
	want := []string{
		"registry change refused: its event could not be stored",
		"registry request refused: permissions cannot be checked",
	}
	if diff := cmp.Diff(want, h.log.from(slog.LevelWarn)); diff != "" {
		t.Error(diff)
	}
}

func TestABadConfigurationIsAnError(t *testing.T) {
	t.Parallel()
	h := start(t)
	for name, spoil := range map[string]func(*Config){
		"no folder":   func(c *Config) { c.RootDirectory = "" },
		"no secret":   func(c *Config) { c.HTTPSecret = "" },
		"no auth":     func(c *Config) { c.Auth = nil },
		"no projects": func(c *Config) { c.Projects = nil },
		"no sink":     func(c *Config) { c.Sink = nil },
		"no logger":   func(c *Config) { c.Logger = nil },
		"no directory": func(c *Config) {
			c.RootDirectory = "/dev/null/registry"
		},
	} {
		c := h.registry.config
		spoil(&c)
		if _, err := New(t.Context(), c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/core/registry/embedded"
	"github.com/harborhook/harborhook/src/core/registry/reconcile"
	"github.com/harborhook/harborhook/src/core/registry/upstream"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/store"
	"github.com/harborhook/harborhook/src/store/sqlite"
)

// place is a registry that tells nobody anything, and a store.
type place struct {
	*store.Store
	server  *httptest.Server
	client  *upstream.Client
	project hook.Project
}

func newPlace(t *testing.T) *place {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test.db")
	if err := sqlite.Migrate(file); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(file, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &place{Store: s, project: hook.Project{Name: "prj"}}
	if err := s.CreateProject(t.Context(), &p.project); err != nil {
		t.Fatal(err)
	}
	handler, err := embedded.NewViewer(t.Context(), t.TempDir(), everything{})
	if err != nil {
		t.Fatal(err)
	}
	p.server = httptest.NewServer(handler)
	t.Cleanup(p.server.Close)
	if p.client, err = upstream.New(upstream.Config{URL: p.server.URL, Username: "u", Password: "p", UserAgent: "harborhook/test"}); err != nil {
		t.Fatal(err)
	}
	return p
}

// everything has every project: the registry's view of what may be pushed.
type everything struct{}

func (everything) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	return hook.Project{ID: 1, Name: name}, nil
}

// Handle stores notifications.
func (p *place) Handle(ctx context.Context, n hook.Notification) error {
	_, err := p.Accept(ctx, n, nil)
	return err
}

func (p *place) interpreter() *registry.Interpreter {
	return registry.NewInterpreter(p.Store, p.Store, registry.WithLookUp(), registry.WithRecovery())
}

func (p *place) config() reconcile.Config {
	return reconcile.Config{
		Registry: p.client, Store: p.Store, Projects: p.Store, Interpreter: p.interpreter(), Handler: p,
		Settle: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	}
}

// reconcile compares once, and fails the test if that fails.
func (p *place) reconcile(t *testing.T, change ...func(*reconcile.Config)) reconcile.Summary {
	t.Helper()
	summary, err := p.try(t, change...)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

func (p *place) try(t *testing.T, change ...func(*reconcile.Config)) (reconcile.Summary, error) {
	t.Helper()
	c := p.config()
	for _, f := range change {
		f(&c)
	}
	return reconcile.New(c).Reconcile(t.Context(), hook.RegistrySource{Addr: "registry", InstanceID: "1"})
}

// met is a place whose registry has been compared before.
func met(t *testing.T) *place {
	t.Helper()
	p := newPlace(t)
	p.reconcile(t)
	return p
}

func (p *place) ref(t *testing.T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(strings.TrimPrefix(p.server.URL, "http://")+"/"+text, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func (p *place) push(t *testing.T, to string, img v1.Image) {
	t.Helper()
	if err := remote.Write(p.ref(t, to), img, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func (p *place) remove(t *testing.T, repository string, img v1.Image) {
	t.Helper()
	if err := remote.Delete(p.ref(t, repository+"@"+digestOf(t, img)), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// tell plays a registry that does its duty.
func (p *place) tell(t *testing.T, actions ...registry.Action) {
	t.Helper()
	n, _, err := p.interpreter().Interpret(t.Context(), actions)
	if err == nil {
		err = p.Handle(t.Context(), n)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func image(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func chart(t *testing.T) v1.Image {
	t.Helper()
	return mutate.ConfigMediaType(mutate.MediaType(image(t), types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")
}

func digestOf(t *testing.T, img v1.Image) string {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// events returns what was raised: "type repository:tags image id's first digits".
func (p *place) events(t *testing.T) []string {
	t.Helper()
	events, err := p.RecentEvents(t.Context(), p.project.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, e := range events {
		var tags []string
		for _, r := range e.Resources {
			tags = append(tags, r.Tag)
		}
		line := fmt.Sprintf("%s %s:%s", e.Type, e.Repository, strings.Join(tags, ","))
		if e.Recovered {
			line += " recovered"
		}
		if e.Incomplete {
			line += " incomplete"
		}
		lines = append([]string{line}, lines...)
	}
	return lines
}

func (p *place) want(t *testing.T, events ...string) {
	t.Helper()
	if events == nil {
		events = []string{}
	}
	if diff := cmp.Diff(events, p.events(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestTheFirstComparisonOnlyLearns(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	img := image(t)
	p.push(t, "prj/app:v1", img)
	p.push(t, "prj/team/web:v1", chart(t))
	if got := p.reconcile(t); !got.First || got.Learned != 2 || got.Tags != 2 || got.Repositories != 2 {
		t.Errorf("summary %+v", got)
	}
	if got := p.reconcile(t); got.First || got.Raised != 0 {
		t.Errorf("second summary %+v", got)
	}
	p.want(t)
	manifests, _, err := p.Recall(t.Context(), []hook.ManifestRef{{Repository: "prj/app", Digest: digestOf(t, img)}}, nil)
	if err != nil || len(manifests) != 1 || manifests[0].ConfigDigest == "" {
		t.Errorf("learned %+v, %v", manifests, err)
	}
	// What its registry tells late was not told by learning.
	p.tell(t, registry.Action{
		Op: registry.OpPush, EventID: "late", Repository: "prj/app", Tag: "v1", Digest: digestOf(t, img),
		MediaType: string(types.DockerManifestSchema2), Timestamp: time.Now().Add(-time.Minute),
	})
	p.want(t, "pushImage app:v1")
}

func TestMissedPushesAreRaisedOnce(t *testing.T) {
	t.Parallel()
	p := met(t)
	img := image(t)
	p.push(t, "prj/app:v1", img)
	p.push(t, "prj/app:v2", img)
	p.push(t, "prj/web:1.0.0", chart(t))
	p.push(t, "elsewhere/app:v1", img) // of no project
	if got := p.reconcile(t); got.Raised != 3 || got.Repositories != 2 {
		t.Errorf("summary %+v", got)
	}
	if got := p.reconcile(t); got.Raised != 0 {
		t.Errorf("second summary %+v", got)
	}
	p.push(t, "prj/app:v1", image(t))
	p.reconcile(t)
	p.reconcile(t)
	events := p.events(t)
	for _, line := range []string{"pushImage app:v1 recovered", "pushImage app:v2 recovered", "uploadChart web:1.0.0 recovered"} {
		if !strings.Contains(strings.Join(events[:3], "\n"), line) {
			t.Errorf("%q is missing in %q", line, events)
		}
	}
	if len(events) != 4 || events[3] != "pushImage app:v1 recovered" {
		t.Errorf("events %q", events)
	}
	stored, err := p.RecentEvents(t.Context(), p.project.ID, 1)
	if err != nil || stored[0].Resources[0].ImageID == "" || stored[0].OccurredAt.IsZero() {
		t.Errorf("event %+v, %v", stored, err)
	}
}

func TestAMissedDeletionIsOneEventOfAllTags(t *testing.T) {
	t.Parallel()
	p := met(t)
	img, other := image(t), image(t)
	p.push(t, "prj/app:v1", img)
	p.push(t, "prj/app:v2", img)
	p.push(t, "prj/app:v3", other)
	p.reconcile(t)
	p.remove(t, "prj/app", img)
	kept := p.reconcile(t, func(c *reconcile.Config) { c.KeepTags = true })
	if got := p.reconcile(t); got.Raised != 1 || kept.Raised != 0 {
		t.Errorf("summary %+v, and %+v of one that leaves tags alone", got, kept)
	}
	p.reconcile(t)
	if got := p.events(t); len(got) != 4 || got[3] != "deleteImage app:v1,v2 recovered" {
		t.Errorf("events %q", got)
	}
}

func TestTheSameIsRecoveredAgainAfterAnotherChange(t *testing.T) {
	t.Parallel()
	p := met(t)
	img := image(t)
	for range 2 {
		p.push(t, "prj/app:v1", img)
		p.reconcile(t)
		p.remove(t, "prj/app", img)
		p.reconcile(t)
	}
	push, remove := "pushImage app:v1 recovered", "deleteImage app:v1 recovered"
	p.want(t, push, remove, push, remove)
}

func TestTwoCoresRaiseOnce(t *testing.T) {
	t.Parallel()
	p := met(t)
	p.push(t, "prj/app:v1", image(t))
	p.push(t, "prj/web:v1", image(t))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := p.try(t); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := p.events(t); len(got) != 2 {
		t.Errorf("events %q", got)
	}
}

func TestAnEventThatComesMeanwhileIsNotRaised(t *testing.T) {
	t.Parallel()
	p := met(t)
	img := image(t)
	p.push(t, "prj/app:v1", img)
	late := registry.Action{
		Op: registry.OpPush, EventID: "late", Repository: "prj/app", Tag: "v1", Digest: digestOf(t, img),
		MediaType: string(types.DockerManifestSchema2), Timestamp: time.Now(),
	}
	got := p.reconcile(t, func(c *reconcile.Config) {
		c.Report = func(line string) {
			if strings.HasSuffix(line, "differ") {
				p.tell(t, late)
			}
		}
	})
	if got.Raised != 0 || len(p.events(t)) != 1 {
		t.Errorf("summary %+v, events %q", got, p.events(t))
	}
}

func TestAnEventThatComesAfterwardsIsNotHeardTwice(t *testing.T) {
	t.Parallel()
	p := met(t)
	img := image(t)
	p.push(t, "prj/app:v1", img)
	pushed := time.Now()
	p.reconcile(t)
	p.tell(t, registry.Action{
		Op: registry.OpPush, EventID: "late", Repository: "prj/app", Tag: "v1", Digest: digestOf(t, img),
		MediaType: string(types.DockerManifestSchema2), Timestamp: pushed,
	})
	p.want(t, "pushImage app:v1 recovered")
}

// faulty is a registry of which a part does not answer, or hides something.
type faulty struct {
	reconcile.Registry
	catalog error
	// tags fails the list of one repository; hidden leaves a tag out of every list.
	tags, hidden string
}

func (f faulty) Repositories(ctx context.Context) ([]string, error) {
	if f.catalog != nil {
		return nil, f.catalog
	}
	return f.Registry.Repositories(ctx)
}

func (f faulty) Tags(ctx context.Context, repository string) ([]string, error) {
	if repository == f.tags {
		return nil, errors.New(http.StatusText(http.StatusBadGateway))
	}
	tags, err := f.Registry.Tags(ctx, repository)
	var shown []string
	for _, tag := range tags {
		if tag != f.hidden {
			shown = append(shown, tag)
		}
	}
	return shown, err
}

func TestAnIncompleteListingRaisesNothing(t *testing.T) {
	t.Parallel()
	p := met(t)
	img := image(t)
	p.push(t, "prj/app:v1", img)
	p.reconcile(t)
	p.remove(t, "prj/app", img)
	p.push(t, "prj/app:v2", image(t))
	for what, f := range map[string]faulty{
		"the catalog": {catalog: errors.New("away")},
		"the tags":    {tags: "prj/app"},
	} {
		f.Registry = p.client
		before := p.events(t)
		got, err := p.try(t, func(c *reconcile.Config) { c.Registry = f })
		if err == nil || got.Raised != 0 || len(p.events(t)) != len(before) {
			t.Errorf("%s: summary %+v, error %v, events %q", what, got, err, p.events(t))
		}
	}
	p.reconcile(t)
	p.want(t, "pushImage app:v1 recovered", "pushImage app:v2 recovered", "deleteImage app:v1 recovered")
}

func TestAComparisonThatFailsIsNotRemembered(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	if _, err := p.try(t, func(c *reconcile.Config) { c.Registry = faulty{Registry: p.client, catalog: errors.New("away")} }); err == nil {
		t.Fatal("no error")
	}
	if _, ever, err := p.SourcesKnown(t.Context(), nil); ever || err != nil {
		t.Errorf("it is remembered: %v, %v", ever, err)
	}
}

func TestATagThatIsGoneWhileItsManifestIsThereIsLeftAlone(t *testing.T) {
	t.Parallel()
	p := met(t)
	p.push(t, "prj/app:v1", image(t))
	p.reconcile(t)
	got := p.reconcile(t, func(c *reconcile.Config) { c.Registry = faulty{Registry: p.client, hidden: "v1"} })
	if got.Raised != 0 || len(p.events(t)) != 1 {
		t.Errorf("summary %+v, events %q", got, p.events(t))
	}
}

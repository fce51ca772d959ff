package embedded

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/docker/distribution/notifications"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// people are the users of all tests, named for their role in the projects prj
// (private) and pub (public); each one's password is the name.
type people struct{ err error }

func (p people) Authenticate(_ context.Context, username, password, _ string) (auth.Identity, error) {
	switch {
	case p.err != nil:
		return auth.Identity{}, p.err
	case password != username:
		return auth.Identity{}, auth.ErrUnauthenticated
	}
	return auth.Identity{User: hook.User{Username: username, SysAdmin: username == "sysadmin"}}, nil
}

func (p people) Token(_ context.Context, id auth.Identity) (string, error) {
	return "token of " + id.Name(), p.err
}

func (p people) AuthenticateToken(_ context.Context, token string) (auth.Identity, error) {
	name, ok := strings.CutPrefix(token, "token of")
	if name = strings.TrimSpace(name); !ok || p.err != nil {
		return auth.Identity{}, cmp.Or(p.err, auth.ErrUnauthenticated)
	}
	return auth.Identity{User: hook.User{Username: name, SysAdmin: name == "sysadmin"}, Anonymous: name == ""}, nil
}

func (people) Can(_ context.Context, id auth.Identity, p hook.Project, a auth.Action) (bool, error) {
	roles := map[string]hook.Role{
		"admin": hook.RoleProjectAdmin, "master": hook.RoleMaster,
		"developer": hook.RoleDeveloper, "guest": hook.RoleGuest,
	}
	role := roles[id.Name()]
	if p.Name == "theirs" {
		role = hook.RoleNone
	}
	return auth.Allowed(id, p, role, a), nil
}

type projects struct{}

func (projects) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	switch name {
	case "prj", "theirs":
		return hook.Project{ID: 1, Name: name}, nil
	case "pub":
		return hook.Project{ID: 2, Name: name, Public: true}, nil
	case "lost":
		return hook.Project{}, hook.ErrUnavailable
	}
	return hook.Project{}, hook.ErrNotFound
}

// ledger is a sink that can be told to fail.
type ledger struct {
	mu    sync.Mutex
	calls [][]notifications.Event
	err   error
	// entered, if set, runs before the events are taken.
	entered func(ctx context.Context)
}

func (l *ledger) store(ctx context.Context, events []notifications.Event) error {
	l.mu.Lock()
	entered := l.entered
	l.mu.Unlock()
	if entered != nil {
		entered(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.calls = append(l.calls, events)
	return nil
}

func (l *ledger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *ledger) onEntry(f func(context.Context)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entered = f
}

// take returns the events since the last take, in order.
func (l *ledger) take() []notifications.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var events []notifications.Event
	for _, call := range l.calls {
		events = append(events, call...)
	}
	l.calls = nil
	return events
}

type harness struct {
	registry *Registry
	server   *httptest.Server
	ledger   *ledger
	log      *logbook
}

func start(t *testing.T, change ...func(*Config)) *harness {
	t.Helper()
	h := &harness{ledger: &ledger{}, log: &logbook{}}
	c := Config{
		RootDirectory: t.TempDir(),
		HTTPSecret:    "secret of the uploads",
		Auth:          people{},
		Projects:      projects{},
		Sink:          h.ledger.store,
		Logger:        slog.New(h.log),
	}
	for _, f := range change {
		f(&c)
	}
	r, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	h.registry = r
	h.server = httptest.NewServer(r)
	t.Cleanup(h.server.Close)
	return h
}

// ref returns a name like "prj/app:v1" or "prj/app@sha256:…" in this registry.
func (h *harness) ref(t *testing.T, s string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(strings.TrimPrefix(h.server.URL, "http://")+"/"+s, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// as returns the options of a client that signs in, or of one that does not, and
// that takes every answer for the last word.
func as(user string) []remote.Option {
	options := []remote.Option{
		remote.WithUserAgent("test"),
		remote.WithRetryStatusCodes(),
		remote.WithRetryPredicate(func(error) bool { return false }),
	}
	if user == "" {
		return append(options, remote.WithAuth(authn.Anonymous))
	}
	return append(options, remote.WithAuth(&authn.Basic{Username: user, Password: user}))
}

func image(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(256, 2)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func digestText(t *testing.T, m interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	d, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// push pushes a new image as an admin and drops its events.
func (h *harness) push(t *testing.T, s string) v1.Image {
	t.Helper()
	img := image(t)
	h.write(t, s, img)
	h.ledger.take()
	return img
}

func (h *harness) write(t *testing.T, s string, img v1.Image) {
	t.Helper()
	if err := remote.Write(h.ref(t, s), img, as("admin")...); err != nil {
		t.Fatal(err)
	}
}

// answer is what a plain HTTP client got.
type answer struct {
	status int
	header http.Header
	body   string
}

const accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, " +
	"application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"

// do sends a request; an empty user sends no credentials. Headers are name, value
// pairs.
func (h *harness) do(t *testing.T, method, path, user, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "test")
	req.Header.Set("Accept", accept)
	if user != "" {
		req.SetBasicAuth(user, user)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := h.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
}

// putManifest pushes the manifest of an image whose layers are there already.
func (h *harness) putManifest(t *testing.T, repository, reference string, img v1.Image) answer {
	t.Helper()
	raw, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	mediaType, err := img.MediaType()
	if err != nil {
		t.Fatal(err)
	}
	return h.do(t, http.MethodPut, "/v2/"+repository+"/manifests/"+reference, "admin", string(raw), "Content-Type", string(mediaType))
}

// logbook keeps what is logged.
type logbook struct {
	mu      sync.Mutex
	records []slog.Record
}

func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	return nil
}

func (l *logbook) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *logbook) WithGroup(string) slog.Handler      { return l }

// from returns the messages of at least this level.
func (l *logbook) from(level slog.Level) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var messages []string
	for _, r := range l.records {
		if r.Level >= level {
			messages = append(messages, r.Message)
		}
	}
	return messages
}

package webhook

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

// memory is a store in memory.
type memory struct {
	mu       sync.Mutex
	policies []hook.Policy
	version  int64
	reads    int
	jobs     []hook.Job
	err      error
}

func (m *memory) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if name != "library" {
		return hook.Project{}, hook.ErrNotFound
	}
	return hook.Project{ID: 1, Name: name}, nil
}

func (m *memory) Policies(context.Context, int64) ([]hook.Policy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	return slices.Clone(m.policies), m.err
}

func (m *memory) PoliciesVersion(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.version, m.err
}

func (m *memory) Accept(_ context.Context, _ hook.Notification, jobs []hook.Job) ([]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	var ids []int64
	for _, j := range jobs {
		m.jobs = append(m.jobs, j)
		ids = append(ids, int64(len(m.jobs)))
	}
	return ids, nil
}

func (m *memory) Policy(_ context.Context, _, id int64) (hook.Policy, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.policies {
		if p.ID == id {
			return p, nil
		}
	}
	return hook.Policy{}, hook.ErrNotFound
}

func (m *memory) CreatePolicy(_ context.Context, p *hook.Policy, _ *hook.AuditEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.policies {
		if other.Name == p.Name {
			return hook.ErrConflict
		}
	}
	m.policies = append(m.policies, *p)
	return nil
}

func (m *memory) ReplacePolicy(context.Context, *hook.Policy, time.Time, *hook.AuditEntry) error {
	return nil
}
func (m *memory) DeletePolicy(context.Context, int64, int64, *hook.AuditEntry) error { return nil }

// Render fails for the target with the template "broken".
func (m *memory) Render(_ hook.Event, _ hook.Policy, t hook.Target) ([]byte, string, error) {
	if t.PayloadTemplate == "broken" {
		return []byte("{"), "application/json", errors.New("line 1: broken \x00\xff")
	}
	return []byte("{}"), "application/json", nil
}

// EventName is the type's, in capitals if Harbor 2's names are wanted.
func (m *memory) EventName(e hook.Event, p hook.Policy) string {
	if p.Naming == hook.NamingHarbor2 {
		return strings.ToUpper(string(e.Type))
	}
	return string(e.Type)
}

type submitted [][]int64

func (s *submitted) Submit(ids []int64) { *s = append(*s, ids) }

func newPolicy(id int64, addresses ...string) hook.Policy {
	p := hook.Policy{ID: id, ProjectID: 1, Name: "p", Enabled: true, HookTypes: []hook.EventType{hook.PushImage}}
	for _, a := range addresses {
		p.Targets = append(p.Targets, hook.Target{Type: hook.TargetHTTP, Address: a, PayloadFormat: "Events"})
	}
	return p
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestAJobForEachTargetOfEachMatchingPolicy(t *testing.T) {
	t.Parallel()
	two := newPolicy(1, "https://a.example.com/?token=abc", "http://b.example.com:81/x")
	disabled, other := newPolicy(2, "https://c.example.com"), newPolicy(3, "https://d.example.com")
	disabled.Enabled = false
	other.HookTypes = []hook.EventType{hook.PullImage}
	filtered := newPolicy(4, "https://e.example.com")
	filtered.Filters, filtered.Naming = []hook.Filter{tagList("v2")}, hook.NamingHarbor2
	store := &memory{policies: []hook.Policy{two, disabled, other, filtered}}
	var got submitted
	h := NewHandler(NewCache(store, quiet()), store, store, &got)
	if err := h.Handle(t.Context(), hook.Notification{Events: []hook.Event{push("app", "v1", "v2")}}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, j := range store.jobs {
		lines = append(lines, strings.Join([]string{j.Key, j.Target, j.Origin, j.Tag, j.EventName}, " "))
	}
	want := []string{
		"00000000abc/e/1/0 https://a.example.com/?token=******** https://a.example.com:443 v1 pushImage",
		"00000000abc/e/1/1 http://b.example.com:81/x http://b.example.com:81 v1 pushImage",
		"00000000abc/e/4/0 https://e.example.com https://e.example.com:443 v2 PUSHIMAGE",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(submitted{{1, 2, 3}}, got); diff != "" {
		t.Errorf("submitted (-want +got):\n%s", diff)
	}
}

func TestABodyThatCannotBeWrittenFailsItsOwnJobOnly(t *testing.T) {
	t.Parallel()
	p := newPolicy(1, "https://a.example.com", "https://b.example.com")
	p.Targets[0].PayloadTemplate = "broken"
	store := &memory{policies: []hook.Policy{p, newPolicy(2, "https://c.example.com")}}
	var got submitted
	h := NewHandler(NewCache(store, quiet()), store, store, &got)
	if err := h.Handle(t.Context(), hook.Notification{Events: []hook.Event{push("app", "v1")}}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, j := range store.jobs {
		lines = append(lines, strings.Join([]string{j.Key, string(j.Status), j.StatusMessage, j.ContentType, string(j.Detail)}, " "))
	}
	want := []string{
		"00000000abc/e/1/0 error line 1: broken \uFFFD\uFFFD application/json ",
		"00000000abc/e/1/1 pending  application/json {}",
		"00000000abc/e/2/0 pending  application/json {}",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func TestTypeAndFormatOfATargetCompleteEachOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ typ, format, wantType, wantFormat string }{
		{"", "", "http", "Events"},
		{"http", "", "http", "Events"},
		{"slack", "", "slack", "Slack"},
		{"", "Slack", "slack", "Slack"},
		{"http", "Slack", "slack", "Slack"},
		{"", "Custom", "http", "Custom"},
	} {
		p := newPolicy(0, "https://a.example.com")
		p.Targets[0].Type, p.Targets[0].PayloadFormat = c.typ, c.format
		if err := newService(&memory{}).Check(&p); err != nil {
			t.Errorf("%q, %q: %v", c.typ, c.format, err)
		}
		if got := p.Targets[0]; got.Type != c.wantType || got.PayloadFormat != c.wantFormat {
			t.Errorf("%q, %q: got %q, %q; want %q, %q", c.typ, c.format, got.Type, got.PayloadFormat, c.wantType, c.wantFormat)
		}
	}
}

func TestAnIncompleteEventHasNoJobs(t *testing.T) {
	t.Parallel()
	store := &memory{policies: []hook.Policy{newPolicy(1, "https://a.example.com")}}
	var got submitted
	h := NewHandler(NewCache(store, quiet()), store, store, &got)
	e := push("app", "v1")
	for _, e.Incomplete = range []bool{true, false} {
		if err := h.Handle(t.Context(), hook.Notification{Events: []hook.Event{e}}); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 0, false: 1}[e.Incomplete]; len(store.jobs) != want || len(got) != want {
			t.Errorf("incomplete %v: %d jobs, submitted %v", e.Incomplete, len(store.jobs), got)
		}
	}
}

func TestNothingIsSubmittedThatIsNotStored(t *testing.T) {
	t.Parallel()
	store := &memory{policies: []hook.Policy{newPolicy(1, "https://a.example.com")}}
	var got submitted
	h := NewHandler(NewCache(store, quiet()), store, store, &got)
	if err := h.Handle(t.Context(), hook.Notification{Events: []hook.Event{push("app", "v1")}}); err != nil {
		t.Fatal(err)
	}
	store.err = hook.ErrUnavailable
	if err := h.Handle(t.Context(), hook.Notification{Events: []hook.Event{push("app", "v1")}}); !errors.Is(err, hook.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	if len(got) != 1 {
		t.Errorf("submitted %d times, want once", len(got))
	}
}

func TestTheCacheAsksOnceAndHearsOfChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &memory{policies: []hook.Policy{newPolicy(1, "https://a.example.com")}}
		cache := NewCache(store, quiet())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- cache.Run(ctx) }()
		time.Sleep(time.Second) // of the test's own clock
		count := func() int {
			list, err := cache.enabledPolicies(ctx, 1)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		for range 3 {
			if n := count(); n != 1 {
				t.Fatalf("%d policies, want 1", n)
			}
		}
		if store.reads != 1 {
			t.Errorf("read %d times, want once", store.reads)
		}
		store.mu.Lock()
		store.policies = append(store.policies, newPolicy(2, "https://b.example.com"))
		store.version++
		store.mu.Unlock()
		time.Sleep(time.Second) // of the test's own clock
		if n := count(); n != 2 {
			t.Errorf("%d policies a second after another process added one, want 2", n)
		}
		cancel()
		<-done
	})
}

func TestAPolicyReadBeforeAChangeIsNotKept(t *testing.T) {
	t.Parallel()
	store := &memory{policies: []hook.Policy{newPolicy(1, "https://a.example.com")}}
	cache := NewCache(store, quiet())
	reading := &interrupted{memory: store, then: cache.Invalidate}
	cache.store = reading
	if _, err := cache.enabledPolicies(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if len(cache.policies) != 0 {
		t.Error("what was read before the change was kept after it")
	}
}

// interrupted lets something happen between a read and its answer.
type interrupted struct {
	*memory
	then func()
}

func (i *interrupted) Policies(ctx context.Context, projectID int64) ([]hook.Policy, error) {
	list, err := i.memory.Policies(ctx, projectID)
	i.then()
	return list, err
}

func newService(store *memory) *Policies {
	return NewPolicies(store, NewCache(store, quiet()), Rules{
		KnownType:   func(t hook.EventType) bool { return t == hook.PushImage || t == hook.PullImage },
		TargetTypes: []string{"http", "slack"},
		FormatsFor: func(targetType string) []string {
			return map[string][]string{"http": {"Events", "Custom"}, "slack": {"Slack"}}[targetType]
		},
		CheckPayload: func(t hook.Target, types []hook.EventType) error {
			if t.PayloadTemplate == "broken" && slices.Contains(types, hook.PushImage) {
				return hook.Invalid("payload_template", "line 1: broken")
			}
			return nil
		},
	})
}

func TestNewAddressesMustBeOpenAndStoredOnesMayStay(t *testing.T) {
	t.Parallel()
	closed := ""
	store := &memory{}
	service := NewPolicies(store, NewCache(store, quiet()), Rules{
		KnownType:    func(hook.EventType) bool { return true },
		TargetTypes:  []string{"http"},
		FormatsFor:   func(string) []string { return []string{"Events"} },
		CheckPayload: func(hook.Target, []hook.EventType) error { return nil },
		CheckAddress: func(address string) error {
			if address == closed {
				return errors.New("blocked")
			}
			return nil
		},
	})
	policy := func(name string, addresses ...string) *hook.Policy {
		p := &hook.Policy{ProjectID: 1, Name: name, HookTypes: []hook.EventType{hook.PushImage}}
		for _, a := range addresses {
			p.Targets = append(p.Targets, hook.Target{Address: a})
		}
		return p
	}
	wantField := func(err error, field string) {
		t.Helper()
		var invalid *hook.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%v, want that %s is invalid", err, field)
		}
	}
	p := policy("a", "https://one.example/")
	if err := service.CreatePolicy(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	closed = "https://one.example/"
	wantField(service.CreatePolicy(t.Context(), policy("b", closed), nil), "target")
	wantField(service.CreatePolicy(t.Context(), policy("b", "https://two.example/", closed), nil), "targets[1].target")
	p.Description = "changed after the network was closed"
	if err := service.UpdatePolicy(t.Context(), p, time.Time{}, nil); err != nil {
		t.Errorf("a stored address may not stay: %v", err)
	}
	closed = "https://three.example/"
	p.Targets = []hook.Target{{Address: closed}}
	wantField(service.UpdatePolicy(t.Context(), p, time.Time{}, nil), "target")
}

func TestPoliciesAreChecked(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		spoil func(*hook.Policy)
		field string
	}{
		{"no name", func(p *hook.Policy) { p.Name = "" }, "name"},
		{"long name", func(p *hook.Policy) { p.Name = strings.Repeat("x", 65) }, "name"},
		{"control character in the name", func(p *hook.Policy) { p.Name = "a\x1b[2J" }, "name"},
		{"line break in the name", func(p *hook.Policy) { p.Name = "a\nb" }, "name"},
		{"invalid UTF-8", func(p *hook.Policy) { p.Name = "\xff" }, "name"},
		{"long description", func(p *hook.Policy) { p.Description = strings.Repeat("x", 1025) }, "description"},
		{"no types", func(p *hook.Policy) { p.HookTypes = nil }, "hook_types"},
		{"unknown type", func(p *hook.Policy) { p.HookTypes = []hook.EventType{"PUSH"} }, "hook_types"},
		{"no target", func(p *hook.Policy) { p.Targets = nil }, "targets"},
		{"many targets", func(p *hook.Policy) { p.Targets = slices.Repeat(p.Targets, 11) }, "targets"},
		{"bad address", func(p *hook.Policy) { p.Targets[0].Address = "ftp://x" }, "target"},
		{"bad second address", func(p *hook.Policy) { p.Targets = append(p.Targets, hook.Target{Address: "http:///x"}) }, "targets[1].target"},
		{"header with line break", func(p *hook.Policy) { p.Targets[0].AuthHeader = "a\r\nX: y" }, "auth_header"},
		{"unknown format", func(p *hook.Policy) { p.Targets[0].PayloadFormat = "XML" }, "payload_format"},
		{"unknown target type", func(p *hook.Policy) { p.Targets[0].Type = "smtp" }, "type"},
		{"bad template", func(p *hook.Policy) { p.Targets[0].PayloadFormat, p.Targets[0].PayloadTemplate = "Custom", "broken" }, "payload_template"},
		{"format of another type", func(p *hook.Policy) { p.Targets[0].Type, p.Targets[0].PayloadFormat = "slack", "Events" }, "payload_format"},
		{"bad filter", func(p *hook.Policy) { p.Filters = []hook.Filter{tags("(")} }, "filters[0].value"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPolicy(0, "https://a.example.com")
			c.spoil(&p)
			err := newService(&memory{}).CreatePolicy(t.Context(), &p, nil)
			var invalid *hook.InvalidError
			if !errors.As(err, &invalid) || invalid.Field != c.field {
				t.Errorf("got %v, want an InvalidError of %s", err, c.field)
			}
		})
	}
}

func TestPoliciesAreCompleted(t *testing.T) {
	t.Parallel()
	store := &memory{}
	p := newPolicy(0, "https://a.example.com")
	p.Description = "two\nlines"
	p.Targets[0].Type, p.Targets[0].PayloadFormat = "", ""
	p.HookTypes = []hook.EventType{hook.PushImage, hook.PullImage, hook.PushImage}
	if err := newService(store).CreatePolicy(t.Context(), &p, nil); err != nil {
		t.Fatal(err)
	}
	want := newPolicy(0, "https://a.example.com")
	want.Description, want.HookTypes = p.Description, []hook.EventType{hook.PushImage, hook.PullImage}
	if diff := cmp.Diff([]hook.Policy{want}, store.policies); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestAProjectHas50Policies(t *testing.T) {
	t.Parallel()
	store := &memory{policies: make([]hook.Policy, 50)}
	p := newPolicy(0, "https://a.example.com")
	var invalid *hook.InvalidError
	if err := newService(store).CreatePolicy(t.Context(), &p, nil); !errors.As(err, &invalid) {
		t.Errorf("the 51st policy: got %v, want an InvalidError", err)
	}
}

func TestATakenNameIsAConflictThatNamesIt(t *testing.T) {
	t.Parallel()
	store := &memory{policies: []hook.Policy{{Name: "p"}}}
	p := newPolicy(0, "https://a.example.com")
	err := newService(store).CreatePolicy(t.Context(), &p, nil)
	if !errors.Is(err, hook.ErrConflict) || !strings.Contains(err.Error(), `"p"`) {
		t.Errorf("got %v, want a conflict that names the policy", err)
	}
}

// jobService is a JobService that is slow, so that what comes meanwhile piles up.
type jobService struct {
	got  chan []int64
	next chan error
}

func (s *jobService) Submit(_ context.Context, ids []int64) error {
	s.got <- ids
	return <-s.next
}

func TestSubmissionsOfOneMomentGoTogetherAndFailuresAreForgotten(t *testing.T) {
	t.Parallel()
	to := &jobService{got: make(chan []int64), next: make(chan error)}
	q := NewQueuer(to, quiet())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	q.Submit([]int64{1})
	first := <-to.got
	q.Submit([]int64{2})
	q.Submit([]int64{3, 4})
	to.next <- errors.New("away")
	second := <-to.got
	to.next <- nil
	cancel()
	<-done
	if diff := cmp.Diff([][]int64{{1}, {2, 3, 4}}, [][]int64{first, second}); diff != "" {
		t.Errorf("submitted (-want +got):\n%s", diff)
	}
}

func TestSubmitDoesNotGrowWithoutBound(t *testing.T) {
	t.Parallel()
	q := NewQueuer(nil, quiet())
	for range maxSubmitting {
		q.Submit([]int64{1, 2, 3})
	}
	if len(q.waiting) != maxSubmitting {
		t.Errorf("%d ids wait, want %d", len(q.waiting), maxSubmitting)
	}
}

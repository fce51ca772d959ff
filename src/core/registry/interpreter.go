package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// Projects finds projects by name.
type Projects interface {
	// ProjectByName returns hook.ErrNotFound if there is no such project.
	ProjectByName(ctx context.Context, name string) (hook.Project, error)
}

// Interpreter knows what a registry's actions mean. It may be used by several
// goroutines at once.
type Interpreter struct {
	memory   Memory
	projects Projects
	catalog  *event.Catalog
	own      []string
	lookUp   bool
	recovers bool
	now      func() time.Time
}

// Option changes an Interpreter.
type Option func(*Interpreter)

// WithOwnUserAgents makes pulls by user agents that begin with one of the
// prefixes count for nothing: they are Harbor's own, for example this module's
// when it reads a manifest.
func WithOwnUserAgents(prefixes ...string) Option {
	return func(i *Interpreter) { i.own = slices.Clone(prefixes) }
}

// WithCatalog replaces event.DefaultCatalog as the list of event types.
func WithCatalog(c *event.Catalog) Option {
	return func(i *Interpreter) { i.catalog = c }
}

// WithLookUp makes events incomplete whose manifest nobody has described yet:
// somebody reads it from the registry and uses Complete. Without this option what
// is unknown counts as an image, for good.
func WithLookUp() Option {
	return func(i *Interpreter) { i.lookUp = true }
}

// WithRecovery says that what a registry does not tell is recovered by comparing
// with it, so that what it tells late may have been told already.
func WithRecovery() Option {
	return func(i *Interpreter) { i.recovers = true }
}

// WithClock replaces time.Now, which tells the time of receipt.
func WithClock(now func() time.Time) Option {
	return func(i *Interpreter) { i.now = now }
}

// NewInterpreter returns an Interpreter that reads memory and projects.
func NewInterpreter(memory Memory, projects Projects, options ...Option) *Interpreter {
	i := &Interpreter{memory: memory, projects: projects, now: time.Now}
	for _, option := range options {
		option(i)
	}
	if i.catalog == nil {
		i.catalog = event.DefaultCatalog()
	}
	return i
}

// Interpret returns what the actions of one envelope amount to, and counts those
// of which no use was made: they neither raise an event nor teach the memory
// anything. Later actions see what earlier ones did. The same actions give the
// same event ids until their notification is stored; afterwards they may raise
// less, since the memory knows that it was told, but nothing new. An error is
// one of the memory or the projects: the envelope should come again.
func (i *Interpreter) Interpret(ctx context.Context, actions []Action) (hook.Notification, Skipped, error) {
	r := &reading{
		Interpreter: i,
		view:        newView(i.memory),
		found:       make(map[string]hook.Project),
		received:    i.now().UTC(),
	}
	if err := r.recallPushed(ctx, actions); err != nil {
		return hook.Notification{}, nil, err
	}
	skipped := Skipped{}
	ids := newIdentities()
	for _, a := range actions {
		id, first := ids.next(a)
		if !first {
			skipped[ReasonRepeated]++
			continue
		}
		a.EventID = id
		a.Timestamp = plausible(a.Timestamp, r.received)
		reason, err := r.read(ctx, a)
		if err != nil {
			return hook.Notification{}, nil, fmt.Errorf("interpret %s of %s: %w", a.Op, a.Repository, err)
		}
		if reason != "" {
			skipped[reason]++
		}
	}
	return hook.Notification{Events: r.events, Facts: r.view.facts}, skipped, nil
}

// maxAhead is how far a registry's clock may be ahead of ours. Being behind is
// no fault: a registry keeps events for as long as nobody takes them.
const maxAhead = 24 * time.Hour

// plausible returns t, or the time of receipt if t is missing or absurd.
func plausible(t, received time.Time) time.Time {
	if t.Year() < 2000 || t.After(received.Add(maxAhead)) {
		return received
	}
	return t.UTC()
}

// reading is the interpretation of one envelope.
type reading struct {
	*Interpreter
	view     *view
	found    map[string]hook.Project
	received time.Time
	events   []hook.Event
}

// recallPushed fetches what the pushes of an envelope will be compared with, which
// is most of what most envelopes need, all at once.
func (r *reading) recallPushed(ctx context.Context, actions []Action) error {
	var manifests []hook.ManifestRef
	var tags []hook.TagRef
	for _, a := range actions {
		if a.Op != OpPush {
			continue
		}
		for _, digest := range digestsOf(a) {
			manifests = append(manifests, hook.ManifestRef{Repository: a.Repository, Digest: digest})
		}
		if a.Tag != "" {
			tags = append(tags, hook.TagRef{Repository: a.Repository, Name: a.Tag})
		}
	}
	return r.view.recall(ctx, manifests, tags)
}

// digestsOf are the digests of an action's manifest and of its children.
func digestsOf(a Action) []string {
	digests := []string{a.Digest}
	for _, child := range children(a) {
		digests = append(digests, child.Digest)
	}
	return digests
}

// read interprets one action. The reason is empty if use was made of it.
func (r *reading) read(ctx context.Context, a Action) (Reason, error) {
	name, _, _ := strings.Cut(a.Repository, "/")
	project, err := r.project(ctx, name)
	if errors.Is(err, hook.ErrNotFound) {
		return ReasonUnknownProject, nil
	}
	if err != nil {
		return "", err
	}
	switch a.Op {
	case OpPush:
		return r.push(ctx, project, a)
	case OpPull:
		return r.pull(ctx, project, a)
	case OpHead:
		return r.head(a), nil
	case OpDeleteDigest:
		return r.deleteDigest(ctx, project, a)
	case OpDeleteTag:
		return r.deleteTag(ctx, project, a)
	default:
		return ReasonUnknownAction, nil
	}
}

// project looks a project up once per envelope.
func (r *reading) project(ctx context.Context, name string) (hook.Project, error) {
	if p, ok := r.found[name]; ok {
		return p, nil
	}
	p, err := r.projects.ProjectByName(ctx, name)
	if err != nil {
		return hook.Project{}, fmt.Errorf("look up project %q: %w", name, err)
	}
	r.found[name] = p
	return p, nil
}

// raise adds the event that this happening raises and returns it, or nil if the
// catalog has none.
func (r *reading) raise(project hook.Project, a Action, done event.Action, kind hook.Kind, resources ...hook.Resource) *hook.Event {
	typ, ok := r.catalog.Raised(done, kind)
	if !ok {
		return nil
	}
	_, repository, _ := strings.Cut(a.Repository, "/")
	r.events = append(r.events, hook.Event{
		ID:         a.EventID,
		Type:       typ.Name,
		ProjectID:  project.ID,
		Project:    project.Name,
		Public:     project.Public,
		Repository: repository,
		Resources:  resources,
		OccurredAt: a.Timestamp,
		Operator:   a.Actor,
		RequestID:  a.RequestID,
		Recovered:  a.Recovered,
	})
	return &r.events[len(r.events)-1]
}

// raiseTagged raises what happened to one tag of a manifest that is there. If
// nobody has described the manifest, the event is incomplete until somebody looks.
func (r *reading) raiseTagged(project hook.Project, a Action, done event.Action, m hook.Manifest, tagged hook.Resource) {
	kind := kindOfTag(tagged.Tag, m)
	e := r.raise(project, a, done, kind, tagged)
	if e != nil && r.lookUp && kind != hook.KindArtifact {
		e.Incomplete = undescribed(m)
	}
}

// described returns what is known of the action's manifest after it, and whether
// that is more than before.
func (r *reading) described(ctx context.Context, a Action) (m hook.Manifest, news bool, err error) {
	memory, err := r.view.manifestsOf(ctx, a.Repository, digestsOf(a))
	if err != nil {
		return hook.Manifest{}, false, err
	}
	m = describe(a, memory)
	before, known := memory[a.Digest]
	return m, !known || !sameManifest(m, before), nil
}

func sameManifest(a, b hook.Manifest) bool {
	return a.MediaType == b.MediaType && a.Kind == b.Kind && a.ConfigDigest == b.ConfigDigest &&
		slices.Equal(a.Platforms, b.Platforms)
}

// kindOfTag is the kind of what a tag names: a signature's tag is one even if
// nothing more is known of the manifest.
func kindOfTag(tag string, m hook.Manifest) hook.Kind {
	if isSignatureTag(tag) {
		return hook.KindArtifact
	}
	return m.Kind
}

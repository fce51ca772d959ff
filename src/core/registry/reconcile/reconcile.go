// Package reconcile finds what a registry did not tell: it compares the
// registry's catalog and tags with the tag memory, and raises the events that are
// missing, marked as recovered.
//
// A registry keeps its events in memory until they are taken, and loses them when
// it stops.
package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

// Registry is what is compared. upstream.Client is one.
type Registry interface {
	// Repositories and Tags return complete lists, or an error.
	Repositories(ctx context.Context) ([]string, error)
	Tags(ctx context.Context, repository string) ([]string, error)
	// TagDigest and Manifest fail with hook.ErrNotFound only if the registry says that
	// there is no such thing.
	TagDigest(ctx context.Context, repository, tag string) (string, error)
	Manifest(ctx context.Context, repository, digest string) (registry.Content, error)
}

// Store holds the tag memory.
type Store interface {
	// TaggedRepositories lists repositories that have a tag, in order: those after
	// a name, limit at most.
	TaggedRepositories(ctx context.Context, after string, limit int) ([]string, error)
	// TagsIn returns the tags of a repository, also deleted ones.
	TagsIn(ctx context.Context, repository string) ([]hook.Tag, error)
	// SourcesKnown says which sources were learned before, and whether any ever was.
	SourcesKnown(ctx context.Context, sources []hook.RegistrySource) (known map[hook.RegistrySource]bool, ever bool, err error)
	LearnSources(ctx context.Context, sources []hook.RegistrySource) error
}

// Projects finds projects by name.
type Projects interface {
	// ProjectByName returns hook.ErrNotFound if there is no such project.
	ProjectByName(ctx context.Context, name string) (hook.Project, error)
}

// Interpreter says what happened in a registry. *registry.Interpreter is one.
type Interpreter interface {
	Interpret(ctx context.Context, actions []registry.Action) (hook.Notification, registry.Skipped, error)
}

// Handler takes notifications: core/event's Handler does.
type Handler interface {
	Handle(ctx context.Context, n hook.Notification) error
}

// DefaultSettle is longer than an event is under way that is not lost: a registry
// repeats it after a second, and one in this process stores it within five.
const DefaultSettle = 6 * time.Second

// Config is what a Reconciler needs; fields without another word are required.
type Config struct {
	Registry    Registry
	Store       Store
	Projects    Projects
	Interpreter Interpreter
	Handler     Handler
	// Settle is how long a difference must last to be believed.
	Settle time.Duration
	// KeepTags leaves tags alone that the registry does not have: others than this
	// registry may have told of them.
	KeepTags bool
	// Report, if set, is told line by line what is found and done.
	Report func(line string)
	Log    *slog.Logger
}

// Reconciler compares one registry. Only one comparison should run at a time; two
// of different processes raise everything once all the same.
type Reconciler struct{ Config }

// New returns a Reconciler.
func New(c Config) *Reconciler {
	if c.Report == nil {
		c.Report = func(string) {}
	}
	return &Reconciler{c}
}

// Summary is what a comparison came to.
type Summary struct {
	// First says that no registry had been compared before: the memory was filled,
	// and nothing raised.
	First        bool
	Repositories int
	Tags         int
	// Learned counts the tags that were silently filled in, Raised the events.
	Learned, Raised int
}

// Reconcile compares, and raises what is missing. If all of it could be compared,
// it remembers that it did so for these sources, which must have been heard of
// before. An error says what could not be compared; the rest was.
func (r *Reconciler) Reconcile(ctx context.Context, sources ...hook.RegistrySource) (Summary, error) {
	_, ever, err := r.Store.SourcesKnown(ctx, sources)
	if err != nil {
		return Summary{}, err
	}
	run := &run{Reconciler: r, summary: Summary{First: !ever}}
	names, err := run.repositories(ctx)
	if err != nil {
		return run.summary, err
	}
	run.summary.Repositories = len(names)
	run.report("%d repositories to compare", len(names))
	if err := run.compareAll(ctx, names); err != nil {
		return run.summary, err
	}
	return run.summary, r.Store.LearnSources(ctx, sources)
}

// run is one comparison.
type run struct {
	*Reconciler
	mu      sync.Mutex
	summary Summary
}

// look is what a look at one repository shows.
type look struct {
	repository  string
	memory      []hook.Tag
	tags        int
	differences []difference
}

// compareAll compares the repositories, and the ones that differ a second time
// after a while: by then everything has come that is not lost.
func (r *run) compareAll(ctx context.Context, names []string) error {
	first, failed := r.lookAt(ctx, names)
	var differ []string
	before := map[string][]difference{}
	for _, l := range first {
		r.summary.Tags += l.tags
		if len(l.differences) > 0 {
			differ = append(differ, l.repository)
			before[l.repository] = l.differences
		}
	}
	if len(differ) == 0 {
		return failed
	}
	r.report("%d repositories differ", len(differ))
	if !wait(ctx, r.Settle) {
		return errors.Join(failed, ctx.Err())
	}
	second, failedAgain := r.lookAt(ctx, differ)
	for i := range second {
		second[i].differences = both(before[second[i].repository], second[i].differences)
	}
	return errors.Join(failed, failedAgain, each(ctx, second, func(l look) error { return r.settle(ctx, l) }))
}

// lookAt looks at repositories, and returns those that could be looked at.
func (r *run) lookAt(ctx context.Context, names []string) ([]look, error) {
	var looks []look
	err := each(ctx, names, func(name string) error {
		l, err := r.look(ctx, name)
		if err != nil {
			return fmt.Errorf("compare %s: %w", name, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		looks = append(looks, l)
		return nil
	})
	slices.SortFunc(looks, func(a, b look) int { return strings.Compare(a.repository, b.repository) })
	return looks, err
}

// look reads the registry before the memory, so that what happens in between is
// in the memory.
func (r *run) look(ctx context.Context, repository string) (look, error) {
	tags, err := r.Registry.Tags(ctx, repository)
	if err != nil {
		return look{}, err
	}
	found := make(map[string]string, len(tags))
	for _, tag := range tags {
		digest, err := r.Registry.TagDigest(ctx, repository, tag)
		if errors.Is(err, hook.ErrNotFound) {
			continue // deleted since the list was made, or a tag of nothing
		}
		if err != nil {
			return look{}, err
		}
		found[tag] = digest
	}
	memory, err := r.Store.TagsIn(ctx, repository)
	if err != nil {
		return look{}, err
	}
	return look{repository, memory, len(found), compare(repository, memory, found)}, nil
}

// settle makes the memory agree with what was found in one repository.
func (r *run) settle(ctx context.Context, l look) error {
	for _, d := range l.differences {
		if d.digest == "" {
			continue
		}
		if err := r.pushed(ctx, d); err != nil {
			return fmt.Errorf("recover tag %s of %s: %w", d.was.Name, l.repository, err)
		}
	}
	if r.summary.First || r.KeepTags {
		return nil
	}
	for _, d := range deletions(l.memory, l.differences) {
		if err := r.deleted(ctx, l.repository, d); err != nil {
			return fmt.Errorf("recover the deletion of %s in %s: %w", d.digest, l.repository, err)
		}
	}
	return nil
}

// pushed raises the push of a tag that nobody told.
func (r *run) pushed(ctx context.Context, d difference) error {
	actions, err := registry.ReadPush(ctx, r.Registry, d.was.Repository, d.was.Name, d.digest)
	if errors.Is(err, hook.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	actions[len(actions)-1].EventID = eventID(d.digest, d.was)
	return r.tell(ctx, actions, d.was)
}

// deleted raises the deletion of a manifest with its tags, if the registry says
// that it has none of this digest.
func (r *run) deleted(ctx context.Context, repository string, d deletion) error {
	_, err := r.Registry.Manifest(ctx, repository, d.digest)
	if err == nil {
		r.report("%s: %s has lost its tags, but is there; left alone", repository, d.digest)
		return nil
	}
	if !errors.Is(err, hook.ErrNotFound) {
		return err
	}
	id := eventID(d.digest, d.tags...)
	return r.tell(ctx, []registry.Action{{
		Op: registry.OpDeleteDigest, EventID: id, RequestID: id, Repository: repository, Digest: d.digest,
	}}, d.tags...)
}

// tell hands over actions that nobody told of, unless the tags have changed: then
// somebody is telling it just now. The first time, they teach the memory only.
func (r *run) tell(ctx context.Context, actions []registry.Action, was ...hook.Tag) error {
	for i := range actions {
		actions[i].Recovered = !r.summary.First
	}
	n, _, err := r.Interpreter.Interpret(ctx, actions)
	if err != nil {
		return err
	}
	if r.summary.First {
		n.Events = nil
	}
	n.Expect = was
	err = r.Handler.Handle(ctx, n)
	if errors.Is(err, hook.ErrConflict) {
		return nil
	}
	if err != nil {
		return err
	}
	r.count(len(n.Events))
	for _, e := range n.Events {
		r.report("%s: %s %s", was[0].Repository, e.Type, tagNames(was))
		r.Log.Info("recovered an event", "event", e.ID, "type", string(e.Type), "repository", was[0].Repository)
	}
	return nil
}

// count counts what was told of a tag, or learned.
func (r *run) count(events int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.summary.First {
		r.summary.Learned++
		return
	}
	r.summary.Raised += events
}

// report says something, one line at a time.
func (r *run) report(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Report(fmt.Sprintf(format, args...))
}

func tagNames(tags []hook.Tag) string {
	names := make([]string, len(tags))
	for i, t := range tags {
		names[i] = t.Name
	}
	return strings.Join(names, ", ")
}

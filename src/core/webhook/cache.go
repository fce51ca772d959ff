package webhook

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// CacheStore is where projects and policies come from.
type CacheStore interface {
	ProjectByName(ctx context.Context, name string) (hook.Project, error)
	Policies(ctx context.Context, projectID int64) ([]hook.Policy, error)
	// PoliciesVersion changes with every change of a project or policy.
	PoliciesVersion(ctx context.Context) (int64, error)
}

// Cache keeps projects and compiled policies in memory. What this process
// changes is seen at once; what others change within a second.
type Cache struct {
	store CacheStore
	log   *slog.Logger

	mu       sync.RWMutex
	projects map[string]hook.Project
	policies map[int64][]compiled
	// generation grows when everything is dropped, so that what was read before
	// is not kept after.
	generation int
}

// compiled is an enabled policy, ready to match.
type compiled struct {
	policy  hook.Policy
	types   []hook.EventType
	matcher *matcher
}

// checkVersionEvery is how often the cache asks whether others changed something.
const checkVersionEvery = 400 * time.Millisecond

// maxCached bounds the projects and the policy lists that are kept.
const maxCached = 10_000

// NewCache returns an empty cache. It is correct only while Run runs.
func NewCache(store CacheStore, log *slog.Logger) *Cache {
	return &Cache{store: store, log: log, projects: map[string]hook.Project{}, policies: map[int64][]compiled{}}
}

// Run drops everything whenever another process has changed something, until
// ctx ends. While the database does not answer nothing is kept.
func (c *Cache) Run(ctx context.Context) error {
	ticker := time.NewTicker(checkVersionEvery)
	defer ticker.Stop()
	last := int64(-1)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		asking, cancel := context.WithTimeout(ctx, checkVersionEvery)
		version, err := c.store.PoliciesVersion(asking)
		cancel()
		if err != nil {
			version = -1
		}
		if version != last || err != nil {
			last = version
			c.Invalidate()
		}
	}
}

// Invalidate drops everything.
func (c *Cache) Invalidate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	clear(c.projects)
	clear(c.policies)
}

// ProjectByName returns a project, or hook.ErrNotFound.
func (c *Cache) ProjectByName(ctx context.Context, name string) (hook.Project, error) {
	return cached(c, c.projects, name, func() (hook.Project, error) { return c.store.ProjectByName(ctx, name) })
}

// enabledPolicies returns the project's enabled policies, compiled.
func (c *Cache) enabledPolicies(ctx context.Context, projectID int64) ([]compiled, error) {
	return cached(c, c.policies, projectID, func() ([]compiled, error) {
		policies, err := c.store.Policies(ctx, projectID)
		if err != nil {
			return nil, err
		}
		return c.compileAll(policies), nil
	})
}

// cached returns what kept holds for the key, or reads it. What is read while
// everything is dropped is not kept.
func cached[K comparable, V any](c *Cache, kept map[K]V, key K, read func() (V, error)) (V, error) {
	c.mu.RLock()
	v, ok := kept[key]
	generation := c.generation
	c.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation == generation && len(kept) < maxCached {
		kept[key] = v
	}
	return v, nil
}

// compileAll leaves out a policy that cannot be compiled: it was valid when it
// was saved, and must not hold up the other ones.
func (c *Cache) compileAll(policies []hook.Policy) []compiled {
	list := make([]compiled, 0, len(policies))
	for _, p := range policies {
		if !p.Enabled {
			continue
		}
		m, err := compile(p.Filters)
		if err != nil {
			c.log.Error("a stored policy is not valid; it is left out", "policy", p.ID, "error", err)
			continue
		}
		list = append(list, compiled{policy: p, types: slices.Clone(p.HookTypes), matcher: m})
	}
	return list
}

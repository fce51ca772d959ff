package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// namesAtATime is how many names are read from the memory at once.
const namesAtATime = 1000

// repositories returns the repositories of known projects that the registry or
// the memory knows, in order.
func (r *run) repositories(ctx context.Context) ([]string, error) {
	names, err := r.Registry.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	for after := ""; ; {
		page, err := r.Store.TaggedRepositories(ctx, after, namesAtATime)
		if err != nil {
			return nil, err
		}
		names = append(names, page...)
		if len(page) < namesAtATime {
			break
		}
		after = page[len(page)-1]
	}
	slices.Sort(names)
	return r.ofProjects(ctx, slices.Compact(names))
}

func (r *run) ofProjects(ctx context.Context, names []string) ([]string, error) {
	exists := map[string]bool{}
	var kept []string
	for _, name := range names {
		project, _, nested := strings.Cut(name, "/")
		if !nested {
			continue
		}
		known, asked := exists[project]
		if !asked {
			_, err := r.Projects.ProjectByName(ctx, project)
			if err != nil && !errors.Is(err, hook.ErrNotFound) {
				return nil, err
			}
			known = err == nil
			exists[project] = known
		}
		if known {
			kept = append(kept, name)
		}
	}
	return kept, nil
}

// sideBySide is how many repositories are compared at the same time.
const sideBySide = 8

// maxFailures is how much may go wrong before a registry is given up.
const maxFailures = 10

// each calls f for every item, a few at the same time, and returns what went
// wrong. It gives up when too much does.
func each[T any](ctx context.Context, items []T, f func(T) error) error {
	var (
		mu   sync.Mutex
		errs []error
		all  sync.WaitGroup
	)
	next := make(chan T)
	for range min(sideBySide, len(items)) {
		all.Go(func() {
			for item := range next {
				if err := f(item); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	goOn := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(errs) < maxFailures && ctx.Err() == nil
	}
	for _, item := range items {
		if !goOn() {
			break
		}
		next <- item
	}
	close(next)
	all.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// wait waits, and says whether ctx lasted as long.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

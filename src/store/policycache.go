package store

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/harborhook/harborhook/src/hook"
)

// policyCache holds the policies that claims have read, as long as the version
// of the policies stays what it was. A claim reads the version with its rows, so
// that what it sends is what the policy said at that moment.
type policyCache struct {
	mu      sync.Mutex
	version int64
	byID    map[int64]*hook.Policy // nil: there is none
}

// maxCachedPolicies bounds the policies that are held.
const maxCachedPolicies = 10_000

// get returns the policies of a version that are held, and the ids of the others.
func (c *policyCache) get(version int64, claimed []hook.Delivery) (byID map[int64]*hook.Policy, missing []int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	byID = make(map[int64]*hook.Policy, 1)
	for _, d := range claimed {
		if _, asked := byID[d.PolicyID]; asked {
			continue
		}
		p, held := c.byID[d.PolicyID]
		if !held || c.version != version {
			missing = append(missing, d.PolicyID)
		}
		byID[d.PolicyID] = p
	}
	return byID, missing
}

// put holds policies that were read after the version was. A newer version is
// not put back.
func (c *policyCache) put(version int64, byID map[int64]*hook.Policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version < c.version {
		return
	}
	if version > c.version || len(c.byID) > maxCachedPolicies {
		c.byID = map[int64]*hook.Policy{}
	}
	c.version = version
	maps.Copy(c.byID, byID)
}

// policiesOf returns the policies of claimed jobs; nil for those that are gone.
func (s *Store) policiesOf(ctx context.Context, claimed []hook.Delivery, version int64) (map[int64]*hook.Policy, error) {
	byID, missing := s.policies.get(version, claimed)
	if len(missing) == 0 {
		return byID, nil
	}
	found, err := s.queryPolicies(ctx, s.read, `id `+fmt.Sprintf(s.d.In, "$1"), s.d.IDs(missing))
	if err != nil {
		return nil, err
	}
	for _, id := range missing {
		byID[id] = nil
	}
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	s.policies.put(version, byID)
	return byID, nil
}

package api

import (
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

type lastTriggerJSON struct {
	PolicyName   string `json:"policy_name"`
	EventType    string `json:"event_type"`
	Enabled      bool   `json:"enabled"`
	CreationTime stamp  `json:"creation_time"`
	// LastTriggerTime of what never happened is left out in the first family and
	// the year 1 in the second.
	LastTriggerTime *stamp `json:"last_trigger_time,omitempty"`
}

// listLastTriggers answers when each policy was last triggered by each type of
// event that it is subscribed to.
func (a *API) listLastTriggers(c *call) error {
	policies, err := a.Policies.Policies(c.r.Context(), c.project.ID)
	if err != nil {
		return fmt.Errorf("list policies: %w", err)
	}
	triggers, err := a.Store.LastTriggers(c.r.Context(), triggersOf(policies))
	if err != nil {
		return fmt.Errorf("look up last triggers: %w", err)
	}
	shown := []lastTriggerJSON{}
	for _, p := range policies {
		for _, name := range c.family.typeNames(a.Catalog, p.HookTypes, p.HookTypes) {
			last := a.lastOf(c.family, p, name, triggers)
			entry := lastTriggerJSON{PolicyName: p.Name, EventType: name, Enabled: p.Enabled, CreationTime: c.family.time(p.CreationTime)}
			if !last.IsZero() || c.family.harbor2 {
				at := c.family.time(last)
				entry.LastTriggerTime = &at
			}
			shown = append(shown, entry)
		}
	}
	return c.json(shown)
}

// triggersOf returns every event type of every policy.
func triggersOf(policies []hook.Policy) []hook.Trigger {
	var triggers []hook.Trigger
	for _, p := range policies {
		for _, t := range p.HookTypes {
			triggers = append(triggers, hook.Trigger{PolicyID: p.ID, HookType: t})
		}
	}
	return triggers
}

// lastOf returns the latest trigger of those of the policy's types that have this
// name in the family.
func (a *API) lastOf(f *Family, p hook.Policy, name string, triggers map[hook.Trigger]time.Time) time.Time {
	var last time.Time
	for _, t := range p.HookTypes {
		at := triggers[hook.Trigger{PolicyID: p.ID, HookType: t}]
		if f.typeName(a.Catalog, t, p.HookTypes) == name && at.After(last) {
			last = at
		}
	}
	return last
}

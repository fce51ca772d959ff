package api

import (
	"slices"

	"github.com/harborhook/harborhook/src/hook"
)

// jobQuery reads which jobs are wanted. Parameters that are not ours are left
// alone; a wrong one is a *hook.InvalidError.
func (q *query) jobQuery(catalog Catalog) (hook.JobFilter, hook.JobPage, error) {
	f := hook.JobFilter{
		PolicyID:   q.integer("policy_id", 0, 1, 1<<62),
		Statuses:   q.statuses(),
		HookType:   q.hookType(catalog),
		Repository: q.optional("repository"),
		Tag:        q.optional("tag"),
		Digest:     q.optional("digest"),
		HTTPStatus: int(q.integer("http_status", 0, 100, 999)),
		Since:      q.time("since"),
		Until:      q.time("until"),
		Text:       q.optional("text"),
	}
	page := q.page()
	page.Ascending = q.ascending()
	return f, page, q.err
}

func (q *query) statuses() []hook.Status {
	var statuses []hook.Status
	for _, given := range q.values["status"] {
		status := hook.Status(given)
		if !slices.Contains(hook.Statuses(), status) {
			q.fail("status", "must be pending, running, scheduled, finished, error or stopped")
			return nil
		}
		statuses = append(statuses, status)
	}
	return statuses
}

func (q *query) hookType(catalog Catalog) hook.EventType {
	name, ok := q.text("hook_type")
	if !ok {
		return ""
	}
	if _, known := catalog.Lookup(hook.EventType(name)); !known {
		q.fail("hook_type", "is no event type")
	}
	return hook.EventType(name)
}

// ascending takes the orders that a list of jobs has: their ids grow with their
// creation times.
func (q *query) ascending() bool {
	sort, ok := q.text("sort")
	switch {
	case !ok, sort == "-creation_time", sort == "-id":
		return false
	case sort == "creation_time", sort == "id":
		return true
	default:
		q.fail("sort", "must be creation_time, -creation_time, id or -id")
		return false
	}
}

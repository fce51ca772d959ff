package api

import (
	"strings"

	"github.com/harborhook/harborhook/src/hook"
)

// jobQuery reads which jobs are wanted, and which page of them. Parameters that
// are not ours are left alone.
func (q *query) jobQuery(catalog Catalog) (hook.JobFilter, hook.JobPage, error) {
	f := q.jobFilter(catalog)
	if q.family.harbor2 && f.PolicyID == 0 {
		q.fail("policy_id", "is required")
	}
	page := q.page()
	page.Ascending = q.ascending()
	return f, page, q.err
}

func (q *query) jobFilter(catalog Catalog) hook.JobFilter {
	return hook.JobFilter{
		PolicyID:   q.integer("policy_id", 0, 1, 1<<62),
		Statuses:   q.statuses(),
		HookTypes:  q.hookTypes(catalog),
		Repository: q.optional("repository"),
		Tag:        q.optional("tag"),
		Digest:     q.optional("digest"),
		HTTPStatus: int(q.integer("http_status", 0, 100, 999)),
		Since:      q.time("since"),
		Until:      q.time("until"),
		Text:       q.optional("text"),
	}
}

// statuses takes the family's names. Harbor 2's Go client joins several by commas.
func (q *query) statuses() []hook.Status {
	names := q.values["status"]
	if q.family.harbor2 && len(names) > 0 {
		names = strings.Split(strings.Join(names, ","), ",")
	}
	var statuses []hook.Status
	for _, given := range names {
		status, ok := q.family.statusOf(given)
		if !ok {
			names := make([]string, 0, len(hook.Statuses()))
			for _, s := range hook.Statuses() {
				names = append(names, q.family.status(s))
			}
			q.fail("status", "must be one of "+strings.Join(names, ", "))
			return nil
		}
		statuses = append(statuses, status)
	}
	return statuses
}

// hookTypes takes one of the family's names, which may stand for several types.
func (q *query) hookTypes(catalog Catalog) []hook.EventType {
	name, ok := q.text("hook_type")
	if !ok {
		return nil
	}
	types := q.family.typesOf(catalog, name)
	if len(types) == 0 {
		q.fail("hook_type", "is no event type")
	}
	return types
}

// ascending takes the orders that a list of jobs has: their ids grow with their
// creation times. The second family leaves other orders alone, as Harbor does.
func (q *query) ascending() bool {
	sort, ok := q.text("sort")
	if q.family.harbor2 {
		first, _, _ := strings.Cut(sort, ",")
		return first == "creation_time" || first == "start_time" || first == "id"
	}
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

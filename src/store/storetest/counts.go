package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// acceptTyped stores an event of a type with one job for each policy.
func (f *fixture) acceptTyped(t *testing.T, id string, of hook.EventType, policies ...hook.Policy) []int64 {
	t.Helper()
	e := f.event(id)
	e.Type = of
	var jobs []hook.Job
	for _, p := range policies {
		jobs = append(jobs, f.job(e, p))
	}
	ids, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{e}}, jobs)
	must(t, err)
	return ids
}

// A list of some event types is the same whether its jobs are counted, partly or not
// at all.
func typedLists(t *testing.T, f *fixture) {
	other := f.newPolicy("other", "https://other.example.com")
	must(t, f.CreatePolicy(f.ctx, &other, nil))
	var waiting []int64
	for i, of := range []hook.EventType{"pushImage", "pushImage", "pullImage", "pushImage", "deleteImage", "pushImage", "pullImage", "pushImage", "pushImage"} {
		policies := []hook.Policy{f.policy, other}
		if of == "deleteImage" {
			policies = policies[1:] // its only jobs are of this one
		}
		for k, id := range f.acceptTyped(t, fmt.Sprintf("e%d", i), of, policies...) {
			switch (i + k) % 4 {
			case 0, 3:
				f.end(t, id, hook.StatusFinished)
			case 1:
				f.end(t, id, hook.StatusError)
			default:
				waiting = append(waiting, id)
			}
		}
	}
	since := time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)
	check := func(when string) {
		t.Helper()
		f.checkTypedLists(t, when, since, other.ID)
	}
	check("not counted")
	f.SetIndexAfter(0)
	n, err := f.Tally(f.ctx, 5)
	must(t, err)
	wantEqual(t, "jobs of a batch", n, 5)
	check("partly counted")
	f.tally(t)
	check("counted")
	for i, id := range waiting {
		f.end(t, id, []hook.Status{hook.StatusFinished, hook.StatusError}[i%2])
	}
	check("over since")
	_, err = f.TallyLater(f.ctx, 0, 2)
	must(t, err)
	check("counted later, in part")
	f.acceptTyped(t, "e20", "scanFailed", f.policy)
	check("a new type")
	_, purged, err := f.Purge(f.ctx, 0, 0, 7)
	must(t, err)
	wantEqual(t, "purged", purged, 7)
	check("purged in part")
}

// checkTypedLists compares lists of event types with what is left of all jobs.
func (f *fixture) checkTypedLists(t *testing.T, when string, since time.Time, other int64) {
	t.Helper()
	all, _, err := f.Jobs(f.ctx, f.project.ID, hook.JobFilter{}, hook.JobPage{Limit: 100})
	must(t, err)
	types := func(of ...hook.EventType) hook.JobFilter { return hook.JobFilter{HookTypes: of} }
	cut := time.Now().Add(-7 * time.Minute)
	for name, filter := range map[string]hook.JobFilter{
		"pushes":                       types("pushImage"),
		"pulls":                        types("pullImage"),
		"pulls and deletions":          types("pullImage", "deleteImage"),
		"deletions":                    types("deleteImage"),
		"of a new type":                types("scanFailed"),
		"of no such type":              types("quotaExceed"),
		"since an hour":                {HookTypes: []hook.EventType{"pullImage"}, Since: since},
		"since a moment":               {HookTypes: []hook.EventType{"pullImage"}, Since: cut},
		"of an hour that is cut":       {HookTypes: []hook.EventType{"pullImage"}, Since: since.Add(time.Minute), Until: time.Now().Add(time.Second)},
		"before there were any":        {HookTypes: []hook.EventType{"pushImage"}, Until: since},
		"later than there are any":     {HookTypes: []hook.EventType{"pushImage"}, Since: since.Add(3 * time.Hour)},
		"failed":                       {HookTypes: []hook.EventType{"pushImage", "pullImage"}, Statuses: []hook.Status{hook.StatusError}},
		"over":                         {HookTypes: []hook.EventType{"pushImage"}, Statuses: []hook.Status{hook.StatusError, hook.StatusFinished}},
		"waiting":                      {HookTypes: []hook.EventType{"pushImage"}, Statuses: []hook.Status{hook.StatusPending}},
		"of a policy":                  {HookTypes: []hook.EventType{"pushImage"}, PolicyID: other},
		"of a policy since":            {PolicyID: other, Since: since},
		"failed since":                 {Statuses: []hook.Status{hook.StatusError}, Since: since},
		"of no policy":                 {HookTypes: []hook.EventType{"pushImage"}, PolicyID: other + 100},
		"of a repository":              {HookTypes: []hook.EventType{"pushImage"}, Repository: "app", Since: since},
		"of a tag, finished":           {Statuses: []hook.Status{hook.StatusFinished}, Tag: "latest", Since: since},
		"of a tag since long":          {Tag: "latest", Since: since.Add(-100 * time.Hour)},
		"of a tag up to now":           {Tag: "latest", Since: since, Until: time.Now().Add(time.Second)},
		"of a tag in a coming hour":    {Tag: "latest", Since: since, Until: since.Add(100 * time.Hour)},
		"of a repository before there": {Repository: "app", Since: since.Add(-100 * time.Hour), Until: since},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(j hook.Job) bool { return !meant(filter, j) })
		for _, page := range []hook.JobPage{{Limit: 100}, {Limit: 1}, {Limit: 2, Offset: 3}, {Limit: 3, Ascending: true}, {Limit: 2, Offset: 2, Ascending: true}, {Limit: 5, Offset: 50}} {
			jobs, total, err := f.Jobs(f.ctx, f.project.ID, filter, page)
			must(t, err)
			if total != len(want) {
				t.Errorf("%s, %s, %+v: %d in all, want %d", when, name, page, total, len(want))
			}
			wantEqual(t, fmt.Sprintf("%s, %s, %+v", when, name, page), idsOf(jobs), idsOf(pageOf(want, page)))
		}
		_, total, err := f.Jobs(f.ctx, f.project.ID+1, filter, hook.JobPage{Limit: 10})
		must(t, err)
		wantEqual(t, when+", "+name+": jobs of another project", total, 0)
	}
}

// meant says whether a filter lets a job through.
func meant(f hook.JobFilter, j hook.Job) bool {
	return (len(f.HookTypes) == 0 || slices.Contains(f.HookTypes, j.HookType)) &&
		(len(f.Statuses) == 0 || slices.Contains(f.Statuses, j.Status)) &&
		(f.PolicyID == 0 || f.PolicyID == j.PolicyID) &&
		(f.Repository == "" || f.Repository == j.Repository) && (f.Tag == "" || f.Tag == j.Tag) &&
		!j.CreationTime.Before(f.Since) && (f.Until.IsZero() || !j.CreationTime.After(f.Until))
}

// pageOf is a page of jobs that are ordered from the newest.
func pageOf(jobs []hook.Job, page hook.JobPage) []hook.Job {
	jobs = slices.Clone(jobs)
	if page.Ascending {
		slices.Reverse(jobs)
	}
	begin := min(page.Offset, len(jobs))
	return jobs[begin:min(begin+page.Limit, len(jobs))]
}

func idsOf(jobs []hook.Job) []int64 {
	ids := make([]int64, 0, len(jobs))
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	return ids
}

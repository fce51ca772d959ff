package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// searchable stores final jobs with these bodies, oldest first, and returns their
// ids; a body that begins with "waits" stays unfinished.
func (f *fixture) searchable(t *testing.T, prefix string, bodies ...string) []int64 {
	t.Helper()
	ids := make([]int64, len(bodies))
	for i, body := range bodies {
		e := f.event(fmt.Sprintf("%s-%d", prefix, i))
		j := f.job(e, f.policy)
		j.Detail = []byte(body)
		got, err := f.Accept(f.ctx, hook.Notification{Events: []hook.Event{e}}, []hook.Job{j})
		must(t, err)
		ids[i] = got[0]
		if len(body) >= 5 && body[:5] == "waits" {
			continue
		}
		f.finishWith(t, ids[i], "answer of "+body)
	}
	return ids
}

func (f *fixture) finishWith(t *testing.T, id int64, answer string) {
	t.Helper()
	d := f.claimOne(t, id, lease)
	a := attempt(1, hook.ResultOK)
	a.Response.Body = answer
	f.finish(t, hook.Outcome{JobID: id, Lease: d.Lease, Attempt: a, Status: hook.StatusFinished})
}

func (f *fixture) search(t *testing.T, filter hook.JobFilter, page hook.JobPage) (ids []int64, total int) {
	t.Helper()
	jobs, total, err := f.Jobs(f.ctx, f.project.ID, filter, page)
	must(t, err)
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	return ids, total
}

// index indexes everything, whatever its age.
func (f *fixture) index(t *testing.T) {
	t.Helper()
	f.SetIndexAfter(0)
	for {
		n, err := f.IndexSearch(f.ctx, 7)
		must(t, err)
		if n == 0 {
			return
		}
	}
}

// What is searched is found the same whether it is indexed, partly or not at all.
func searchIndexed(t *testing.T, f *fixture) {
	var bodies []string
	for i := range 50 {
		bodies = append(bodies, fmt.Sprintf("body %d of Many 100%% é", i))
	}
	bodies[20], bodies[33], bodies[40] = "waits for ZANZIBAR", "here is Zanzibar", "waits too"
	ids := f.searchable(t, "s", bodies...)
	first := hook.JobPage{Limit: 100}
	check := func(when string) {
		t.Helper()
		for _, c := range []struct {
			text string
			want []int64
		}{
			{"zanzibar", []int64{ids[33], ids[20]}},
			{"ANSWER OF HERE", []int64{ids[33]}},
			{"0% é", nil},
			{"no such text", nil},
			{"ody 4", []int64{ids[49], ids[48], ids[47], ids[46], ids[45], ids[44], ids[43], ids[42], ids[41], ids[4]}},
		} {
			got, total := f.search(t, hook.JobFilter{Text: c.text}, first)
			if c.text == "0% é" {
				wantEqual(t, when+": found of é", total, 47)
				continue
			}
			wantEqual(t, when+": found of "+c.text, got, c.want)
			wantEqual(t, when+": total of "+c.text, total, len(c.want))
		}
		got, total := f.search(t, hook.JobFilter{Text: "many"}, hook.JobPage{Limit: 3, Offset: 20})
		wantEqual(t, when+": total of many", total, 47)
		wantEqual(t, when+": a page", got, []int64{ids[27], ids[26], ids[25]})
		got, _ = f.search(t, hook.JobFilter{Text: "many"}, hook.JobPage{Limit: 2, Offset: 19, Ascending: true})
		wantEqual(t, when+": a page from the other end", got, []int64{ids[19], ids[21]})
		_, total = f.search(t, hook.JobFilter{Text: "many", Statuses: []hook.Status{hook.StatusError}}, first)
		wantEqual(t, when+": errors", total, 0)
		_, total = f.search(t, hook.JobFilter{Text: "many", Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)}, first)
		wantEqual(t, when+": of the last hour", total, 47)
		oldest, err := f.JobIDs(f.ctx, f.project.ID, hook.JobFilter{Text: "many"}, 2)
		must(t, err)
		wantEqual(t, when+": the oldest", oldest, ids[:2])
		short, _ := f.search(t, hook.JobFilter{Text: "Z"}, first)
		wantEqual(t, when+": found of one letter", short, []int64{ids[33], ids[20]})
	}
	check("not indexed")
	n, err := f.IndexSearch(f.ctx, 100)
	must(t, err)
	wantEqual(t, "young jobs that are indexed", n, 0)
	f.SetIndexAfter(0)
	n, err = f.IndexSearch(f.ctx, 30)
	must(t, err)
	wantEqual(t, "jobs of a batch", n, 30)
	check("partly indexed")
	f.index(t)
	check("indexed")

	f.finishWith(t, ids[20], "an answer that came later")
	check("finished since")
	for after := int64(0); ; {
		after, err = f.IndexLater(f.ctx, after, 1)
		must(t, err)
		if after == 0 {
			break
		}
	}
	check("indexed later")
	got, _ := f.search(t, hook.JobFilter{Text: "came later"}, first)
	wantEqual(t, "found of the later answer", got, []int64{ids[20]})

	other := hook.Project{Name: "other"}
	must(t, f.CreateProject(f.ctx, &other))
	_, total, err := f.Jobs(f.ctx, other.ID, hook.JobFilter{Text: "many"}, first)
	must(t, err)
	wantEqual(t, "found in another project", total, 0)
}

func searchPurged(t *testing.T, f *fixture) {
	ids := f.searchable(t, "p", "one text", "another text", "waits with text")
	f.index(t)
	_, n, err := f.Purge(f.ctx, 0, 0, 10)
	must(t, err)
	wantEqual(t, "purged", n, 2)
	got, total := f.search(t, hook.JobFilter{Text: "text"}, hook.JobPage{Limit: 10})
	wantEqual(t, "found", got, ids[2:])
	wantEqual(t, "total", total, 1)
	f.finishWith(t, ids[2], "")
	_, n, err = f.Purge(f.ctx, 0, 0, 10)
	must(t, err)
	wantEqual(t, "purged then", n, 1)
	next, err := f.IndexLater(f.ctx, 0, 10)
	must(t, err)
	wantEqual(t, "jobs left for later", next, 0)
}

func deepPages(t *testing.T, f *fixture) {
	var ids []int64
	for i := range 40 {
		ids = append(ids, f.accept(t, fmt.Sprintf("d%d", i), f.policy)...)
	}
	for _, filter := range []hook.JobFilter{
		{}, {Repository: "app"}, {Tag: "latest"}, {Statuses: []hook.Status{hook.StatusPending}}, {Since: time.Now().Add(-time.Hour)}, {Until: time.Now().Add(time.Hour)},
	} {
		got, total := f.search(t, filter, hook.JobPage{Limit: 3, Offset: 30})
		wantEqual(t, "total", total, 40)
		wantEqual(t, "page 11", got, []int64{ids[9], ids[8], ids[7]})
		got, _ = f.search(t, filter, hook.JobPage{Limit: 3, Offset: 39, Ascending: true})
		wantEqual(t, "last page", got, ids[39:])
		got, total = f.search(t, filter, hook.JobPage{Limit: 3, Offset: 90})
		wantEqual(t, "beyond the last page", len(got)+total, 40)
	}
	_, total := f.search(t, hook.JobFilter{Since: time.Now().Add(time.Hour)}, hook.JobPage{Limit: 3})
	wantEqual(t, "of the future", total, 0)
	_, total = f.search(t, hook.JobFilter{Until: time.Now().Add(-time.Hour)}, hook.JobPage{Limit: 3})
	wantEqual(t, "of the past", total, 0)
}

// steps takes a bulk to its end and returns the new jobs.
func (f *fixture) steps(t *testing.T, id int64, most int) []int64 {
	t.Helper()
	var made []int64
	for {
		step, err := f.StepBulk(f.ctx, id, most, 0)
		must(t, err)
		made = append(made, step.IDs...)
		if !step.More {
			return made
		}
	}
}

func bulkSteps(t *testing.T, f *fixture) {
	f.searchable(t, "b", "one", "two", "three", "four", "five")
	gone := f.newPolicy("gone", "https://gone.example.com/hook")
	must(t, f.CreatePolicy(f.ctx, &gone, nil))
	f.accept(t, "of-gone", gone)
	must(t, f.DeletePolicy(f.ctx, f.project.ID, gone.ID, nil))
	b := hook.Bulk{ProjectID: f.project.ID, Filter: hook.JobFilter{Statuses: []hook.Status{hook.StatusFinished, hook.StatusStopped}}, Total: 6, StartedBy: "alice"}
	must(t, f.CreateBulk(f.ctx, &b, nil))
	f.searchable(t, "after", "a job that came later")
	unfinished, err := f.UnfinishedBulks(f.ctx, 5)
	must(t, err)
	wantEqual(t, "unfinished", unfinished, []int64{b.ID})

	step, err := f.StepBulk(f.ctx, b.ID, 2, time.Hour)
	must(t, err)
	wantEqual(t, "new jobs of a step", len(step.IDs), 2)
	wait, err := f.StepBulk(f.ctx, b.ID, 2, time.Hour)
	must(t, err)
	wantEqual(t, "a step behind jobs that were not tried", wait, hook.BulkStep{More: true, Wait: true})
	now, err := f.Bulk(f.ctx, f.project.ID, b.ID)
	must(t, err)
	wantEqual(t, "progress", []any{now.Status, now.Total, now.Done, now.Failed, now.StartedBy}, []any{hook.BulkRunning, 6, 2, 0, "alice"})
	made := append(step.IDs, f.steps(t, b.ID, 2)...)
	wantEqual(t, "new jobs", len(made), 5)
	now, err = f.Bulk(f.ctx, f.project.ID, b.ID)
	must(t, err)
	wantEqual(t, "progress at the end", []any{now.Status, now.Total, now.Done, now.Failed}, []any{hook.BulkFinished, 6, 5, 1})
	again, err := f.Job(f.ctx, f.project.ID, made[0])
	must(t, err)
	wantEqual(t, "a new job", []any{again.Status, string(again.Detail), again.RedeliveryOf > 0}, []any{hook.StatusPending, "one", true})
	unfinished, err = f.UnfinishedBulks(f.ctx, 5)
	must(t, err)
	wantEqual(t, "unfinished at the end", len(unfinished), 0)
	wantError(t, f.StopBulk(f.ctx, f.project.ID, b.ID, nil), hook.ErrConflict)
	_, err = f.Bulk(f.ctx, f.project.ID+1, b.ID)
	wantError(t, err, hook.ErrNotFound)
}

func bulkOnce(t *testing.T, f *fixture) {
	f.searchable(t, "b", "one", "two", "three", "four", "five", "six", "seven", "eight")
	b := hook.Bulk{ProjectID: f.project.ID, Filter: hook.JobFilter{Text: "answer of"}, Total: 8}
	must(t, f.CreateBulk(f.ctx, &b, nil))
	done := make(chan error, 3)
	for range cap(done) {
		go func() {
			for {
				step, err := f.StepBulk(context.WithoutCancel(f.ctx), b.ID, 1, 0)
				if errors.Is(err, hook.ErrUnavailable) {
					continue // another one holds the file
				}
				if err != nil || !step.More {
					done <- err
					return
				}
			}
		}()
	}
	for range cap(done) {
		must(t, <-done)
	}
	_, total := f.search(t, hook.JobFilter{}, hook.JobPage{Limit: 1})
	wantEqual(t, "jobs", total, 16)
}

func bulkStopped(t *testing.T, f *fixture) {
	f.searchable(t, "b", "one", "two", "three")
	b := hook.Bulk{ProjectID: f.project.ID, Total: 3}
	must(t, f.CreateBulk(f.ctx, &b, nil))
	_, err := f.StepBulk(f.ctx, b.ID, 1, 0)
	must(t, err)
	wantError(t, f.StopBulk(f.ctx, f.project.ID+1, b.ID, nil), hook.ErrNotFound)
	must(t, f.StopBulk(f.ctx, f.project.ID, b.ID, nil))
	step, err := f.StepBulk(f.ctx, b.ID, 1, 0)
	must(t, err)
	wantEqual(t, "a step after the end", step, hook.BulkStep{})
	now, err := f.Bulk(f.ctx, f.project.ID, b.ID)
	must(t, err)
	wantEqual(t, "a stopped bulk", []any{now.Status, now.Done}, []any{hook.BulkStopped, 1})
}

func streamed(t *testing.T, f *fixture) {
	newest, err := f.NewestJob(f.ctx)
	must(t, err)
	wantEqual(t, "the newest of none", newest, 0)
	ids := f.searchable(t, "s", "one", "waits", "three")
	newest, err = f.NewestJob(f.ctx)
	must(t, err)
	wantEqual(t, "the newest", newest, ids[2])
	after, err := f.JobsAfter(f.ctx, ids[1], ids[:1], 10)
	must(t, err)
	wantEqual(t, "after one, and another", []int64{after[0].ID, after[1].ID, int64(len(after))}, []int64{ids[0], ids[2], 2})
	wantEqual(t, "a body", len(after[0].Detail), 0)
	open, err := f.UnfinishedJobs(f.ctx, f.project.ID, 10)
	must(t, err)
	times, err := f.JobTimes(f.ctx, ids)
	must(t, err)
	wantEqual(t, "unfinished, and when they changed", open, map[int64]time.Time{ids[1]: times[ids[1]]})
	light, err := f.LightJobs(f.ctx, ids[:1])
	must(t, err)
	wantEqual(t, "a job", []any{light[0].ID, light[0].Status, light[0].UpdateTime}, []any{ids[0], hook.StatusFinished, times[ids[0]]})

	f.finishWith(t, ids[1], "")
	changed, err := f.JobsChangedAfter(f.ctx, f.project.ID, times[ids[0]], ids[0], 10)
	must(t, err)
	wantEqual(t, "changed after the first", []int64{changed[0].ID, changed[1].ID, int64(len(changed))}, []int64{ids[2], ids[1], 2})
	changed, err = f.JobsChangedAfter(f.ctx, f.project.ID, time.Now().Add(-time.Hour), 0, 2)
	must(t, err)
	wantEqual(t, "the first changes", []int64{changed[0].ID, changed[1].ID}, []int64{ids[0], ids[2]})
	changed, err = f.JobsChangedAfter(f.ctx, f.project.ID+1, time.Now().Add(-time.Hour), 0, 2)
	must(t, err)
	wantEqual(t, "changes of another project", len(changed), 0)
}

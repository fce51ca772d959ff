package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/harborhook/harborhook/src/hook"
)

// measure is what is asked, and how long 95 of 100 answers may take at most.
type measure struct {
	name  string
	bound time.Duration
	ask   func(ctx context.Context) (found int, err error)
}

type measured struct {
	measure
	found    int
	first    time.Duration
	p50, p95 time.Duration
}

func (m measured) missed() bool { return m.p95 > m.bound }

// run asks so many times.
func (m measure) run(ctx context.Context, times int) (measured, error) {
	took := make([]time.Duration, times)
	out := measured{measure: m}
	for i := range took {
		began := time.Now()
		found, err := m.ask(ctx)
		if err != nil {
			return out, fmt.Errorf("%s: %w", m.name, err)
		}
		took[i], out.found = time.Since(began), found
	}
	out.first = took[0]
	slices.Sort(took)
	at := func(p float64) time.Duration { return took[int(math.Ceil(p*float64(times)))-1] }
	out.p50, out.p95 = at(0.5), at(0.95)
	return out, nil
}

const (
	listBound   = 50 * time.Millisecond
	textBound   = 500 * time.Millisecond
	recentBound = 100 * time.Millisecond
)

// pageSize is how many deliveries the page shows.
const pageSize = 15

// lists are the measures of one project's list.
func lists(list func(ctx context.Context, f hook.JobFilter, page hook.JobPage) (int, error), total int, now time.Time) []measure {
	deep := min(1000, total/pageSize)
	ask := func(name string, bound time.Duration, f hook.JobFilter, number int) measure {
		return measure{name, bound, func(ctx context.Context) (int, error) {
			return list(ctx, f, hook.JobPage{Limit: pageSize, Offset: (number - 1) * pageSize})
		}}
	}
	day := now.Add(-24 * time.Hour)
	finished := hook.JobFilter{Statuses: []hook.Status{hook.StatusFinished}}
	return []measure{
		ask("page 1", listBound, hook.JobFilter{}, 1),
		ask(fmt.Sprintf("page %d", deep), listBound, hook.JobFilter{}, deep),
		ask("status error, page 1", listBound, hook.JobFilter{Statuses: []hook.Status{hook.StatusError}}, 1),
		ask("status finished, page 1", listBound, finished, 1),
		ask(fmt.Sprintf("status finished, page %d", deep/2), listBound, finished, deep/2),
		ask("a repository, page 1", listBound, hook.JobFilter{Repository: "team7/api"}, 1),
		ask("a repository, page 100", listBound, hook.JobFilter{Repository: "team7/api"}, 100),
		ask("a tag, page 1", listBound, hook.JobFilter{Tag: "latest"}, 1),
		ask(fmt.Sprintf("a tag, page %d", deep/5), listBound, hook.JobFilter{Tag: "latest"}, deep/5),
		ask("a day two weeks ago", listBound, hook.JobFilter{Since: now.Add(-15 * 24 * time.Hour), Until: now.Add(-14 * 24 * time.Hour)}, 1),
		ask("the last week, page 100", listBound, hook.JobFilter{Since: now.Add(-7 * 24 * time.Hour)}, 100),
		ask("a repository's errors of the last day", listBound, hook.JobFilter{Repository: "team7/api", Since: day, Statuses: []hook.Status{hook.StatusError}}, 1),
		ask("text: a rare word", textBound, hook.JobFilter{Text: rareWord}, 1),
		ask("text: a common word", textBound, hook.JobFilter{Text: commonWord}, 1),
		ask("text: a word of one in 200", textBound, hook.JobFilter{Text: "library/team7/api"}, 1),
		ask("text: no hit", textBound, hook.JobFilter{Text: missing}, 1),
		ask("text: in answers", textBound, hook.JobFilter{Text: "502 bad gateway"}, 1),
		ask("text: a rare word, by status and tag", textBound, hook.JobFilter{Text: rareWord, Tag: "latest", Statuses: []hook.Status{hook.StatusFinished}}, 1),
		ask("text in the last 24 h: a rare word", recentBound, hook.JobFilter{Text: rareWord, Since: day}, 1),
		ask("text in the last 24 h: a common word", recentBound, hook.JobFilter{Text: commonWord, Since: day}, 1),
		ask("text in the last 24 h: no hit", recentBound, hook.JobFilter{Text: missing, Since: day}, 1),
	}
}

// byStore asks the store itself.
func (d *database) byStore(project int64) func(context.Context, hook.JobFilter, hook.JobPage) (int, error) {
	return func(ctx context.Context, f hook.JobFilter, page hook.JobPage) (int, error) {
		jobs, total, err := d.store.Jobs(ctx, project, f, page)
		if err == nil && len(jobs) == 0 && page.Offset < total {
			err = errors.New("an empty page")
		}
		return total, err
	}
}

// writers is how many deliveries are written side by side.
const writers = 64

// write takes deliveries from acceptance to their end and returns the rate.
func (d *database) write(ctx context.Context, project, policy int64, deliveries int) (float64, error) {
	began := time.Now()
	var wg sync.WaitGroup
	errs := make(chan error, writers)
	for range writers {
		wg.Go(func() {
			for range deliveries / writers {
				if err := d.deliver(ctx, project, policy); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return float64(deliveries) / time.Since(began).Seconds(), <-errs
}

func (d *database) deliver(ctx context.Context, project, policy int64) error {
	e := hook.Event{ID: uuid.NewString(), Type: hook.PushImage, ProjectID: project, Project: "library", Repository: "team7/api", OccurredAt: time.Now()}
	job := hook.Job{
		UUID: uuid.NewString(), Key: hook.JobKey(e, policy, 0), ProjectID: project, PolicyID: policy, PolicyName: "ci", EventID: e.ID, HookType: e.Type,
		NotifyType: "http", Target: "https://ci.example.com/hook", Origin: "https://ci.example.com", PayloadFormat: "Events", ContentType: "application/json",
		Detail:     fmt.Appendf(nil, `{"event_type":"pushImage","events":[{"project":"library","repo_name":"team7/api","tag":"latest","event_id":%q}]}`, e.ID),
		Repository: e.Repository, Tag: "latest", Digest: "sha256:aa",
	}
	ids, err := d.store.Accept(ctx, hook.Notification{Events: []hook.Event{e}}, []hook.Job{job})
	if err != nil {
		return err
	}
	claimed, err := d.store.Claim(ctx, ids, time.Minute)
	if err != nil {
		return err
	}
	if len(claimed) != 1 {
		return errors.New("a job could not be claimed")
	}
	_, err = d.store.Finish(ctx, hook.Outcome{
		JobID: claimed[0].ID, Lease: claimed[0].Lease, Status: hook.StatusFinished, Attempt: hook.Attempt{
			Number: 1, StartedAt: time.Now(), Duration: time.Millisecond, Result: hook.ResultOK,
			Request:  hook.Request{Method: http.MethodPost, URL: job.Target, Headers: map[string][]string{"Content-Type": {"application/json"}}},
			Response: &hook.Response{Status: http.StatusOK, Body: "ok"},
		},
	})
	return err
}

// bestOf writes several times and returns the best rate: what else the machine
// does only makes it worse.
func (d *database) bestOf(ctx context.Context, times int, project, policy int64, deliveries int) (best float64, err error) {
	for range times {
		rate, err := d.write(ctx, project, policy, deliveries)
		if err != nil {
			return 0, err
		}
		best = max(best, rate)
	}
	return best, nil
}

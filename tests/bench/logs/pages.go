package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/core/webhook"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/portal"
	"github.com/harborhook/harborhook/src/store"
)

const (
	// pageBound is how long 95 of 100 pages of the portal may take at most.
	pageBound = 100 * time.Millisecond
	// pageSizeBound is how many bytes of HTML a page may have, compressed.
	pageSizeBound = 60 << 10
)

// visitor looks at the pages of a portal over a store, signed in.
type visitor struct {
	server *http.Server
	client *http.Client
	base   string
	// heaviest is the largest page that was seen, compressed and plain.
	heaviest, plain int
	heaviestPath    string
}

func visitPortal(ctx context.Context, s *store.Store) (*visitor, error) {
	log := slog.New(slog.DiscardHandler)
	catalog, formats := event.DefaultCatalog(), payload.DefaultFormats()
	service := auth.New(auth.Config{Users: s, Roles: s})
	policies := webhook.NewPolicies(s, webhook.NewCache(s, log), webhook.Rules{
		KnownType:   func(t hook.EventType) bool { _, ok := catalog.Lookup(t); return ok },
		TargetTypes: formats.TargetTypes(), FormatsFor: formats.For,
	})
	handler := portal.New(portal.Config{
		Store: s, Policies: policies, TestLimit: webhook.NewTestLimit(time.Now), Previewer: webhook.NewPreviewer(policies, s),
		Deliveries: webhook.NewDeliveries(s, nil), Auth: service, Sessions: auth.NewSessions(auth.SessionsConfig{Store: s, Service: service, Logger: log}),
		Catalog: catalog, Formats: formats, Version: "bench", Logger: log,
		Health: func(ctx context.Context) map[string]bool { return map[string]bool{"database": s.Ping(ctx) != nil} },
	})
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	v := &visitor{
		server: &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}, base: "http://" + l.Addr().String(),
		client: &http.Client{Jar: jar},
	}
	go v.server.Serve(l)
	answer, err := v.client.PostForm(v.base+"/sign-in", url.Values{"username": {adminName}, "password": {adminPassword}})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Request.URL.Path != "/projects" {
		return nil, fmt.Errorf("sign in: %s at %s", answer.Status, answer.Request.URL)
	}
	return v, nil
}

func (v *visitor) close() { v.server.Close() }

// get asks for a page and returns it.
func (v *visitor) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := v.client.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK || strings.Contains(string(text), `role="alert"`) {
		return "", fmt.Errorf("%s: %s", path, answer.Status)
	}
	return string(text), nil
}

// weigh remembers the size of a page if it is the heaviest.
func (v *visitor) weigh(path, text string) error {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if packed.Len() > v.heaviest {
		v.heaviest, v.plain, v.heaviestPath = packed.Len(), len(text), path
	}
	return nil
}

// pages are the measures of the portal's pages.
func (v *visitor) pages(policy, delivery int64, total int, now time.Time) []measure {
	const webhooks = "/projects/library/webhooks"
	deep := min(1000, total/pageSize)
	at := func(ago time.Duration) string { return now.Add(-ago).UTC().Format("2006-01-02T15:04") }
	open := strconv.FormatInt(delivery, 10)
	var list []measure
	for _, page := range []struct{ name, path string }{
		{"projects", "/projects"},
		{"policies", webhooks},
		{"a policy", webhooks + "/" + strconv.FormatInt(policy, 10)},
		{"deliveries of the last day", webhooks + "/deliveries"},
		{"deliveries of the last hour", webhooks + "/deliveries?span=1h"},
		{"deliveries of the last week", webhooks + "/deliveries?span=7d"},
		{"deliveries of a month", webhooks + "/deliveries?from=" + at(span)},
		{"deliveries of some days in between", webhooks + "/deliveries?from=" + at(span/2) + "&to=" + at(span/3)},
		{"deliveries of any time", webhooks + "/deliveries?span=all"},
		{fmt.Sprintf("deliveries of any time, page %d", deep), webhooks + "/deliveries?span=all&page=" + strconv.Itoa(deep)},
		{"100 deliveries", webhooks + "/deliveries?span=all&page_size=100"},
		{"failed deliveries of a week", webhooks + "/deliveries?span=7d&status=error"},
		{"deliveries of a policy in a week", webhooks + "/deliveries?span=7d&policy=" + strconv.FormatInt(policy, 10)},
		{"pulls of a week", webhooks + "/deliveries?span=7d&event=pullImage"},
		{"deliveries of a repository in a week", webhooks + "/deliveries?span=7d&repository=team7%2Fapi"},
		{"deliveries of a tag in a week", webhooks + "/deliveries?span=7d&tag=latest"},
		{"text of the last day: a rare word", webhooks + "/deliveries?text=" + rareWord},
		{"text of the last day: a common word", webhooks + "/deliveries?text=" + commonWord},
		{"an open delivery beside the list", webhooks + "/deliveries?span=7d&open=" + open},
		{"a delivery alone", webhooks + "/deliveries/" + open},
		{"members", "/projects/library/members"},
		{"users", "/users"},
		{"system", "/system"},
	} {
		list = append(list, measure{"portal: " + page.name, pageBound, func(ctx context.Context) (int, error) {
			text, err := v.get(ctx, page.path)
			return len(text), err
		}})
	}
	return list
}

// weighAll asks for each page once more and remembers the heaviest.
func (v *visitor) weighAll(ctx context.Context, delivery int64) error {
	for _, path := range []string{
		"/projects", "/projects/library/webhooks", "/projects/library/webhooks/new", "/projects/library/webhooks/deliveries?span=7d&open=" + strconv.FormatInt(delivery, 10),
		"/projects/library/webhooks/deliveries?span=all&page_size=100", "/users", "/system",
	} {
		text, err := v.get(ctx, path)
		if err != nil {
			return err
		}
		if err := v.weigh(path, text); err != nil {
			return err
		}
	}
	return nil
}

// checkSummaries wants charts that are correct to the delivery: what the tallies say
// must be what counting all deliveries says.
func (d *database) checkSummaries(ctx context.Context, project int64, now time.Time) error {
	for name, f := range map[string]hook.JobFilter{
		"a week":                   {Since: now.Add(-7 * 24 * time.Hour).Truncate(time.Hour)},
		"a week from now":          {Since: now.Add(-7 * 24 * time.Hour)},
		"days in between":          {Since: now.Add(-15 * 24 * time.Hour), Until: now.Add(-10 * 24 * time.Hour)},
		"failed ones of a month":   {Since: now.Add(-span), Statuses: []hook.Status{hook.StatusError}},
		"pushed charts of a month": {Since: now.Add(-span), HookTypes: []hook.EventType{"uploadChart"}},
	} {
		got, err := d.store.Summary(ctx, project, f, time.Hour)
		if err != nil {
			return fmt.Errorf("sum up %s: %w", name, err)
		}
		delivered, failed := 0, 0
		for _, step := range got.Steps {
			delivered, failed = delivered+step.Delivered, failed+step.Failed
		}
		var wantDelivered, wantFailed int
		until := f.Until
		if until.IsZero() {
			until = now.Add(24 * time.Hour)
		}
		query := `SELECT coalesce(sum(CASE WHEN status = 'finished' THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN status = 'error' THEN 1 ELSE 0 END), 0)
			FROM webhook_job WHERE project_id = $1 AND creation_time >= $2 AND creation_time <= $3`
		args := []any{project, f.Since.UnixMicro(), until.UnixMicro()}
		if len(f.HookTypes) > 0 {
			query += ` AND hook_type = $4`
			args = append(args, string(f.HookTypes[0]))
		}
		if err := d.raw.QueryRowContext(ctx, query, args...).Scan(&wantDelivered, &wantFailed); err != nil {
			return fmt.Errorf("count %s: %w", name, err)
		}
		if len(f.Statuses) > 0 {
			wantDelivered = 0
		}
		if got.Estimated || delivered != wantDelivered || failed != wantFailed {
			return fmt.Errorf("%s: summed up %d delivered and %d failed (estimated: %t), but there are %d and %d", name, delivered, failed, got.Estimated, wantDelivered, wantFailed)
		}
	}
	return nil
}

// checkTotals wants totals of lists that are correct to the delivery: what tallies and
// indexes say must be what looking at all deliveries says.
func (d *database) checkTotals(ctx context.Context, project int64, now time.Time) error {
	week := now.Add(-7 * 24 * time.Hour)
	for name, of := range map[string]struct {
		filter    hook.JobFilter
		condition string
	}{
		"pulls":                   {hook.JobFilter{HookTypes: []hook.EventType{"pullImage"}}, "hook_type = 'pullImage'"},
		"scans":                   {hook.JobFilter{HookTypes: []hook.EventType{"scanFailed"}, Since: week}, "hook_type = 'scanFailed'"},
		"failed pulls of a week":  {hook.JobFilter{HookTypes: []hook.EventType{"pullImage"}, Statuses: []hook.Status{hook.StatusError}, Since: week}, "hook_type = 'pullImage' AND status = 'error'"},
		"failed ones in between":  {hook.JobFilter{Statuses: []hook.Status{hook.StatusError}, Since: now.Add(-12 * 24 * time.Hour), Until: week}, "status = 'error'"},
		"a repository of a week":  {hook.JobFilter{Repository: "team7/api", Since: week}, "repository = 'team7/api'"},
		"a tag of a day":          {hook.JobFilter{Tag: "latest", Since: now.Add(-24 * time.Hour)}, "tag = 'latest'"},
		"a tag of two days":       {hook.JobFilter{Tag: "latest", Since: week, Until: week.Add(24 * time.Hour)}, "tag = 'latest'"},
		"failed ones of a tag":    {hook.JobFilter{Tag: "latest", Statuses: []hook.Status{hook.StatusError}, Since: week}, "tag = 'latest' AND status = 'error'"},
		"a tag of twenty minutes": {hook.JobFilter{Tag: "latest", Since: week, Until: week.Add(20 * time.Minute)}, "tag = 'latest'"},
	} {
		until := now.Add(24 * time.Hour)
		if !of.filter.Until.IsZero() {
			until = of.filter.Until
		}
		var want int
		if err := d.raw.QueryRowContext(ctx, `SELECT count(*) FROM webhook_job WHERE project_id = $1 AND creation_time >= $2 AND creation_time <= $3 AND `+of.condition,
			project, max(of.filter.Since.UnixMicro(), 0), until.UnixMicro()).Scan(&want); err != nil {
			return fmt.Errorf("count %s: %w", name, err)
		}
		_, got, err := d.store.Jobs(ctx, project, of.filter, hook.JobPage{Limit: pageSize})
		if err != nil {
			return fmt.Errorf("list %s: %w", name, err)
		}
		if got != want {
			return fmt.Errorf("%s: a list tells of %d deliveries, but there are %d", name, got, want)
		}
	}
	return nil
}

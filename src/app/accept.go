package app

import (
	"context"
	"log/slog"

	"github.com/harborhook/harborhook/src/core/webhook"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/tracing"
)

// accepted tells what a store has accepted: a line for each event, and listeners.
type accepted struct {
	webhook.Store
	log     *slog.Logger
	tracing *tracing.Tracing
	// wake is called once jobs are committed.
	wake func()
}

// Accept implements webhook.Store.
func (a accepted) Accept(ctx context.Context, n hook.Notification, jobs []hook.Job) ([]int64, error) {
	ids, err := a.Store.Accept(ctx, n, jobs)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		a.wake()
	}
	if !a.log.Enabled(ctx, slog.LevelInfo) {
		return ids, nil
	}
	trace := traceAttr(a.tracing.ID(ctx))
	for i := range n.Events {
		e := &n.Events[i]
		a.log.LogAttrs(ctx, slog.LevelInfo, "event", slog.String("event", e.ID), slog.String("type", string(e.Type)),
			slog.String("project", e.Project), slog.String("repository", e.Repository), slog.Int("jobs", jobsOf(e.ID, jobs)),
			slog.Bool("incomplete", e.Incomplete), trace)
	}
	return ids, nil
}

// jobsOf counts the jobs of an event.
func jobsOf(eventID string, jobs []hook.Job) int {
	n := 0
	for i := range jobs {
		if jobs[i].EventID == eventID {
			n++
		}
	}
	return n
}

// traceAttr names a trace in a line of the log; without one it is left out.
func traceAttr(id string) slog.Attr {
	if id == "" {
		return slog.Attr{}
	}
	return slog.String("trace", id)
}

package api

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/harborhook/harborhook/src/hook"
)

// Audit keeps what people did.
type Audit interface {
	AddAudit(ctx context.Context, e hook.AuditEntry) error
	// Audit returns one page of a project's entries, newest first, and how many
	// there are in all.
	Audit(ctx context.Context, projectID int64, page hook.JobPage) ([]hook.AuditEntry, int, error)
}

type auditJSON struct {
	ID       int64            `json:"id"`
	Time     stamp            `json:"time"`
	Actor    string           `json:"actor"`
	Action   hook.AuditAction `json:"action"`
	PolicyID int64            `json:"policy_id,omitempty"`
	JobID    int64            `json:"job_id,omitempty"`
	Detail   string           `json:"detail"`
}

// listAudit answers who did what to the project's webhooks, newest first.
func (a *API) listAudit(c *call) error {
	q := c.query()
	page := q.page()
	if q.err != nil {
		return q.err
	}
	entries, total, err := a.Store.Audit(c.r.Context(), c.project.ID, page)
	if err != nil {
		return fmt.Errorf("list audit entries: %w", err)
	}
	shown := make([]auditJSON, len(entries))
	for i, e := range entries {
		shown[i] = auditJSON{e.ID, c.family.time(e.At), e.Actor, e.Action, e.PolicyID, e.JobID, e.Detail}
	}
	c.announce(page, total)
	return c.json(shown)
}

// did records what the caller has done, in the database and in the log. It is done
// already, so an entry that cannot be stored fails nothing: the log has it.
func (c *call) did(e hook.AuditEntry) {
	e.ProjectID, e.Actor = c.project.ID, c.who.Name()
	ctx := context.WithoutCancel(c.r.Context()) // a caller who hangs up has done it all the same
	err := c.api.Store.AddAudit(ctx, e)
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
	}
	c.api.Logger.LogAttrs(ctx, level, "audit", slog.String("request", requestID(ctx)), slog.String("actor", e.Actor),
		slog.String("action", string(e.Action)), slog.Int64("project", e.ProjectID), slog.Int64("policy", e.PolicyID),
		slog.Int64("job", e.JobID), slog.String("detail", e.Detail), slog.Any("error", err))
}

// logged records in the log what the caller has done outside of any project.
func (c *call) logged(action, detail string) {
	ctx := c.r.Context()
	c.api.Logger.LogAttrs(ctx, slog.LevelInfo, "audit", slog.String("request", requestID(ctx)), slog.String("actor", c.who.Name()),
		slog.String("action", action), slog.String("detail", detail))
}

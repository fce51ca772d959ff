package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/harborhook/harborhook/src/hook"
)

// AddAudit records what somebody did that changes nothing here. The time is the
// database's.
func (s *Store) AddAudit(ctx context.Context, e hook.AuditEntry) error {
	return s.wrap("store what was done", s.audit(ctx, s.write, &e))
}

// audit records what somebody does, as part of the transaction that does it. An
// entry that does not say who did what is refused, and the act with it.
func (s *Store) audit(ctx context.Context, db execer, e *hook.AuditEntry) error {
	switch {
	case e == nil:
		return nil
	case e.Actor == "" || e.Action == "":
		return errors.New("record an audit entry: it does not say who did what")
	}
	_, err := db.ExecContext(ctx, `INSERT INTO webhook_audit (project_id, at, actor, action, policy_id, job_id, detail)
		VALUES ($1, `+s.d.Now+`, $2, $3, $4, $5, $6)`, e.ProjectID, e.Actor, string(e.Action), e.PolicyID, e.JobID, storable(e.Detail))
	if err != nil {
		return fmt.Errorf("record an audit entry: %w", err)
	}
	return nil
}

// Audit returns one page of what was done in a project, newest first, and how
// many entries there are in all.
func (s *Store) Audit(ctx context.Context, projectID int64, page hook.JobPage) ([]hook.AuditEntry, int, error) {
	var total int
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM webhook_audit WHERE project_id = $1`, projectID).Scan(&total); err != nil {
		return nil, 0, s.wrap("count audit entries", err)
	}
	result, err := s.read.QueryContext(ctx, `SELECT id, project_id, at, actor, action, policy_id, job_id, detail FROM webhook_audit
		WHERE project_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3`, projectID, page.Limit, page.Offset)
	if err != nil {
		return nil, 0, s.wrap("list audit entries", err)
	}
	var entries []hook.AuditEntry
	err = eachRow(result, func() error {
		var e hook.AuditEntry
		var at int64
		err := result.Scan(&e.ID, &e.ProjectID, &at, &e.Actor, &e.Action, &e.PolicyID, &e.JobID, &e.Detail)
		e.At = timeOf(at)
		entries = append(entries, e)
		return err
	})
	return entries, total, s.wrap("list audit entries", err)
}

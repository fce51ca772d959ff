package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// execer is a database or a transaction.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// storedTarget is a target after the first, as it stands in more_targets.
type storedTarget struct {
	Type            string `json:"type"`
	Address         string `json:"address"`
	AuthHeader      string `json:"auth_header,omitempty"` // encrypted
	SkipCertVerify  bool   `json:"skip_cert_verify,omitempty"`
	PayloadFormat   string `json:"payload_format"`
	PayloadTemplate string `json:"payload_template,omitempty"`
}

// The places that secrets are sealed for.
func secretPlace(policyID int64) string {
	return "policy:" + strconv.FormatInt(policyID, 10) + ":secret"
}

func oldSecretPlace(policyID int64) string {
	return "policy:" + strconv.FormatInt(policyID, 10) + ":old_secret"
}

func authHeaderPlace(policyID int64, position int) string {
	return "policy:" + strconv.FormatInt(policyID, 10) + ":auth_header:" + strconv.Itoa(position)
}

func addressPlace(policyID int64, position int) string {
	return "policy:" + strconv.FormatInt(policyID, 10) + ":address:" + strconv.Itoa(position)
}

// CreatePolicy stores a policy and sets its id and times. A name that the
// project has already is a hook.ErrConflict.
func (s *Store) CreatePolicy(ctx context.Context, p *hook.Policy, by *hook.AuditEntry) error {
	return s.wrap("create a policy", s.inTx(ctx, func(tx *sql.Tx) error {
		// The id is part of what the secrets are sealed for, so they follow the row.
		err := tx.QueryRowContext(ctx, `INSERT INTO webhook_policy (project_id, name, hook_types, filters, notify_type, target,
				payload_format, creator, creation_time, update_time)
			VALUES ($1, $2, '[]', '[]', '', '', '', $3, `+s.d.Now+`, `+s.d.Now+`) RETURNING id`, p.ProjectID, p.Name, p.Creator).Scan(&p.ID)
		if err != nil {
			return err
		}
		if err := s.writePolicy(ctx, tx, p, time.Time{}); err != nil {
			return err
		}
		return s.audit(ctx, tx, by.Of(p.ID))
	}))
}

// UpdatePolicy replaces a policy of its project and sets its update time.
// Creator and creation time stay.
func (s *Store) UpdatePolicy(ctx context.Context, p *hook.Policy, by *hook.AuditEntry) error {
	return s.ReplacePolicy(ctx, p, time.Time{}, by)
}

// ReplacePolicy is UpdatePolicy for who has seen the policy as of an update time:
// if it was changed since, it stays, which is a hook.ErrChanged. The zero time
// asks for nothing.
func (s *Store) ReplacePolicy(ctx context.Context, p *hook.Policy, seen time.Time, by *hook.AuditEntry) error {
	return s.wrap("update a policy", s.inTx(ctx, func(tx *sql.Tx) error {
		err := s.writePolicy(ctx, tx, p, seen)
		if err == nil {
			return s.audit(ctx, tx, by.Of(p.ID))
		}
		if !errors.Is(err, sql.ErrNoRows) || seen.IsZero() {
			return err
		}
		stored, lookErr := s.queryPolicies(ctx, tx, `id = $1 AND project_id = $2`, p.ID, p.ProjectID)
		if lookErr != nil || len(stored) == 0 {
			return errors.Join(err, lookErr)
		}
		return hook.ErrChanged
	}))
}

// writePolicy leaves a policy that was not last updated at seen, if that is set.
// Update times always grow, even where the clock's are too coarse to.
func (s *Store) writePolicy(ctx context.Context, tx *sql.Tx, p *hook.Policy, seen time.Time) error {
	hookTypes, err := json.Marshal(p.HookTypes)
	if err != nil {
		return fmt.Errorf("hook types: %w", err)
	}
	filters, err := json.Marshal(p.Filters)
	if err != nil {
		return fmt.Errorf("filters: %w", err)
	}
	more := make([]storedTarget, 0, len(p.Targets))
	for i, t := range p.Targets {
		more = append(more, storedTarget{
			Type: t.Type, Address: s.seal.sealAddress(addressPlace(p.ID, i), t.Address), AuthHeader: s.seal.seal(authHeaderPlace(p.ID, i), t.AuthHeader), SkipCertVerify: t.SkipCertVerify,
			PayloadFormat: t.PayloadFormat, PayloadTemplate: t.PayloadTemplate,
		})
	}
	first := more[0]
	moreTargets, err := json.Marshal(more[1:])
	if err != nil {
		return fmt.Errorf("targets: %w", err)
	}
	var created, updated int64
	err = tx.QueryRowContext(ctx, `UPDATE webhook_policy SET name = $3, description = $4, enabled = $5, hook_types = $6, filters = $7,
			notify_type = $8, target = $9, auth_header = $10, skip_cert_verify = $11, payload_format = $12, more_targets = $13,
			secret = $14, old_secret = $15, old_secret_until = $16, payload_template = $18, named_by = $19,
			update_time = CASE WHEN update_time < `+s.d.Now+` THEN `+s.d.Now+` ELSE update_time + 1 END
		WHERE id = $1 AND project_id = $2 AND update_time = COALESCE($17, update_time) RETURNING creator, creation_time, update_time`,
		p.ID, p.ProjectID, p.Name, p.Description, p.Enabled, string(hookTypes), string(filters),
		first.Type, first.Address, first.AuthHeader, first.SkipCertVerify, first.PayloadFormat, string(moreTargets),
		s.seal.seal(secretPlace(p.ID), p.Secret), s.seal.seal(oldSecretPlace(p.ID), p.OldSecret), micros(p.OldSecretUntil),
		sql.NullInt64{Int64: micros(seen), Valid: !seen.IsZero()}, first.PayloadTemplate, string(p.Naming)).Scan(&p.Creator, &created, &updated)
	if err != nil {
		return err
	}
	p.CreationTime, p.UpdateTime = timeOf(created), timeOf(updated)
	return s.policiesChanged(ctx, tx)
}

// DeletePolicy removes a policy of a project. Its waiting jobs are stopped; its
// history stays.
func (s *Store) DeletePolicy(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error {
	return s.wrap("delete a policy", s.inTx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM webhook_policy WHERE id = $1 AND project_id = $2`, id, projectID)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return orNotFound(err)
		}
		if err := s.stopJobs(ctx, tx, "policy was deleted", `policy_id = $2 AND status IN ('pending', 'scheduled')`, id); err != nil {
			return err
		}
		if err := s.policiesChanged(ctx, tx); err != nil {
			return err
		}
		return s.audit(ctx, tx, by.Of(id))
	}))
}

func orNotFound(err error) error {
	if err != nil {
		return err
	}
	return hook.ErrNotFound
}

// policiesChanged tells every process that caches policies or projects.
func (s *Store) policiesChanged(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `UPDATE cache_version SET version = version + 1 WHERE name = 'policies'`)
	return err
}

// PoliciesVersion changes with every change of a policy or project.
func (s *Store) PoliciesVersion(ctx context.Context) (int64, error) {
	var version int64
	err := s.read.QueryRowContext(ctx, `SELECT version FROM cache_version WHERE name = 'policies'`).Scan(&version)
	return version, s.wrap("read the version of the policies", err)
}

// Policy returns a policy of a project.
func (s *Store) Policy(ctx context.Context, projectID, id int64) (hook.Policy, error) {
	found, err := s.queryPolicies(ctx, s.read, `id = $1 AND project_id = $2`, id, projectID)
	if err == nil && len(found) == 0 {
		err = hook.ErrNotFound
	}
	if err != nil {
		return hook.Policy{}, s.wrap("read a policy", err)
	}
	return found[0], nil
}

// Policies returns the policies of a project, oldest first.
func (s *Store) Policies(ctx context.Context, projectID int64) ([]hook.Policy, error) {
	found, err := s.queryPolicies(ctx, s.read, `project_id = $1`, projectID)
	return found, s.wrap("list policies", err)
}

func (s *Store) queryPolicies(ctx context.Context, q querier, condition string, args ...any) ([]hook.Policy, error) {
	result, err := q.QueryContext(ctx, `SELECT id, name, description, project_id, enabled, hook_types, filters, notify_type, target,
			auth_header, skip_cert_verify, payload_format, payload_template, more_targets, secret, creator,
			creation_time, update_time, old_secret, old_secret_until, named_by
		FROM webhook_policy WHERE `+condition+` ORDER BY id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	var found []hook.Policy
	err = eachRow(result, func() error {
		p, err := s.scanPolicy(result)
		found = append(found, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	return found, nil
}

func (s *Store) scanPolicy(row scanner) (hook.Policy, error) {
	var p hook.Policy
	var first storedTarget
	var hookTypes, filters, more, secret, oldSecret string
	var created, updated, oldSecretUntil int64
	if err := row.Scan(&p.ID, &p.Name, &p.Description, &p.ProjectID, &p.Enabled, &hookTypes, &filters, &first.Type, &first.Address,
		&first.AuthHeader, &first.SkipCertVerify, &first.PayloadFormat, &first.PayloadTemplate, &more, &secret, &p.Creator,
		&created, &updated, &oldSecret, &oldSecretUntil, &p.Naming); err != nil {
		return p, err
	}
	p.CreationTime, p.UpdateTime = timeOf(created), timeOf(updated)
	if err := json.Unmarshal([]byte(hookTypes), &p.HookTypes); err != nil {
		return p, fmt.Errorf("hook types of policy %d: %w", p.ID, err)
	}
	if err := json.Unmarshal([]byte(filters), &p.Filters); err != nil {
		return p, fmt.Errorf("filters of policy %d: %w", p.ID, err)
	}
	targets := []storedTarget{first}
	var rest []storedTarget
	if err := json.Unmarshal([]byte(more), &rest); err != nil {
		return p, fmt.Errorf("targets of policy %d: %w", p.ID, err)
	}
	for i, t := range append(targets, rest...) {
		authHeader, err := s.seal.open(authHeaderPlace(p.ID, i), t.AuthHeader)
		if err != nil {
			return p, err
		}
		address, err := s.seal.openAddress(addressPlace(p.ID, i), t.Address)
		if err != nil {
			return p, err
		}
		p.Targets = append(p.Targets, hook.Target{
			Type: t.Type, Address: address, AuthHeader: authHeader, SkipCertVerify: t.SkipCertVerify,
			PayloadFormat: t.PayloadFormat, PayloadTemplate: t.PayloadTemplate,
		})
	}
	var err error
	if p.Secret, err = s.seal.open(secretPlace(p.ID), secret); err != nil {
		return p, err
	}
	p.OldSecretUntil = timeOf(oldSecretUntil)
	p.OldSecret, err = s.seal.open(oldSecretPlace(p.ID), oldSecret)
	return p, err
}

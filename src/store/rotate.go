package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// Rotation says what RotateKey did.
type Rotation struct {
	// Policies were looked at, of which Changed had a secret that another key had
	// sealed.
	Policies, Changed int
	// Unreadable are the ids of policies with a secret that no known key opens. They
	// stay as they are.
	Unreadable []int64
}

// rotateBatch is how many policies one transaction encrypts anew.
const rotateBatch = 100

// RotateKey encrypts every stored secret with the current key that is encrypted
// with another one, batch by batch; after each it calls progress, if that is set.
// It may be interrupted and called again, and run beside everything else that
// knows both keys: a policy that changes meanwhile keeps its change.
func (s *Store) RotateKey(ctx context.Context, progress func(Rotation)) (Rotation, error) {
	var r Rotation
	for last := int64(0); ; {
		n, err := s.rotateAfter(ctx, &last, &r)
		if err != nil {
			return r, s.wrap("encrypt secrets anew", err)
		}
		if n == 0 {
			return r, nil
		}
		if progress != nil {
			progress(r)
		}
	}
}

// rotateAfter rotates the next policies after the id in last, which it moves on,
// and returns how many there were.
func (s *Store) rotateAfter(ctx context.Context, last *int64, r *Rotation) (int, error) {
	var batch []sealedPolicy
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		var err error
		if batch, err = s.sealedPolicies(ctx, tx, *last); err != nil {
			return err
		}
		for i := range batch {
			if err := s.rotatePolicy(ctx, tx, &batch[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(batch) == 0 {
		return 0, err
	}
	*last = batch[len(batch)-1].id
	r.Policies += len(batch)
	for _, p := range batch {
		if p.changed {
			r.Changed++
		}
		if p.unreadable {
			r.Unreadable = append(r.Unreadable, p.id)
		}
	}
	return len(batch), nil
}

// sealedPolicy is what of a policy is encrypted.
type sealedPolicy struct {
	id                                  int64
	authHeader, more, secret, oldSecret string
	changed, unreadable                 bool
}

func (s *Store) sealedPolicies(ctx context.Context, tx *sql.Tx, after int64) ([]sealedPolicy, error) {
	// The rows are locked where others could write them meanwhile.
	lock := ""
	if s.d.SkipLocked != "" {
		lock = " FOR UPDATE"
	}
	result, err := tx.QueryContext(ctx, `SELECT id, auth_header, more_targets, secret, old_secret FROM webhook_policy
		WHERE id > $1 ORDER BY id LIMIT $2`+lock, after, rotateBatch)
	if err != nil {
		return nil, err
	}
	var batch []sealedPolicy
	err = eachRow(result, func() error {
		var p sealedPolicy
		err := result.Scan(&p.id, &p.authHeader, &p.more, &p.secret, &p.oldSecret)
		batch = append(batch, p)
		return err
	})
	return batch, err
}

// rotatePolicy leaves the update time alone: nothing changes that anybody sees.
func (s *Store) rotatePolicy(ctx context.Context, tx *sql.Tx, p *sealedPolicy) error {
	fresh, err := s.resealed(*p)
	if err != nil {
		p.unreadable = true
	}
	if fresh == *p || p.unreadable {
		return nil
	}
	p.changed = true
	_, err = tx.ExecContext(ctx, `UPDATE webhook_policy SET auth_header = $2, more_targets = $3, secret = $4, old_secret = $5 WHERE id = $1`,
		p.id, fresh.authHeader, fresh.more, fresh.secret, fresh.oldSecret)
	return err
}

// resealed returns a policy whose secrets are all sealed with the current key.
func (s *Store) resealed(p sealedPolicy) (sealedPolicy, error) {
	var more []storedTarget
	if err := json.Unmarshal([]byte(p.more), &more); err != nil {
		return p, fmt.Errorf("targets of policy %d: %w", p.id, err)
	}
	changed := false
	for i, t := range more {
		if s.seal.isCurrent(t.AuthHeader) {
			continue
		}
		var err error
		if more[i].AuthHeader, err = s.seal.reseal(authHeaderPlace(p.id, i+1), t.AuthHeader); err != nil {
			return p, err
		}
		changed = true
	}
	if changed {
		text, err := json.Marshal(more)
		if err != nil {
			return p, fmt.Errorf("targets of policy %d: %w", p.id, err)
		}
		p.more = string(text)
	}
	var errs [3]error
	p.authHeader, errs[0] = s.seal.reseal(authHeaderPlace(p.id, 0), p.authHeader)
	p.secret, errs[1] = s.seal.reseal(secretPlace(p.id), p.secret)
	p.oldSecret, errs[2] = s.seal.reseal(oldSecretPlace(p.id), p.oldSecret)
	return p, errors.Join(errs[:]...)
}

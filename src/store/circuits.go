package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// circuitBatch bounds the jobs that one statement changes for a circuit.
const circuitBatch = 1000

// CircuitFailed counts a network error of an origin. With the threshold-th in a
// row it opens the circuit, and returns true; a first probe may be made after
// probeIn.
func (s *Store) CircuitFailed(ctx context.Context, origin string, threshold int, probeIn time.Duration) (opened bool, err error) {
	err = s.write.QueryRowContext(ctx, `INSERT INTO webhook_circuit (origin, failures, opened_at, probe_at)
			VALUES ($1, 1, CASE WHEN $2 <= 1 THEN `+s.d.Now+` ELSE 0 END, CASE WHEN $2 <= 1 THEN `+s.d.Now+` + $3 ELSE 0 END)
		ON CONFLICT (origin) DO UPDATE SET failures = webhook_circuit.failures + 1,
			opened_at = CASE WHEN webhook_circuit.failures + 1 = $2 THEN `+s.d.Now+` ELSE webhook_circuit.opened_at END,
			probe_at = CASE WHEN webhook_circuit.failures + 1 = $2 THEN `+s.d.Now+` + $3 ELSE webhook_circuit.probe_at END
		RETURNING failures = $2`, origin, threshold, probeIn.Microseconds()).Scan(&opened)
	return opened, s.wrap("count a failure of an origin", err)
}

// CircuitAnswered forgets the failures of an origin. It returns true if that
// closed its circuit.
func (s *Store) CircuitAnswered(ctx context.Context, origin string) (closed bool, err error) {
	err = s.write.QueryRowContext(ctx, `DELETE FROM webhook_circuit WHERE origin = $1 RETURNING opened_at > 0`, origin).Scan(&closed)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return closed, s.wrap("forget the failures of an origin", err)
}

// CloseCircuit closes an open circuit by hand: its jobs are tried again, oldest
// first, in every process within a second. One that is not open is
// hook.ErrNotFound.
func (s *Store) CloseCircuit(ctx context.Context, origin string, by *hook.AuditEntry) error {
	return s.wrap("close a circuit", s.inTx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM webhook_circuit WHERE origin = $1 AND opened_at > 0`, origin)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return orNotFound(err)
		}
		if err := s.switchesChanged(ctx, tx); err != nil {
			return err
		}
		return s.audit(ctx, tx, by)
	}))
}

// Failing returns every origin whose last attempt was a network error, without
// the number of jobs that wait, in the order of their names.
func (s *Store) Failing(ctx context.Context) ([]hook.Circuit, error) {
	result, err := s.read.QueryContext(ctx, `SELECT origin, failures, opened_at, probe_at FROM webhook_circuit ORDER BY origin`)
	if err != nil {
		return nil, s.wrap("list failing origins", err)
	}
	var found []hook.Circuit
	err = eachRow(result, func() error {
		var c hook.Circuit
		var opened, probe int64
		err := result.Scan(&c.Origin, &c.Failures, &opened, &probe)
		c.OpenSince, c.NextProbe = timeOf(opened), timeOf(probe)
		found = append(found, c)
		return err
	})
	return found, s.wrap("list failing origins", err)
}

// Circuits returns the open circuits and how many jobs each keeps waiting, in
// the order of their names.
func (s *Store) Circuits(ctx context.Context) ([]hook.Circuit, error) {
	found, err := s.Failing(ctx)
	if err != nil {
		return nil, err
	}
	open := slices.DeleteFunc(found, func(c hook.Circuit) bool { return !c.Open() })
	for i := range open {
		err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM webhook_job WHERE origin = $1 AND status IN ('pending', 'scheduled')`,
			open[i].Origin).Scan(&open[i].Waiting)
		if err != nil {
			return nil, s.wrap("count the jobs of an origin", err)
		}
	}
	return open, nil
}

// ProjectCircuits returns the origins of the project's waiting jobs and those of
// these addresses, with what is known of each and how many of the project's jobs
// wait for it, in the order of their names.
func (s *Store) ProjectCircuits(ctx context.Context, projectID int64, addresses []string) ([]hook.Circuit, error) {
	byOrigin, err := s.waitingByOrigin(ctx, projectID)
	if err != nil {
		return nil, s.wrap("list the origins of a project", err)
	}
	for _, a := range addresses {
		origin := hook.TargetOrigin(a)
		byOrigin[origin] = hook.Circuit{Origin: origin, Waiting: byOrigin[origin].Waiting}
	}
	failing, err := s.Failing(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range failing {
		if known, ours := byOrigin[c.Origin]; ours {
			c.Waiting = known.Waiting
			byOrigin[c.Origin] = c
		}
	}
	circuits := make([]hook.Circuit, 0, len(byOrigin))
	for _, origin := range sortedKeys(byOrigin) {
		circuits = append(circuits, byOrigin[origin])
	}
	return circuits, nil
}

func (s *Store) waitingByOrigin(ctx context.Context, projectID int64) (map[string]hook.Circuit, error) {
	result, err := s.read.QueryContext(ctx, `SELECT origin, count(*) FROM webhook_job
		WHERE project_id = $1 AND status IN ('pending', 'scheduled') GROUP BY origin`, projectID)
	if err != nil {
		return nil, err
	}
	byOrigin := map[string]hook.Circuit{}
	err = eachRow(result, func() error {
		var c hook.Circuit
		err := result.Scan(&c.Origin, &c.Waiting)
		byOrigin[c.Origin] = c
		return err
	})
	return byOrigin, err
}

// TakeProbe returns true to one caller each time that a job of an open circuit
// may be tried; the next time is after the interval.
func (s *Store) TakeProbe(ctx context.Context, origin string, interval time.Duration) (bool, error) {
	result, err := s.write.ExecContext(ctx, `UPDATE webhook_circuit SET probe_at = `+s.d.Now+` + $2
		WHERE origin = $1 AND opened_at > 0 AND probe_at <= `+s.d.Now, origin, interval.Microseconds())
	if err != nil {
		return false, s.wrap("take a probe", err)
	}
	n, err := result.RowsAffected()
	return n > 0, s.wrap("take a probe", err)
}

// TellWaiting makes the untried jobs of an open circuit say why they wait: their
// status becomes scheduled, with the message. Each job is told once.
func (s *Store) TellWaiting(ctx context.Context, origin, message string) error {
	for {
		n, err := s.tellSome(ctx, origin, message)
		if err != nil || n < circuitBatch {
			return s.wrap("tell waiting jobs", err)
		}
	}
}

func (s *Store) tellSome(ctx context.Context, origin, message string) (told int, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		result, err := tx.QueryContext(ctx, `UPDATE webhook_job SET status = 'scheduled', status_message = $1, update_time = `+s.d.Now+`
			WHERE id IN (SELECT id FROM webhook_job WHERE origin = $2 AND status IN ('pending', 'scheduled') AND status = 'pending'
				AND id > (SELECT told_to FROM webhook_circuit WHERE origin = $2) ORDER BY id LIMIT $3 `+s.d.SkipLocked+`)
			RETURNING id`, message, origin, circuitBatch)
		if err != nil {
			return fmt.Errorf("change jobs: %w", err)
		}
		var id, last int64
		err = eachRow(result, func() error {
			err := result.Scan(&id)
			last = max(last, id)
			told++
			return err
		})
		if err != nil || told == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE webhook_circuit SET told_to = $2 WHERE origin = $1 AND told_to < $2`, origin, last)
		return err
	})
	return told, err
}

// GiveUp ends the jobs of an origin that were never tried and are older than the
// age, with an error and the message. It returns how many.
func (s *Store) GiveUp(ctx context.Context, origin string, age time.Duration, message string) (int, error) {
	ended := 0
	for {
		result, err := s.write.ExecContext(ctx, `UPDATE webhook_job SET status = 'error', status_message = $1, update_time = `+s.d.Now+`
			WHERE id IN (SELECT id FROM webhook_job WHERE origin = $2 AND status IN ('pending', 'scheduled') AND attempts = 0
				AND next_at <= `+s.d.Now+` - $3 AND creation_time <= `+s.d.Now+` - $3 ORDER BY next_at, id LIMIT $4 `+s.d.SkipLocked+`)`,
			message, origin, age.Microseconds(), circuitBatch)
		if err != nil {
			return ended, s.wrap("give up jobs", err)
		}
		n, err := result.RowsAffected()
		if ended += int(n); err != nil || n < circuitBatch {
			return ended, s.wrap("give up jobs", err)
		}
	}
}

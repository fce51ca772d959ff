package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// The names of switches in the database.
const (
	switchNotifications = "notification_enable"
	switchKeptEvents    = "notification_kept_events"
	switchPaused        = "paused:" // and the kind of job
)

// Why waiting jobs were stopped by a switch.
const (
	whyDropped = "dropped: notifications were off"
	whyEmptied = "the queue was emptied"
)

// SwitchesVersion changes with every change of a switch, and whenever a circuit is
// closed by hand.
func (s *Store) SwitchesVersion(ctx context.Context) (int64, error) {
	var version int64
	err := s.read.QueryRowContext(ctx, `SELECT version FROM cache_version WHERE name = 'switches'`).Scan(&version)
	return version, s.wrap("read the version of the switches", err)
}

// Switches returns what system admins have set.
func (s *Store) Switches(ctx context.Context) (hook.Switches, error) {
	set, err := s.switches(ctx, s.read)
	return set, s.wrap("read the switches", err)
}

func (s *Store) switches(ctx context.Context, q querier) (hook.Switches, error) {
	set := hook.Switches{Notifications: true, KeptEvents: hook.KeptSend}
	result, err := q.QueryContext(ctx, `SELECT name, value FROM system_switch ORDER BY name`)
	if err != nil {
		return set, err
	}
	return set, eachRow(result, func() error {
		var name, value string
		err := result.Scan(&name, &value)
		switch kind, paused := strings.CutPrefix(name, switchPaused); {
		case name == switchNotifications:
			set.Notifications = value == strconv.FormatBool(true)
		case name == switchKeptEvents:
			set.KeptEvents = hook.KeptEvents(value)
		case paused:
			set.Paused = append(set.Paused, kind)
		}
		return err
	})
}

// ChangeSwitches changes what the change names. If that switches notifications on,
// the jobs that wait are sent, or stopped, as KeptEvents says; KeptEvents is
// hook.KeptSend from then on. If it fails, notifications are off as before, and some
// of the jobs to be stopped may be.
func (s *Store) ChangeSwitches(ctx context.Context, c hook.SwitchChange, by *hook.AuditEntry) error {
	before, err := s.Switches(ctx)
	if err != nil {
		return err
	}
	if drops(before, changed(before, c)) { // most of them now, while nothing is sent
		if _, err := s.stopWaiting(ctx, whyDropped); err != nil {
			return s.wrap("drop what was kept", err)
		}
	}
	return s.wrap("change a switch", s.inTx(ctx, func(tx *sql.Tx) error {
		if err := s.switchesChanged(ctx, tx); err != nil { // others wait here
			return err
		}
		before, err := s.switches(ctx, tx)
		if err != nil {
			return err
		}
		after := changed(before, c)
		if drops(before, after) {
			if err := s.stopJobs(ctx, tx, whyDropped, `status IN ('pending', 'scheduled') AND id > $2`, 0); err != nil {
				return err
			}
		}
		if after.Notifications && !before.Notifications {
			after.KeptEvents = hook.KeptSend
		}
		if err := s.setSwitch(ctx, tx, switchNotifications, strconv.FormatBool(after.Notifications)); err != nil {
			return err
		}
		if err := s.setSwitch(ctx, tx, switchKeptEvents, string(after.KeptEvents)); err != nil {
			return err
		}
		return s.audit(ctx, tx, by)
	}))
}

func changed(set hook.Switches, c hook.SwitchChange) hook.Switches {
	if c.Notifications != nil {
		set.Notifications = *c.Notifications
	}
	if c.KeptEvents != nil {
		set.KeptEvents = *c.KeptEvents
	}
	return set
}

// drops says whether waiting jobs are stopped on the way from one to the other.
func drops(before, after hook.Switches) bool {
	return after.Notifications && !before.Notifications && after.KeptEvents == hook.KeptDrop
}

// PauseQueue keeps jobs of a kind from starting, or lets them start again.
func (s *Store) PauseQueue(ctx context.Context, kind string, paused bool, by *hook.AuditEntry) error {
	return s.wrap("pause or resume a queue", s.inTx(ctx, func(tx *sql.Tx) error {
		if err := s.switchesChanged(ctx, tx); err != nil {
			return err
		}
		if err := s.pause(ctx, tx, switchPaused+kind, paused); err != nil {
			return err
		}
		return s.audit(ctx, tx, by)
	}))
}

func (s *Store) pause(ctx context.Context, tx *sql.Tx, name string, paused bool) error {
	if paused {
		return s.setSwitch(ctx, tx, name, strconv.FormatBool(true))
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM system_switch WHERE name = $1`, name); err != nil {
		return fmt.Errorf("reset switch %q: %w", name, err)
	}
	return nil
}

func (s *Store) setSwitch(ctx context.Context, tx *sql.Tx, name, value string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO system_switch (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	if err != nil {
		return fmt.Errorf("set switch %q: %w", name, err)
	}
	return nil
}

// switchesChanged tells every JobService that it must look again.
func (s *Store) switchesChanged(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `UPDATE cache_version SET version = version + 1 WHERE name = 'switches'`)
	return err
}

// EmptyQueue stops every job that waits now, and returns how many. What comes
// meanwhile stays. If it fails, it records and returns how many it has stopped.
func (s *Store) EmptyQueue(ctx context.Context, by *hook.AuditEntry) (int, error) {
	stopped, err := s.stopWaiting(ctx, whyEmptied)
	recording := context.WithoutCancel(ctx) // they are stopped, also if the caller has gone
	err = errors.Join(err, s.audit(recording, s.write, by.With(fmt.Sprintf("%s: %d jobs stopped", hook.KindOfWebhooks, stopped))))
	return stopped, s.wrap("empty the queue", err)
}

// stopWaiting stops the jobs that wait now, in small transactions, so that it holds
// up nobody, however many there are.
func (s *Store) stopWaiting(ctx context.Context, why string) (int, error) {
	var newest sql.NullInt64
	if err := s.read.QueryRowContext(ctx, `SELECT max(id) FROM webhook_job`).Scan(&newest); err != nil {
		return 0, fmt.Errorf("look up the newest job: %w", err)
	}
	origins, err := s.waitingOrigins(ctx)
	if err != nil {
		return 0, err
	}
	stopped := 0
	for _, origin := range origins {
		n, err := s.stopWaitingOf(ctx, origin, newest.Int64, why)
		if stopped += n; err != nil {
			return stopped, err
		}
	}
	return stopped, nil
}

func (s *Store) stopWaitingOf(ctx context.Context, origin string, newest int64, why string) (int, error) {
	stopped := 0
	for {
		result, err := s.write.ExecContext(ctx, `UPDATE webhook_job SET status = 'stopped', status_message = $1, update_time = `+s.d.Now+`
			WHERE id IN (SELECT id FROM webhook_job WHERE origin = $2 AND status IN ('pending', 'scheduled') AND id <= $3
				ORDER BY next_at, id LIMIT $4 `+s.d.SkipLocked+`)`, why, origin, newest, circuitBatch)
		if err != nil {
			return stopped, fmt.Errorf("stop the jobs of an origin: %w", err)
		}
		n, err := result.RowsAffected()
		if stopped += int(n); err != nil || n < circuitBatch {
			return stopped, err
		}
	}
}

// Queue counts the waiting jobs and tells how long the first has been due.
func (s *Store) Queue(ctx context.Context) (hook.Queue, error) {
	var q hook.Queue
	var latency int64
	err := s.read.QueryRowContext(ctx, `SELECT count(*), COALESCE(`+s.d.Now+` - min(next_at), 0) FROM webhook_job
		WHERE status IN ('pending', 'scheduled')`).Scan(&q.Waiting, &latency)
	q.Latency = max(0, time.Duration(latency)*time.Microsecond)
	return q, s.wrap("look at the queue", err)
}

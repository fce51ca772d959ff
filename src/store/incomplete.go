package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// ClaimIncomplete takes up to limit events that were accepted incomplete, oldest
// first, and returns them. Nobody else gets them until the lease ends; accepting
// one complete ends its claim for good.
func (s *Store) ClaimIncomplete(ctx context.Context, limit int, lease time.Duration) ([]hook.Event, error) {
	const doing = "claim incomplete events"
	var waiting bool
	err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM webhook_event WHERE complete_at > 0 AND complete_at <= `+s.d.Now+`)`).Scan(&waiting)
	if err != nil || !waiting {
		return nil, s.wrap(doing, err)
	}
	result, err := s.write.QueryContext(ctx, `UPDATE webhook_event SET complete_at = `+s.d.Now+` + $1
		WHERE id IN (SELECT id FROM webhook_event WHERE complete_at > 0 AND complete_at <= `+s.d.Now+` ORDER BY complete_at LIMIT $2 `+s.d.SkipLocked+`)
		RETURNING event_id, data`, lease.Microseconds(), limit)
	if err != nil {
		return nil, s.wrap(doing, err)
	}
	var events []hook.Event
	err = eachRow(result, func() error {
		e, err := scanEvent(result)
		events = append(events, e)
		return err
	})
	return events, s.wrap(doing, err)
}

// RecentEvents returns the last events of a project, newest first, without those
// that turned out to be of no type.
func (s *Store) RecentEvents(ctx context.Context, projectID int64, limit int) ([]hook.Event, error) {
	result, err := s.read.QueryContext(ctx, `SELECT event_id, data FROM webhook_event WHERE project_id = $1 AND hook_type <> '' ORDER BY id DESC LIMIT $2`, projectID, limit)
	if err != nil {
		return nil, s.wrap("list recent events", err)
	}
	var events []hook.Event
	err = eachRow(result, func() error {
		e, err := scanEvent(result)
		events = append(events, e)
		return err
	})
	return events, s.wrap("list recent events", err)
}

// scanEvent reads an id and an event.
func scanEvent(row scanner) (hook.Event, error) {
	var id string
	var data []byte
	if err := row.Scan(&id, &data); err != nil {
		return hook.Event{}, err
	}
	var e hook.Event
	if err := json.Unmarshal(data, &e); err != nil {
		return hook.Event{}, fmt.Errorf("event %q: %w", id, err)
	}
	return e, nil
}

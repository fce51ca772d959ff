package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// idBounds are the ids that jobs of a filter can have: greater than after, and
// not greater than upTo. 0 is no bound.
type idBounds struct{ after, upTo int64 }

// clockSlack is how far the order of ids and that of creation times may differ.
const clockSlack = 10 * time.Minute

// idBounds turns the times of a filter into ids, so that a list of some hours
// does not go through years.
func (s *Store) idBounds(ctx context.Context, f hook.JobFilter) (idBounds, error) {
	var b idBounds
	var err error
	if !f.Since.IsZero() {
		if b.after, err = s.lastJobBefore(ctx, f.Since.Add(-clockSlack)); err != nil {
			return b, err
		}
	}
	if !f.Until.IsZero() {
		b.upTo, err = s.firstJobAfter(ctx, f.Until.Add(clockSlack))
	}
	return b, err
}

// lastJobBefore returns an id up to which all jobs are older, 0 if there is none.
func (s *Store) lastJobBefore(ctx context.Context, at time.Time) (int64, error) {
	first, err := s.firstJobAfter(ctx, at)
	if first > 0 {
		return first - 1, err
	}
	if err != nil {
		return 0, err
	}
	return s.newestJob(ctx)
}

// firstJobAfter returns the first id whose job, and all that follow, are not
// older; 0 if there is none.
func (s *Store) firstJobAfter(ctx context.Context, at time.Time) (int64, error) {
	last, err := s.newestJob(ctx)
	if err != nil || last == 0 {
		return 0, err
	}
	// The id is in (low, high]; high is one that is known to be young, or last+1.
	low, high := int64(0), last+1
	for low+1 < high {
		middle := low + (high-low)/2
		var id, created int64
		err := s.read.QueryRowContext(ctx, `SELECT id, creation_time FROM webhook_job WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 1`, middle, high).Scan(&id, &created)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			high = middle
		case err != nil:
			return 0, err
		case created >= micros(at):
			high = middle
		default:
			low = id
		}
	}
	if high > last {
		return 0, nil
	}
	return high, nil
}

// newestJob returns the largest id, 0 if there is no job.
func (s *Store) newestJob(ctx context.Context) (int64, error) {
	var last sql.NullInt64
	err := s.read.QueryRowContext(ctx, `SELECT max(id) FROM webhook_job`).Scan(&last)
	return last.Int64, err
}

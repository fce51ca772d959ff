package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// idBounds are the ids that jobs of a filter can have: greater than after, and
// not greater than upTo. 0 is no bound.
type idBounds struct{ after, upTo int64 }

// clockSlack is how far the order of ids and that of creation times may differ.
const clockSlack = 10 * time.Minute

// reader is a database, or a transaction.
type reader interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// idBounds turns the times of a filter into ids, so that a list of some hours
// does not go through years.
func (s *Store) idBounds(ctx context.Context, f hook.JobFilter) (idBounds, error) {
	return idBoundsIn(ctx, s.read, f)
}

func idBoundsIn(ctx context.Context, in reader, f hook.JobFilter) (idBounds, error) {
	var b idBounds
	var err error
	if !f.Since.IsZero() {
		if b.after, err = lastJobBefore(ctx, in, f.Since.Add(-clockSlack)); err != nil {
			return b, err
		}
	}
	if !f.Until.IsZero() {
		b.upTo, err = firstJobAfter(ctx, in, f.Until.Add(clockSlack))
	}
	return b, err
}

// lastJobBefore returns an id up to which all jobs are older, 0 if there is none.
func lastJobBefore(ctx context.Context, in reader, at time.Time) (int64, error) {
	first, err := firstJobAfter(ctx, in, at)
	if first > 0 {
		return first - 1, err
	}
	if err != nil {
		return 0, err
	}
	return newestJob(ctx, in)
}

// firstJobAfter returns the first id whose job, and all that follow, are not
// older; 0 if there is none. It halves what is left until one id is: the first is
// greater than low, and not greater than high.
func firstJobAfter(ctx context.Context, in reader, at time.Time) (int64, error) {
	const probe = ` FROM webhook_job WHERE id >= low + (high - low) / 2 AND id < high ORDER BY id LIMIT 1)`
	var first, top int64
	err := in.QueryRowContext(ctx, `WITH RECURSIVE search (low, high, top) AS (
			SELECT CAST(0 AS bigint), coalesce(max(id), 0) + 1, coalesce(max(id), 0) FROM webhook_job
			UNION ALL
			SELECT CASE WHEN (SELECT creation_time`+probe+` < $1 THEN (SELECT id`+probe+` ELSE low END,
				CASE WHEN (SELECT creation_time`+probe+` < $1 THEN high ELSE low + (high - low) / 2 END, top
			FROM search WHERE low + 1 < high
		) SELECT high, top FROM search WHERE low + 1 >= high`, micros(at)).Scan(&first, &top)
	if err != nil || first > top {
		return 0, err
	}
	return first, nil
}

// newestJob returns the largest id, 0 if there is no job.
func newestJob(ctx context.Context, in reader) (int64, error) {
	var last sql.NullInt64
	err := in.QueryRowContext(ctx, `SELECT max(id) FROM webhook_job`).Scan(&last)
	return last.Int64, err
}

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

// insideOf returns those of the bounds of a filter within which no job is out of its
// time, if there are any: the order of ids and that of times differ near the ends only.
func insideOf(ctx context.Context, in reader, f hook.JobFilter, b idBounds) (inside idBounds, some bool, err error) {
	if !f.Since.IsZero() {
		f.Since = f.Since.Add(2 * clockSlack)
	}
	if !f.Until.IsZero() {
		f.Until = f.Until.Add(-2 * clockSlack)
	}
	if !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return inside, false, nil
	}
	if inside, err = idBoundsIn(ctx, in, f); err != nil {
		return inside, false, err
	}
	inside.after = max(inside.after, b.after)
	if inside.upTo == 0 {
		inside.upTo = b.upTo
		return inside, b.upTo == 0 || inside.after < b.upTo, nil
	}
	inside.upTo-- // it is the first that is too young
	if b.upTo != 0 {
		inside.upTo = min(inside.upTo, b.upTo)
	}
	return inside, inside.after < inside.upTo, nil
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

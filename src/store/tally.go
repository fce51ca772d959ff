package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// The buckets of a tally: how a job ended, or, of a delivered one, how long its last
// attempt took.
const (
	bucketStopped   = -3
	bucketFailed    = -2
	bucketDelivered = -1 // it is not known how long it took
)

// bucketGrowth is how much longer an attempt of the next bucket takes: what a bucket
// tells of a time is wrong by 5 % at most.
const bucketGrowth = 1.1

func bucketOf(status hook.Status, took int64) int {
	switch {
	case status == hook.StatusStopped:
		return bucketStopped
	case status == hook.StatusError:
		return bucketFailed
	case took < 0:
		return bucketDelivered
	default:
		return int(math.Log(float64(max(took, 1))) / math.Log(bucketGrowth))
	}
}

// tookOf is the middle of a bucket, in microseconds.
func tookOf(bucket int) int64 { return int64(math.Pow(bucketGrowth, float64(bucket)+0.5)) }

// tallyKey is what jobs are counted by.
type tallyKey struct {
	project             int64
	hours, hour, policy int64
	hookType            string
	bucket              int
}

// A tally is of an hour or of a day.
const (
	oneHour = 1
	oneDay  = 24
)

// hourOf is the hour since 1970 of a stored time.
func hourOf(us int64) int64 { return us / time.Hour.Microseconds() }

// overJobs are the columns of jobs j that are over, of which a is the last attempt.
const overJobs = `SELECT j.id, j.project_id, j.policy_id, j.hook_type, j.creation_time, j.status, COALESCE(a.duration, -1)
	FROM webhook_job j LEFT JOIN webhook_attempt a ON a.job_id = j.id AND a.number = j.attempts AND j.status = 'finished'
	WHERE j.status IN ('finished', 'error', 'stopped') AND `

// tallyRows bounds the tallies that one statement writes.
const tallyRows = 200

// Tally counts up to most of the oldest jobs that the tallies do not know yet, and
// returns how many it has dealt with. Several processes may call it at once: one of
// them gets its way.
func (s *Store) Tally(ctx context.Context, most int) (n int, err error) {
	var mark int64
	if err := s.read.QueryRowContext(ctx, `SELECT job_id FROM webhook_tally_mark`).Scan(&mark); err != nil {
		return 0, s.wrap("read the mark of the tallies", err)
	}
	last, err := s.oldEnough(ctx, mark, most)
	if err != nil || last == 0 {
		return 0, s.wrap("look for jobs to count", err)
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		n, err = s.tallyUpTo(ctx, tx, mark, last)
		return err
	})
	return n, s.wrap("count jobs", err)
}

// oldEnough returns the last of the next jobs after a mark that no transaction with
// smaller ids can follow, 0 if there is none.
func (s *Store) oldEnough(ctx context.Context, mark int64, most int) (int64, error) {
	var last sql.NullInt64
	err := s.read.QueryRowContext(ctx, `SELECT max(id) FROM (
			SELECT id, creation_time FROM webhook_job WHERE id > $1 ORDER BY id LIMIT $2) AS next
		WHERE creation_time < `+s.d.Now+` - $3
			AND id < coalesce((SELECT min(id) FROM (SELECT id, creation_time FROM webhook_job WHERE id > $1 ORDER BY id LIMIT $2) AS young
				WHERE creation_time >= `+s.d.Now+` - $3), id + 1)`, mark, most, s.indexAfter.Microseconds()).Scan(&last)
	return last.Int64, err
}

// tallyUpTo counts the jobs after the mark up to last, and notes those that are not over.
func (s *Store) tallyUpTo(ctx context.Context, tx *sql.Tx, mark, last int64) (int, error) {
	now, err := lockTallies(ctx, tx)
	if err != nil || now != mark {
		return 0, err // another process was faster
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO webhook_tally_later (job_id, project_id)
		SELECT id, project_id FROM webhook_job WHERE id > $1 AND id <= $2 AND status NOT IN ('finished', 'error', 'stopped')`, mark, last); err != nil {
		return 0, fmt.Errorf("note jobs for later: %w", err)
	}
	counts, _, err := s.overIn(ctx, tx, `j.id > $1 AND j.id <= $2 AND j.id NOT IN (
		SELECT job_id FROM webhook_tally_later WHERE job_id > $1 AND job_id <= $2)`, mark, last)
	if err != nil {
		return 0, err
	}
	if err := s.addTallies(ctx, tx, counts); err != nil {
		return 0, err
	}
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM webhook_job WHERE id > $1 AND id <= $2`, mark, last).Scan(&n); err != nil {
		return 0, fmt.Errorf("count what was dealt with: %w", err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE webhook_tally_mark SET job_id = $1`, last)
	return n, err
}

// lockTallies keeps other processes from counting until the transaction ends, and
// returns the mark.
func lockTallies(ctx context.Context, tx *sql.Tx) (mark int64, err error) {
	if err := tx.QueryRowContext(ctx, `UPDATE webhook_tally_mark SET job_id = job_id RETURNING job_id`).Scan(&mark); err != nil {
		return 0, fmt.Errorf("lock the tallies: %w", err)
	}
	return mark, nil
}

// TallyLater counts those of up to most jobs after an id that were not over when Tally
// came to them, and now are. It returns the id to go on after, 0 at the end.
func (s *Store) TallyLater(ctx context.Context, after int64, most int) (next int64, err error) {
	var over int
	var last sql.NullInt64
	err = s.read.QueryRowContext(ctx, `SELECT max(l.job_id), coalesce(sum(CASE WHEN j.status IS NULL OR j.status IN ('finished', 'error', 'stopped') THEN 1 ELSE 0 END), 0)
		FROM (SELECT job_id FROM webhook_tally_later WHERE job_id > $1 ORDER BY job_id LIMIT $2) AS l
		LEFT JOIN webhook_job j ON j.id = l.job_id`, after, most).Scan(&last, &over)
	if err != nil || over == 0 {
		return last.Int64, s.wrap("look for jobs that are over", err)
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error { return s.tallyLater(ctx, tx, after, last.Int64) })
	return last.Int64, s.wrap("count jobs that are over", err)
}

func (s *Store) tallyLater(ctx context.Context, tx *sql.Tx, after, last int64) error {
	if _, err := lockTallies(ctx, tx); err != nil {
		return err
	}
	counts, ids, err := s.overIn(ctx, tx, `j.id IN (SELECT job_id FROM webhook_tally_later WHERE job_id > $1 AND job_id <= $2)`, after, last)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM webhook_tally_later WHERE job_id `+fmt.Sprintf(s.d.In, "$1"), s.d.IDs(ids)); err != nil {
		return fmt.Errorf("remove %d jobs from those for later: %w", len(ids), err)
	}
	return s.addTallies(ctx, tx, counts)
}

// narrowToLater narrows a condition to the jobs of a project within bounds that were not
// over when Tally came to them: the oldest of them, up to most. It says whether there are more.
func narrowToLater(ctx context.Context, tx *sql.Tx, w *where, project int64, b idBounds, most int) (more bool, err error) {
	within := func(w *where) string {
		later := `FROM webhook_tally_later WHERE project_id = ` + w.arg(project) + ` AND job_id > ` + w.arg(b.after)
		if b.upTo != 0 {
			later += ` AND job_id <= ` + w.arg(b.upTo)
		}
		return later
	}
	var n int
	counting := &where{}
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 `+within(counting)+` LIMIT `+counting.arg(most+1)+`) AS later`, counting.args...).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("count the jobs that were not over: %w", err)
	}
	w.and(`id IN (SELECT job_id ` + within(w) + ` ORDER BY job_id LIMIT ` + w.arg(most) + `)`)
	return n > most, nil
}

// purgeTallies takes jobs that are about to be deleted out of the tallies.
func (s *Store) purgeTallies(ctx context.Context, tx *sql.Tx, going []int64) error {
	mark, err := lockTallies(ctx, tx)
	if err != nil {
		return err
	}
	in := fmt.Sprintf(s.d.In, "$1")
	counts, _, err := s.overIn(ctx, tx, `j.id `+in+` AND j.id <= $2 AND j.id NOT IN (SELECT job_id FROM webhook_tally_later WHERE job_id `+in+`)`, s.d.IDs(going), mark)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM webhook_tally_later WHERE job_id `+in, s.d.IDs(going)); err != nil {
		return fmt.Errorf("forget %d jobs: %w", len(going), err)
	}
	type part struct{ project, hours, hour int64 }
	parts := map[part]bool{}
	for key := range counts {
		counts[key] = -counts[key]
		parts[part{key.project, key.hours, key.hour}] = true
	}
	if err := s.addTallies(ctx, tx, counts); err != nil {
		return err
	}
	for p := range parts {
		if _, err := tx.ExecContext(ctx, `DELETE FROM webhook_tally WHERE project_id = $1 AND hours = $2 AND hour = $3 AND jobs = 0`, p.project, p.hours, p.hour); err != nil {
			return fmt.Errorf("remove tallies of nothing: %w", err)
		}
	}
	return nil
}

// overIn counts the jobs of a condition that are over, and lists them.
func (s *Store) overIn(ctx context.Context, tx *sql.Tx, condition string, args ...any) (counts map[tallyKey]int64, ids []int64, err error) {
	result, err := tx.QueryContext(ctx, overJobs+condition, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("read jobs that are over: %w", err)
	}
	counts = map[tallyKey]int64{}
	err = eachRow(result, func() error {
		var id, created, took int64
		var status hook.Status
		var key tallyKey
		if err := result.Scan(&id, &key.project, &key.policy, &key.hookType, &created, &status, &took); err != nil {
			return err
		}
		key.bucket = bucketOf(status, took)
		for _, key.hours = range []int64{oneHour, oneDay} {
			key.hour = hourOf(created) / key.hours * key.hours
			counts[key]++
		}
		ids = append(ids, id)
		return nil
	})
	return counts, ids, err
}

var insertTallies = insertInto("webhook_tally", []Column{
	{"project_id", "bigint"}, {"hours", "integer"}, {"hour", "bigint"}, {"policy_id", "bigint"}, {"hook_type", "text"}, {"bucket", "integer"}, {"jobs", "bigint"},
}, nil, `ON CONFLICT (project_id, hours, hour, policy_id, hook_type, bucket) DO UPDATE SET jobs = webhook_tally.jobs + excluded.jobs`, ``)

func (s *Store) addTallies(ctx context.Context, tx *sql.Tx, counts map[tallyKey]int64) error {
	rows := make([][]any, 0, tallyRows)
	write := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := s.exec(ctx, tx, insertTallies, rows)
		rows = rows[:0]
		return err
	}
	for key, n := range counts {
		rows = append(rows, []any{key.project, key.hours, key.hour, key.policy, key.hookType, key.bucket, n})
		if len(rows) == tallyRows {
			if err := write(); err != nil {
				return fmt.Errorf("write tallies: %w", err)
			}
		}
	}
	if err := write(); err != nil {
		return fmt.Errorf("write tallies: %w", err)
	}
	return nil
}

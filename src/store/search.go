package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/harborhook/harborhook/src/hook"
)

// countUpTo is how many matches are counted exactly, whatever it takes.
const countUpTo = 10_000

// span is the ids of a block's jobs.
type span struct{ first, last int64 }

// search finds the jobs of a text in the order of their ids. Blocks whose grams
// are those of the text are looked into, from one end of the list to the other,
// and jobs that are in no block are looked at one by one.
type search struct {
	*Store
	tx        *sql.Tx
	project   int64
	filter    hook.JobFilter
	bounds    idBounds
	ascending bool
	found     map[int64]bool
}

// searchIDs returns the ids of the jobs of a filter with a text, in order: all of
// them, or as many as are wanted or more.
func (s *Store) searchIDs(ctx context.Context, projectID int64, f hook.JobFilter, b idBounds, ascending bool, wanted int) ([]int64, error) {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{Isolation: s.d.Snapshot, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	if s.d.PreferIndex != "" {
		if _, err := tx.ExecContext(ctx, s.d.PreferIndex); err != nil {
			return nil, fmt.Errorf("prepare a search: %w", err)
		}
	}
	q := &search{Store: s, tx: tx, project: projectID, filter: f, bounds: b, ascending: ascending, found: map[int64]bool{}}
	if err := q.unindexed(ctx); err != nil {
		return nil, err
	}
	grams := gramsOf(f.Text)
	if len(grams) == 0 {
		err = q.everything(ctx, wanted)
	} else {
		err = q.blocks(ctx, grams, wanted)
	}
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(q.found))
	for id := range q.found {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if !ascending {
		slices.Reverse(ids)
	}
	return ids, nil
}

// unindexed looks at the jobs that are in no block.
func (q *search) unindexed(ctx context.Context) error {
	w := q.jobsWhere(q.project, q.filter, q.bounds)
	w.and("id > (SELECT job_id FROM webhook_search_mark)")
	if err := q.add(ctx, `SELECT id FROM webhook_job WHERE `+w.String(), w.args); err != nil {
		return err
	}
	w = q.jobsWhere(q.project, q.filter, q.bounds)
	later := `(SELECT job_id FROM webhook_search_later WHERE project_id = ` + w.arg(q.project) + `)`
	return q.add(ctx, `SELECT id FROM webhook_job WHERE `+w.String()+` AND id IN `+later, w.args)
}

// everything looks at each job for a text that is too short to have grams.
func (q *search) everything(ctx context.Context, wanted int) error {
	w := q.jobsWhere(q.project, q.filter, q.bounds)
	return q.add(ctx, `SELECT id FROM webhook_job WHERE `+w.String()+` ORDER BY id `+q.direction()+` LIMIT `+w.arg(wanted), w.args)
}

func (q *search) direction() string {
	if q.ascending {
		return "ASC"
	}
	return "DESC"
}

// firstBlocks is how many blocks are looked into at first; each time it is four
// times as many.
const firstBlocks = 32

// mostBlocks bounds that: one statement looks into so many blocks.
const mostBlocks = 1024

func (q *search) blocks(ctx context.Context, grams []int, wanted int) error {
	edge, err := q.span(ctx)
	if err != nil {
		return err
	}
	for offset, size := 0, firstBlocks; ; offset, size = offset+size, min(4*size, mostBlocks) {
		spans, err := q.candidates(ctx, grams, edge, offset, size)
		if err != nil {
			return err
		}
		if err := q.look(ctx, spans); err != nil {
			return err
		}
		if len(spans) < size || q.settled(spans[len(spans)-1]) >= wanted {
			return nil
		}
	}
}

// span returns the ids that blocks may have to be of interest.
func (q *search) span(ctx context.Context) (span, error) {
	edge := span{first: q.bounds.after + 1, last: q.bounds.upTo}
	if edge.last == 0 {
		err := q.tx.QueryRowContext(ctx, `SELECT job_id FROM webhook_search_mark`).Scan(&edge.last)
		if err != nil {
			return span{}, fmt.Errorf("read the mark: %w", err)
		}
	}
	return edge, nil
}

// candidates returns the next blocks that have all grams, in the order of the list.
func (q *search) candidates(ctx context.Context, grams []int, edge span, offset, size int) ([]span, error) {
	order := "last_job DESC"
	if q.ascending {
		order = "first_job"
	}
	// The blocks are found before they are ordered: a database that would go through
	// them in order, in the hope of many matches, reads the grams of each.
	result, err := q.tx.QueryContext(ctx, `WITH found AS MATERIALIZED (
			SELECT first_job, last_job FROM webhook_search WHERE `+fmt.Sprintf(q.d.MatchBlock, "$1")+`
				AND project_id = $2 AND last_job >= $3 AND first_job <= $4)
		SELECT first_job, last_job FROM found ORDER BY `+order+` LIMIT $5 OFFSET $6`,
		q.d.AskGrams(grams), q.project, edge.first, edge.last, size, offset)
	if err != nil {
		return nil, fmt.Errorf("look for blocks: %w", err)
	}
	var spans []span
	err = eachRow(result, func() error {
		var s span
		err := result.Scan(&s.first, &s.last)
		spans = append(spans, s)
		return err
	})
	return spans, err
}

// look adds the jobs of blocks that match.
func (q *search) look(ctx context.Context, spans []span) error {
	if len(spans) == 0 {
		return nil
	}
	rows := make([][]any, len(spans))
	for i, s := range spans {
		rows[i] = []any{s.first, s.last}
	}
	source, args := q.d.Values([]string{"bigint", "bigint"}, rows)
	w := q.jobsWhereFrom(args, q.project, q.filter, q.bounds)
	return q.add(ctx, `WITH spans (first_job, last_job) AS (`+source+`)
		SELECT id FROM spans `+q.d.JoinInOrder+` webhook_job ON id BETWEEN first_job AND last_job WHERE `+w.String(), w.args)
}

// settled counts the found jobs that no later block can come before.
func (q *search) settled(last span) int {
	n := 0
	for id := range q.found {
		if q.ascending && id < last.first || !q.ascending && id > last.last {
			n++
		}
	}
	return n
}

func (q *search) add(ctx context.Context, query string, args []any) error {
	result, err := q.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("look for a text: %w", err)
	}
	ids, err := column[int64](result)
	for _, id := range ids {
		q.found[id] = true
	}
	if err != nil {
		return fmt.Errorf("look for a text: %w", err)
	}
	return nil
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/harborhook/harborhook/src/hook"
)

// candidate is a block that may hold a job of interest.
type candidate struct {
	first, last int64
	jobs        []int64
}

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
	// mark is the job up to which all are in blocks, or for later.
	mark  int64
	found map[int64]bool
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
	if err := q.indexed(ctx, wanted); err != nil {
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
	if err := q.tx.QueryRowContext(ctx, `SELECT job_id FROM webhook_search_mark`).Scan(&q.mark); err != nil {
		return fmt.Errorf("read the mark: %w", err)
	}
	w := q.jobsWhere(q.project, q.filter, q.bounds)
	w.and("id > " + w.arg(q.mark))
	if err := q.add(ctx, `SELECT id FROM webhook_job WHERE `+w.String(), w.args); err != nil {
		return err
	}
	result, err := q.tx.QueryContext(ctx, `SELECT job_id FROM webhook_search_later WHERE project_id = $1`, q.project)
	if err != nil {
		return fmt.Errorf("look for jobs that were not over: %w", err)
	}
	later, err := column[int64](result)
	if err != nil {
		return fmt.Errorf("look for jobs that were not over: %w", err)
	}
	return q.look(ctx, later)
}

// indexed looks for jobs with the help of the blocks, unless they are of no help.
func (q *search) indexed(ctx context.Context, wanted int) error {
	grams := gramsOf(q.filter.Text)
	if len(grams) == 0 {
		return q.everything(ctx, wanted)
	}
	if enough, err := q.walk(ctx, wanted); err != nil || enough {
		return err
	}
	return q.blocks(ctx, grams, wanted)
}

// walked is how many jobs are looked at one by one before the blocks are asked: a
// frequent text is in most blocks.
const walked = 500

// walk looks at the first jobs of the list, and says whether they are enough.
func (q *search) walk(ctx context.Context, wanted int) (enough bool, err error) {
	every := q.filter
	every.Text = ""
	w := q.jobsWhere(q.project, every, q.bounds)
	first := `SELECT * FROM webhook_job WHERE ` + w.String() + ` ORDER BY id ` + direction(q.ascending) + ` LIMIT ` + w.arg(walked)
	text := q.textCondition(w, q.filter.Text)
	before := len(q.found)
	if err := q.add(ctx, `SELECT id FROM (`+first+`) AS webhook_job WHERE `+text, w.args); err != nil {
		return false, err
	}
	return len(q.found)-before >= wanted, nil
}

// everything looks at each job for a text that is too short to have grams.
func (q *search) everything(ctx context.Context, wanted int) error {
	w := q.jobsWhere(q.project, q.filter, q.bounds)
	return q.add(ctx, `SELECT id FROM webhook_job WHERE `+w.String()+` ORDER BY id `+direction(q.ascending)+` LIMIT `+w.arg(wanted), w.args)
}

// direction is the order of a list by id.
func direction(ascending bool) string {
	if ascending {
		return "ASC"
	}
	return "DESC"
}

const (
	// firstBlocks is how many blocks are looked into at first; each time it is four
	// times as many.
	firstBlocks = 32
	// mostBlocks bounds that: one statement looks into so many blocks.
	mostBlocks = 512
	// lookedAt is how many jobs of blocks are looked at even if fewer are wanted, so
	// that the total tells more.
	lookedAt = 2000
)

func (q *search) blocks(ctx context.Context, grams []int, wanted int) error {
	looked := 0
	for offset, size := 0, firstBlocks; ; offset, size = offset+size, min(4*size, mostBlocks) {
		blocks, err := q.candidates(ctx, grams, offset, size)
		if err != nil {
			return err
		}
		var jobs []int64
		for _, b := range blocks {
			jobs = append(jobs, b.jobs...)
		}
		if err := q.look(ctx, jobs); err != nil {
			return err
		}
		looked += len(jobs)
		if len(blocks) < size || looked >= lookedAt && q.settled(blocks[len(blocks)-1]) >= wanted {
			return nil
		}
	}
}

// candidates returns the next blocks that have all grams, in the order of the list.
func (q *search) candidates(ctx context.Context, grams []int, offset, size int) ([]candidate, error) {
	order := "last_job DESC"
	if q.ascending {
		order = "first_job"
	}
	upTo := q.mark
	if q.bounds.upTo > 0 {
		upTo = q.bounds.upTo
	}
	// The blocks are found before they are ordered: a database that would go through
	// them in order, in the hope of many matches, reads the grams of each.
	result, err := q.tx.QueryContext(ctx, `WITH found AS MATERIALIZED (
			SELECT id, first_job, last_job FROM webhook_search WHERE `+fmt.Sprintf(q.d.MatchBlock, "$1")+`
				AND project_id = $2 AND last_job > $3 AND first_job <= $4),
			page AS MATERIALIZED (SELECT id AS page_id FROM found ORDER BY `+order+`, id LIMIT $5 OFFSET $6)
		SELECT first_job, last_job, jobs FROM page JOIN webhook_search ON id = page_id ORDER BY `+order,
		q.d.AskGrams(grams), q.project, q.bounds.after, upTo, size, offset)
	if err != nil {
		return nil, fmt.Errorf("look for blocks: %w", err)
	}
	var blocks []candidate
	err = eachRow(result, func() error {
		var b candidate
		var jobs string
		if err := result.Scan(&b.first, &b.last, &jobs); err != nil {
			return err
		}
		for text := range strings.SplitSeq(jobs, ",") {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return fmt.Errorf("jobs of a block: %w", err)
			}
			b.jobs = append(b.jobs, id)
		}
		blocks = append(blocks, b)
		return nil
	})
	return blocks, err
}

// look adds those of the jobs that match. They are read before they are looked at:
// no other condition is a better way to them.
func (q *search) look(ctx context.Context, jobs []int64) error {
	for some := range slices.Chunk(jobs, blockJobs*mostBlocks) {
		w := q.jobsWhereFrom([]any{q.d.IDs(some), len(some)}, q.project, q.filter, q.bounds)
		err := q.add(ctx, `SELECT id FROM (SELECT * FROM webhook_job WHERE id `+fmt.Sprintf(q.d.In, "$1")+` LIMIT $2) AS webhook_job WHERE `+w.String(), w.args)
		if err != nil {
			return err
		}
	}
	return nil
}

// settled counts the found jobs that no later block can come before.
func (q *search) settled(last candidate) int {
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

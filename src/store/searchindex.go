package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"time"
)

const (
	// blockJobs is how many jobs of a project make up a block. Larger blocks take
	// less to write; smaller ones are narrowed down to fewer jobs.
	blockJobs = 16
	// indexAfter is how old jobs are when they are indexed. Most are over then, and
	// no transaction is open any more that began before and has smaller ids.
	indexAfter = 10 * time.Second
)

// block is some jobs of a project, and the grams of all their texts.
type block struct {
	project int64
	jobs    []int64 // in order
	grams   []int
}

// IndexSearch indexes up to most of the oldest jobs that the search by text does
// not know yet, and returns how many it has dealt with. What is not indexed is
// found all the same, slower. Several processes may call it at once: one of them
// gets its way.
func (s *Store) IndexSearch(ctx context.Context, most int) (int, error) {
	n, err := s.indexNext(ctx, most)
	return n, s.wrap("index jobs", err)
}

func (s *Store) indexNext(ctx context.Context, most int) (int, error) {
	var mark int64
	if err := s.read.QueryRowContext(ctx, `SELECT job_id FROM webhook_search_mark`).Scan(&mark); err != nil {
		return 0, fmt.Errorf("read the mark: %w", err)
	}
	jobs, err := s.unindexed(ctx, mark, most)
	if err != nil || len(jobs) == 0 {
		return 0, err
	}
	blocks, err := s.blocksOf(ctx, jobs)
	if err != nil {
		return 0, err
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		moved, err := tx.ExecContext(ctx, `UPDATE webhook_search_mark SET job_id = $1 WHERE job_id = $2`, jobs[len(jobs)-1].id, mark)
		if err != nil {
			return fmt.Errorf("move the mark: %w", err)
		}
		if n, err := moved.RowsAffected(); err != nil || n == 0 {
			return err // another process was faster
		}
		for _, j := range jobs {
			if j.final {
				continue
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO webhook_search_later (job_id, project_id) VALUES ($1, $2)`, j.id, j.project); err != nil {
				return fmt.Errorf("note job %d for later: %w", j.id, err)
			}
		}
		return s.insertBlocks(ctx, tx, blocks)
	})
	return len(jobs), err
}

// SetIndexAfter sets how old jobs are when they are indexed: 10 s. It must be
// called before anything else.
func (s *Store) SetIndexAfter(age time.Duration) { s.indexAfter = age }

// IndexLater indexes those of up to most jobs after an id that were not over when
// IndexSearch came to them, and now are. It returns the id to go on after, 0 at
// the end.
func (s *Store) IndexLater(ctx context.Context, after int64, most int) (next int64, err error) {
	next, err = s.indexLater(ctx, after, most)
	return next, s.wrap("index jobs that are over", err)
}

func (s *Store) indexLater(ctx context.Context, after int64, most int) (next int64, err error) {
	jobs, err := s.textsOfJobs(ctx, `SELECT l.job_id, l.project_id, j.id IS NULL OR j.status IN ('finished', 'error', 'stopped'),
			coalesce(j.target, ''), coalesce(j.job_detail, '')
		FROM (SELECT job_id, project_id FROM webhook_search_later WHERE job_id > $1 ORDER BY job_id LIMIT $2) AS l
		LEFT JOIN webhook_job j ON j.id = l.job_id ORDER BY l.job_id`, after, most)
	if err != nil || len(jobs) == 0 {
		return 0, err
	}
	next = jobs[len(jobs)-1].id
	var over []int64
	for _, j := range jobs {
		if j.final {
			over = append(over, j.id)
		}
	}
	if len(over) == 0 {
		return next, nil
	}
	blocks, err := s.blocksOf(ctx, jobs)
	if err != nil {
		return 0, err
	}
	// Two processes that do this at once write some blocks twice, which only costs.
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM webhook_search_later WHERE job_id `+fmt.Sprintf(s.d.In, "$1"), s.d.IDs(over))
		if err != nil {
			return fmt.Errorf("remove %d jobs from those for later: %w", len(over), err)
		}
		return s.insertBlocks(ctx, tx, blocks)
	})
	return next, err
}

// indexable is a job on its way into a block.
type indexable struct {
	id, project int64
	final       bool
	texts       []string
}

// unindexed returns the next jobs after the mark, up to the first young one.
func (s *Store) unindexed(ctx context.Context, mark int64, most int) ([]indexable, error) {
	last, err := s.oldEnough(ctx, mark, most)
	if err != nil {
		return nil, fmt.Errorf("look for jobs: %w", err)
	}
	if last == 0 {
		return nil, nil
	}
	return s.textsOfJobs(ctx, `SELECT id, project_id, status IN ('finished', 'error', 'stopped'), target, job_detail
		FROM webhook_job WHERE id > $1 AND id <= $2 ORDER BY id`, mark, last)
}

func (s *Store) textsOfJobs(ctx context.Context, query string, args ...any) ([]indexable, error) {
	result, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	var jobs []indexable
	err = eachRow(result, func() error {
		j := indexable{texts: make([]string, 2)}
		err := result.Scan(&j.id, &j.project, &j.final, &j.texts[0], &j.texts[1])
		jobs = append(jobs, j)
		return err
	})
	return jobs, err
}

// blocksOf makes blocks of the jobs that are over.
func (s *Store) blocksOf(ctx context.Context, jobs []indexable) ([]block, error) {
	if err := s.addAttempts(ctx, jobs); err != nil {
		return nil, err
	}
	var blocks []block
	set := newGramSet()
	byProject := map[int64][]indexable{}
	for _, j := range jobs {
		if j.final {
			byProject[j.project] = append(byProject[j.project], j)
		}
	}
	for _, project := range sortedKeys(byProject) {
		for some := range slices.Chunk(byProject[project], blockJobs) {
			b := block{project: project}
			for _, j := range some {
				b.jobs = append(b.jobs, j.id)
				for _, text := range j.texts {
					set.add(text)
				}
			}
			b.grams = set.take()
			blocks = append(blocks, b)
		}
	}
	return blocks, nil
}

// addAttempts adds the texts of attempts to the jobs that are over, which are in
// the order of their ids.
func (s *Store) addAttempts(ctx context.Context, jobs []indexable) error {
	at := make(map[int64]int, len(jobs))
	ids := make([]int64, 0, len(jobs))
	for i, j := range jobs {
		if j.final {
			at[j.id] = i
			ids = append(ids, j.id)
		}
	}
	result, err := s.read.QueryContext(ctx, `SELECT job_id, response_body, error, request_url FROM webhook_attempt
		WHERE job_id `+fmt.Sprintf(s.d.In, "$1"), s.d.IDs(ids))
	if err != nil {
		return fmt.Errorf("read attempts: %w", err)
	}
	return eachRow(result, func() error {
		var id int64
		var body, failure, address string
		err := result.Scan(&id, &body, &failure, &address)
		j := &jobs[at[id]]
		j.texts = append(j.texts, body, failure, address)
		return err
	})
}

func (s *Store) insertBlocks(ctx context.Context, tx *sql.Tx, blocks []block) error {
	for _, b := range blocks {
		first, last := b.jobs[0], b.jobs[len(b.jobs)-1]
		for _, statement := range s.d.InsertBlock {
			if _, err := tx.ExecContext(ctx, statement, b.project, first, last, joined(b.jobs), s.d.Grams(b.grams)); err != nil {
				return fmt.Errorf("insert the block of jobs %d to %d: %w", first, last, err)
			}
		}
	}
	return nil
}

// joined writes ids with commas between them.
func joined(ids []int64) string {
	var text []byte
	for i, id := range ids {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, id, 10)
	}
	return string(text)
}

// purgeSearch forgets jobs that are gone. Jobs go in the order of their ids, so
// that a block is empty when its last job is.
func (s *Store) purgeSearch(ctx context.Context, tx *sql.Tx, gone []int64) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM webhook_search_later WHERE job_id `+fmt.Sprintf(s.d.In, "$1"), s.d.IDs(gone))
	if err != nil {
		return fmt.Errorf("forget %d jobs: %w", len(gone), err)
	}
	result, err := tx.QueryContext(ctx, `SELECT id FROM webhook_search WHERE last_job `+fmt.Sprintf(s.d.In, "$1"), s.d.IDs(gone))
	if err != nil {
		return fmt.Errorf("look for empty blocks: %w", err)
	}
	empty, err := column[int64](result)
	if err != nil {
		return fmt.Errorf("look for empty blocks: %w", err)
	}
	for _, statement := range s.d.DeleteBlocks {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(statement, fmt.Sprintf(s.d.In, "$1")), s.d.IDs(empty)); err != nil {
			return fmt.Errorf("remove %d blocks: %w", len(empty), err)
		}
	}
	return nil
}

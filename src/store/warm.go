package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Warm has the database plan the statements that every event and every delivery
// needs, by running them with no rows. Otherwise the first event after a start
// waits for that: tens of milliseconds. It changes nothing, and a failure is none
// of what follows.
func (s *Store) Warm(ctx context.Context) error {
	if !s.d.OneStatement {
		return nil // nothing is prepared
	}
	for _, run := range []func(context.Context) (*sql.Rows, error){s.warmRecall, s.warmAccept, s.warmFinish} {
		rows, err := run(ctx)
		if err == nil {
			err = eachRow(rows, func() error { return nil })
		}
		if err != nil {
			return s.wrap("prepare statements", err)
		}
	}
	_, _, err := s.claimRows(ctx, nil, 0, nil)
	return s.wrap("prepare statements", err)
}

func (s *Store) warmRecall(ctx context.Context) (*sql.Rows, error) {
	return s.joinedAll(ctx, s.hot, wanted(nil, nil), wantedManifests+" UNION ALL "+wantedTags)
}

// warmAccept takes what a push is made of: the most frequent event.
func (s *Store) warmAccept(ctx context.Context) (*sql.Rows, error) {
	rows, err := s.joinedAll(ctx, s.hot, []part{
		{"fresh", s.sql.events, nil},
		{"stored", s.sql.jobsOfFresh, nil},
		{"manifests", s.sql.manifests, nil},
		{"tags", s.sql.tags, nil},
	}, storedJobs)
	if err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	return rows, nil
}

func (s *Store) warmFinish(ctx context.Context) (*sql.Rows, error) {
	return s.joinedAll(ctx, s.hot, []part{{"ours", s.sql.finish, nil}, {"recorded", s.sql.attemptsOfOurs, nil}}, finished)
}

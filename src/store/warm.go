package store

import (
	"context"
	"database/sql"
	"errors"
)

// The first event after a start would wait for the database to plan what every
// event and every delivery needs: tens of milliseconds. WarmIntake and
// WarmDelivery have it planned before, by running it with no rows. They change
// nothing, and nothing depends on them.

// WarmIntake is for a process that accepts events.
func (s *Store) WarmIntake(ctx context.Context) error {
	return s.warm(func() (*sql.Rows, error) {
		return s.joinedAll(ctx, s.hot, wanted(nil, nil), wantedManifests+" UNION ALL "+wantedTags)
	}, func() (*sql.Rows, error) {
		return s.joinedAll(ctx, s.hot, []part{ // what a push is made of: the most frequent event
			{"fresh", s.sql.events, nil},
			{"stored", s.sql.jobsOfFresh, nil},
			{"manifests", s.sql.manifests, nil},
			{"tags", s.sql.tags, nil},
		}, storedJobs)
	})
}

// WarmDelivery is for a process that delivers.
func (s *Store) WarmDelivery(ctx context.Context) error {
	_, _, err := s.claimRows(ctx, nil, 0, nil)
	return errors.Join(s.wrap("prepare statements", err), s.warm(func() (*sql.Rows, error) {
		return s.joinedAll(ctx, s.hot, []part{{"ours", s.sql.finish, nil}, {"recorded", s.sql.attemptsOfOurs, nil}}, finished)
	}))
}

// warm runs statements, on databases for which they are prepared.
func (s *Store) warm(statements ...func() (*sql.Rows, error)) error {
	if !s.d.OneStatement {
		return nil
	}
	for _, run := range statements {
		rows, err := run()
		if err == nil {
			err = eachRow(rows, func() error { return nil })
		}
		if err != nil {
			return s.wrap("prepare statements", err)
		}
	}
	return nil
}

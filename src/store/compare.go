package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/harborhook/harborhook/src/hook"
)

// expect fails with hook.ErrConflict unless the tag memory holds what the
// notifications expect of it. On PostgreSQL a tag that is just being written by
// somebody else has changed.
func (s *Store) expect(ctx context.Context, tx *sql.Tx, in []acceptIn) error {
	for i := range in {
		for _, want := range in[i].notification.Expect {
			got, err := scanTag(tx.QueryRowContext(ctx, `SELECT `+tagColumns+` FROM memory_tag WHERE repository = $1 AND name = $2 `+s.d.SkipLocked,
				want.Repository, want.Name))
			if errors.Is(err, sql.ErrNoRows) {
				got, err = hook.Tag{Repository: want.Repository, Name: want.Name}, nil
			}
			if err != nil {
				return fmt.Errorf("look up a tag: %w", err)
			}
			if got != want {
				return fmt.Errorf("tag %s of %s has changed: %w", want.Name, want.Repository, hook.ErrConflict)
			}
		}
	}
	return nil
}

// TaggedRepositories returns the full names of the repositories that have a tag
// by the tag memory, in order: those after a name, limit at most.
func (s *Store) TaggedRepositories(ctx context.Context, after string, limit int) ([]string, error) {
	result, err := s.read.QueryContext(ctx, `SELECT DISTINCT repository FROM memory_tag
		WHERE repository > $1 AND deleted_by = '' ORDER BY repository LIMIT $2`, after, limit)
	if err != nil {
		return nil, s.wrap("list repositories", err)
	}
	names, err := column[string](result)
	return names, s.wrap("list repositories", err)
}

// TagsIn returns what is known of the tags of a repository, also of deleted ones,
// by name.
func (s *Store) TagsIn(ctx context.Context, repository string) ([]hook.Tag, error) {
	result, err := s.read.QueryContext(ctx, `SELECT `+tagColumns+` FROM memory_tag WHERE repository = $1 ORDER BY name`, repository)
	if err != nil {
		return nil, s.wrap("list tags", err)
	}
	var tags []hook.Tag
	err = eachRow(result, func() error {
		t, err := scanTag(result)
		tags = append(tags, t)
		return err
	})
	return tags, s.wrap("list tags", err)
}

// SourcesKnown says which of the sources were learned before, and whether any
// source ever was.
func (s *Store) SourcesKnown(ctx context.Context, sources []hook.RegistrySource) (known map[hook.RegistrySource]bool, ever bool, err error) {
	const doing = "look up registries"
	if err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM registry_source)`).Scan(&ever); err != nil {
		return nil, false, s.wrap(doing, err)
	}
	known = make(map[hook.RegistrySource]bool, len(sources))
	for _, source := range sources {
		var is bool
		err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM registry_source WHERE addr = $1 AND instance_id = $2)`,
			source.Addr, source.InstanceID).Scan(&is)
		if err != nil {
			return nil, false, s.wrap(doing, err)
		}
		known[source] = is
	}
	return known, ever, nil
}

// LearnSources remembers that the tag memory has been compared with these
// registries.
func (s *Store) LearnSources(ctx context.Context, sources []hook.RegistrySource) error {
	for _, source := range sources {
		_, err := s.write.ExecContext(ctx, `INSERT INTO registry_source (addr, instance_id, creation_time) VALUES ($1, $2, `+s.d.Now+`)
			ON CONFLICT (addr, instance_id) DO NOTHING`, source.Addr, source.InstanceID)
		if err != nil {
			return s.wrap("remember registries", err)
		}
	}
	return nil
}

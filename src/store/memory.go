package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// memoryOf is what the facts of a batch come to: the last one of each thing counts.
type memoryOf struct {
	manifests map[hook.ManifestRef]*hook.Manifest // nil: gone
	tags      map[[2]string]*hook.Tag
	heads     map[hook.Head]int64
}

// memoryRows are the rows that a batch writes, in the order of their keys.
type memoryRows struct{ manifests, tags, heads [][]any }

func (r memoryRows) most() int { return max(len(r.manifests), len(r.tags), len(r.heads)) }

// memoryOfBatch takes in the facts of a batch in their order.
func memoryOfBatch(in []acceptIn) *memoryOf {
	m := &memoryOf{map[hook.ManifestRef]*hook.Manifest{}, map[[2]string]*hook.Tag{}, map[hook.Head]int64{}}
	for i := range in {
		for _, f := range in[i].notification.Facts {
			m.add(f)
		}
	}
	return m
}

func (m *memoryOf) add(f hook.Fact) {
	switch {
	case f.Manifest != nil:
		m.manifests[hook.ManifestRef{Repository: f.Manifest.Repository, Digest: f.Manifest.Digest}] = f.Manifest
	case f.Gone != nil:
		m.manifests[*f.Gone] = nil
	case f.Tag != nil:
		m.tags[[2]string{f.Tag.Repository, f.Tag.Name}] = f.Tag
	case f.Head != nil:
		key, at := *f.Head, f.Head.At.UnixMicro()
		key.At = time.Time{}
		m.heads[key] = max(at, m.heads[key])
	}
}

// gone lists the manifests that are no more.
func (m *memoryOf) gone() []hook.ManifestRef {
	var refs []hook.ManifestRef
	for ref, manifest := range m.manifests {
		if manifest == nil {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, compareRefs)
	return refs
}

func compareRefs(a, b hook.ManifestRef) int {
	return cmp.Or(strings.Compare(a.Repository, b.Repository), strings.Compare(a.Digest, b.Digest))
}

func (m *memoryOf) rows() (r memoryRows, err error) {
	for _, ref := range slices.SortedFunc(maps.Keys(m.manifests), compareRefs) {
		manifest := m.manifests[ref]
		if manifest == nil {
			continue
		}
		platforms, err := json.Marshal(manifest.Platforms)
		if err != nil {
			return r, fmt.Errorf("platforms of %s: %w", ref.Digest, err)
		}
		r.manifests = append(r.manifests, []any{ref.Repository, ref.Digest, manifest.MediaType, string(manifest.Kind), manifest.ConfigDigest, string(platforms)})
	}
	for _, name := range slices.SortedFunc(maps.Keys(m.tags), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		t := m.tags[name]
		r.tags = append(r.tags, []any{t.Repository, t.Name, t.Digest, t.DeletedBy, micros(t.RecoveredAt)})
	}
	for _, h := range slices.SortedFunc(maps.Keys(m.heads), compareHeads) {
		r.heads = append(r.heads, []any{h.Repository, h.Digest, h.UserAgent, h.Client, h.Tag, m.heads[h]})
	}
	return r, nil
}

func compareHeads(a, b hook.Head) int {
	return slices.Compare([]string{a.Repository, a.Digest, a.UserAgent, a.Client, a.Tag}, []string{b.Repository, b.Digest, b.UserAgent, b.Client, b.Tag})
}

// learn writes what a batch teaches.
func (s *Store) learn(ctx context.Context, tx *sql.Tx, m *memoryOf, rows memoryRows) error {
	for _, ref := range m.gone() {
		if _, err := tx.ExecContext(ctx, `DELETE FROM memory_manifest WHERE repository = $1 AND digest = $2`, ref.Repository, ref.Digest); err != nil {
			return fmt.Errorf("forget a manifest: %w", err)
		}
	}
	return errors.Join(
		s.remember(ctx, tx, "manifests", s.sql.manifests, rows.manifests),
		s.remember(ctx, tx, "tags", s.sql.tags, rows.tags),
		s.remember(ctx, tx, "heads", s.sql.heads, rows.heads),
	)
}

func (s *Store) remember(ctx context.Context, tx *sql.Tx, what string, b bulk, values [][]any) error {
	if err := s.exec(ctx, tx, b, values); err != nil {
		return fmt.Errorf("remember %s: %w", what, err)
	}
	return nil
}

// recallIn is what one caller wants to recall.
type recallIn struct {
	manifests []hook.ManifestRef
	tags      []hook.TagRef
}

// recallOut is what is known of it.
type recallOut struct {
	manifests []hook.Manifest
	tags      []hook.Tag
}

// Recall returns those of the manifests and tags that are known, tags also if they
// were deleted, in no particular order.
func (s *Store) Recall(ctx context.Context, manifests []hook.ManifestRef, tags []hook.TagRef) ([]hook.Manifest, []hook.Tag, error) {
	found, err := s.recall.Do(ctx, recallIn{manifests, tags})
	return found.manifests, found.tags, s.wrap("look into the tag memory", err)
}

// recallBatch asks for what several callers want together.
func (s *Store) recallBatch(ctx context.Context, in []recallIn) ([]recallOut, error) {
	manifests, tags := map[hook.ManifestRef]*hook.Manifest{}, map[hook.TagRef]*hook.Tag{}
	for _, one := range in {
		for _, ref := range one.manifests {
			manifests[ref] = nil
		}
		for _, ref := range one.tags {
			tags[ref] = nil
		}
	}
	if err := s.fillIn(ctx, manifests, tags); err != nil {
		return nil, err
	}
	out := make([]recallOut, len(in))
	for i, one := range in {
		for _, ref := range one.manifests {
			if m := manifests[ref]; m != nil {
				out[i].manifests = append(out[i].manifests, *m)
			}
		}
		for _, ref := range one.tags {
			if t := tags[ref]; t != nil {
				out[i].tags = append(out[i].tags, *t)
			}
		}
	}
	return out, nil
}

// fillIn puts what is known behind its name.
func (s *Store) fillIn(ctx context.Context, manifests map[hook.ManifestRef]*hook.Manifest, tags map[hook.TagRef]*hook.Tag) error {
	var digests, names [][]any
	for ref := range manifests {
		digests = append(digests, []any{ref.Repository, ref.Digest})
	}
	for ref := range tags {
		names = append(names, []any{ref.Repository, ref.Name})
	}
	for len(digests)+len(names) > 0 {
		m, t := min(len(digests), rowsAStatement), min(len(names), rowsAStatement)
		result, err := s.recallRows(ctx, digests[:m], names[:t])
		if err != nil {
			return err
		}
		err = eachRow(result, func() error {
			var isTag bool
			var repository, name, one, two, three, platforms string
			var recovered, updated int64
			if err := result.Scan(&isTag, &repository, &name, &one, &two, &three, &platforms, &recovered, &updated); err != nil {
				return err
			}
			if isTag {
				tags[hook.TagRef{Repository: repository, Name: name}] = &hook.Tag{
					Repository: repository, Name: name, Digest: one, DeletedBy: two, RecoveredAt: timeOf(recovered), UpdateTime: timeOf(updated),
				}
				return nil
			}
			found := &hook.Manifest{Repository: repository, Digest: name, MediaType: one, Kind: hook.Kind(two), ConfigDigest: three}
			manifests[hook.ManifestRef{Repository: repository, Digest: name}] = found
			return json.Unmarshal([]byte(platforms), &found.Platforms)
		})
		if err != nil {
			return err
		}
		digests, names = digests[m:], names[t:]
	}
	return nil
}

// recallRows asks for manifests and tags in one round trip. Their rows differ, so
// the columns after the name have a meaning of their own for each.
func (s *Store) recallRows(ctx context.Context, digests, names [][]any) (*sql.Rows, error) {
	var selects []string
	if len(digests) > 0 {
		selects = append(selects, wantedManifests)
	}
	if len(names) > 0 {
		selects = append(selects, wantedTags)
	}
	db := s.read
	if s.d.OneStatement {
		db = s.hot
	}
	return s.joined(ctx, db, wanted(digests, names), strings.Join(selects, " UNION ALL "))
}

const (
	wantedManifests = `SELECT false, m.repository, m.digest, m.media_type, m.kind, m.config_digest, m.platforms, 0, 0
			FROM wanted JOIN memory_manifest m ON m.repository = wanted.repository AND m.digest = wanted.digest`
	wantedTags = `SELECT true, t.repository, t.name, t.digest, t.deleted_by, '', '', t.recovered_at, t.update_time
			FROM wanted_tag JOIN memory_tag t ON t.repository = wanted_tag.repository AND t.name = wanted_tag.name`
)

func wanted(digests, names [][]any) []part {
	return []part{
		{"wanted", bulk{columns: []Column{{"repository", "text"}, {"digest", "text"}}}, digests},
		{"wanted_tag", bulk{columns: []Column{{"repository", "text"}, {"name", "text"}}}, names},
	}
}

const tagColumns = `repository, name, digest, deleted_by, recovered_at, update_time`

func scanTag(row scanner) (hook.Tag, error) {
	var t hook.Tag
	var recovered, updated int64
	err := row.Scan(&t.Repository, &t.Name, &t.Digest, &t.DeletedBy, &recovered, &updated)
	t.RecoveredAt, t.UpdateTime = timeOf(recovered), timeOf(updated)
	return t, err
}

// TagsOf returns the names of the existing tags that point at the digest, sorted.
func (s *Store) TagsOf(ctx context.Context, repository, digest string) ([]string, error) {
	result, err := s.read.QueryContext(ctx, `SELECT name FROM memory_tag
		WHERE repository = $1 AND digest = $2 AND deleted_by = '' ORDER BY name`, repository, digest)
	if err != nil {
		return nil, s.wrap("look up tags", err)
	}
	names, err := column[string](result)
	return names, s.wrap("look up tags", err)
}

// Heads returns the HEAD requests of one client for one manifest within a span
// of time (both ends included), newest first.
func (s *Store) Heads(ctx context.Context, repository, digest, userAgent, client string, since, until time.Time) ([]hook.Head, error) {
	result, err := s.read.QueryContext(ctx, `SELECT tag, at FROM memory_head
		WHERE repository = $1 AND digest = $2 AND user_agent = $3 AND client = $4 AND at BETWEEN $5 AND $6 ORDER BY at DESC, tag`,
		repository, digest, userAgent, client, micros(since), micros(until))
	if err != nil {
		return nil, s.wrap("look up HEAD requests", err)
	}
	var heads []hook.Head
	err = eachRow(result, func() error {
		h := hook.Head{Repository: repository, Digest: digest, UserAgent: userAgent, Client: client}
		var at int64
		err := result.Scan(&h.Tag, &at)
		h.At = timeOf(at)
		heads = append(heads, h)
		return err
	})
	return heads, s.wrap("look up HEAD requests", err)
}

// ForgetHeads removes HEAD requests made before a time: they name no pull any more.
func (s *Store) ForgetHeads(ctx context.Context, before time.Time) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM memory_head WHERE at < $1`, micros(before))
	return s.wrap("forget HEAD requests", err)
}

package store

import (
	"context"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// AddSession stores a session of a user, or returns hook.ErrNotFound if there is
// no such user.
func (s *Store) AddSession(ctx context.Context, session hook.Session) error {
	result, err := s.write.ExecContext(ctx, `INSERT INTO user_session (id, user_id, credential, creation_time, seen_time)
		SELECT $1, id, $3, $4, $5 FROM users WHERE id = $2`,
		session.ID, session.User.ID, session.Credential, micros(session.CreationTime), micros(session.SeenTime))
	if err != nil {
		return s.wrap("add a session", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return s.wrap("add a session", orNotFound(err))
	}
	return nil
}

// Session returns a session with its user as of now.
func (s *Store) Session(ctx context.Context, id string) (hook.Session, error) {
	found := hook.Session{ID: id}
	var created, seen int64
	var u userRow
	err := s.read.QueryRowContext(ctx, `SELECT s.credential, s.creation_time, s.seen_time,
			u.id, u.username, u.email, u.realname, u.password_hash, u.sys_admin, u.creation_time, u.update_time
		FROM user_session s JOIN users u ON u.id = s.user_id WHERE s.id = $1`, id).
		Scan(&found.Credential, &created, &seen,
			&u.ID, &u.Username, &u.Email, &u.Realname, &u.PasswordHash, &u.SysAdmin, &u.CreationTime, &u.UpdateTime)
	found.User, found.CreationTime, found.SeenTime = u.user(), timeOf(created), timeOf(seen)
	return found, s.wrap("look up a session", err)
}

// RenewSession sets when a session was last seen. A session that is gone stays so.
func (s *Store) RenewSession(ctx context.Context, id string, seen time.Time) error {
	_, err := s.write.ExecContext(ctx, `UPDATE user_session SET seen_time = $2 WHERE id = $1`, id, micros(seen))
	return s.wrap("renew a session", err)
}

// RemoveSession removes a session. It is no error if there is none.
func (s *Store) RemoveSession(ctx context.Context, id string) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM user_session WHERE id = $1`, id)
	return s.wrap("remove a session", err)
}

// RemoveSessions removes all sessions of a user.
func (s *Store) RemoveSessions(ctx context.Context, userID int64) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM user_session WHERE user_id = $1`, userID)
	return s.wrap("remove the sessions of a user", err)
}

// PurgeSessions removes up to most sessions that were last seen, or created,
// before these times. It returns how many.
func (s *Store) PurgeSessions(ctx context.Context, seen, created time.Time, most int) (int, error) {
	result, err := s.write.ExecContext(ctx, `DELETE FROM user_session WHERE id IN (
		SELECT id FROM user_session WHERE seen_time < $1 OR creation_time < $2 LIMIT $3)`, micros(seen), micros(created), most)
	if err != nil {
		return 0, s.wrap("purge sessions", err)
	}
	n, err := result.RowsAffected()
	return int(n), s.wrap("purge sessions", err)
}

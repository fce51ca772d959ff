package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/harborhook/harborhook/src/hook"
)

const robotColumns = `r.id, r.project_id, p.name, r.name, r.description, r.secret_hash, r.permissions, r.disabled, r.days,
	r.expires_at, r.creator, r.creation_time, r.update_time FROM robot r JOIN project p ON p.id = r.project_id`

func scanRobot(row scanner) (hook.Robot, error) {
	var (
		r                         hook.Robot
		permissions               string
		expires, created, updated int64
	)
	err := row.Scan(&r.ID, &r.ProjectID, &r.Project, &r.Name, &r.Description, &r.SecretHash, &permissions, &r.Disabled, &r.Days,
		&expires, &r.Creator, &created, &updated)
	if err != nil {
		return r, err
	}
	r.ExpiresAt, r.CreationTime, r.UpdateTime = timeOf(expires), timeOf(created), timeOf(updated)
	if err := json.Unmarshal([]byte(permissions), &r.Permissions); err != nil {
		return r, fmt.Errorf("permissions of robot %d: %w", r.ID, err)
	}
	return r, nil
}

// Robots returns one page of a project's robots by id, and how many there are in all.
func (s *Store) Robots(ctx context.Context, projectID int64, page hook.JobPage) ([]hook.Robot, int, error) {
	var total int
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM robot WHERE project_id = $1`, projectID).Scan(&total); err != nil {
		return nil, 0, s.wrap("count robots", err)
	}
	result, err := s.read.QueryContext(ctx, `SELECT `+robotColumns+` WHERE r.project_id = $1 ORDER BY r.id LIMIT $2 OFFSET $3`,
		projectID, page.Limit, page.Offset)
	if err != nil {
		return nil, 0, s.wrap("list robots", err)
	}
	var robots []hook.Robot
	err = eachRow(result, func() error {
		r, err := scanRobot(result)
		robots = append(robots, r)
		return err
	})
	return robots, total, s.wrap("list robots", err)
}

// Robot returns a robot of a project.
func (s *Store) Robot(ctx context.Context, projectID, id int64) (hook.Robot, error) {
	r, err := scanRobot(s.read.QueryRowContext(ctx, `SELECT `+robotColumns+` WHERE r.project_id = $1 AND r.id = $2`, projectID, id))
	return r, s.wrap("look up a robot", err)
}

// RobotByName returns a robot of the project of this name.
func (s *Store) RobotByName(ctx context.Context, project, name string) (hook.Robot, error) {
	r, err := scanRobot(s.read.QueryRowContext(ctx, `SELECT `+robotColumns+` WHERE p.name = $1 AND r.name = $2`, project, name))
	return r, s.wrap("look up a robot", err)
}

// CreateRobot stores a robot and sets its id, its times and, from its days, its
// end. A name that is taken in the project is a hook.ErrConflict.
func (s *Store) CreateRobot(ctx context.Context, r *hook.Robot) error {
	permissions, err := json.Marshal(r.Permissions)
	if err != nil {
		return fmt.Errorf("create a robot: %w", err)
	}
	return s.wrap("create a robot", s.inTx(ctx, func(tx *sql.Tx) error {
		var created, updated int64
		if err := tx.QueryRowContext(ctx, `INSERT INTO robot (project_id, name, description, secret_hash, permissions, disabled, days, expires_at, creator, creation_time, update_time)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, `+s.d.Now+`, `+s.d.Now+`) RETURNING id, creation_time, update_time`,
			r.ProjectID, r.Name, r.Description, r.SecretHash, string(permissions), r.Disabled, r.Days, r.Creator).Scan(&r.ID, &created, &updated); err != nil {
			return err
		}
		r.CreationTime, r.UpdateTime = timeOf(created), timeOf(updated)
		r.ExpiresAt = r.End()
		_, err := tx.ExecContext(ctx, `UPDATE robot SET expires_at = $2 WHERE id = $1`, r.ID, micros(r.ExpiresAt))
		return err
	}))
}

// UpdateRobot changes what a robot of a project may do and for how long, and its
// description. Its name, its secret and how it came to be stay.
func (s *Store) UpdateRobot(ctx context.Context, r *hook.Robot) error {
	permissions, err := json.Marshal(r.Permissions)
	if err != nil {
		return fmt.Errorf("change a robot: %w", err)
	}
	r.ExpiresAt = r.End()
	var updated int64
	err = s.write.QueryRowContext(ctx, `UPDATE robot SET description = $3, permissions = $4, disabled = $5, days = $6, expires_at = $7, update_time = `+s.d.Now+`
		WHERE id = $1 AND project_id = $2 RETURNING update_time`,
		r.ID, r.ProjectID, r.Description, string(permissions), r.Disabled, r.Days, micros(r.ExpiresAt)).Scan(&updated)
	r.UpdateTime = timeOf(updated)
	return s.wrap("change a robot", err)
}

// SetRobotSecret replaces the hash of the secret of a robot of a project.
func (s *Store) SetRobotSecret(ctx context.Context, projectID, id int64, hash string) error {
	return s.change(ctx, "change the secret of a robot",
		`UPDATE robot SET secret_hash = $3, update_time = `+s.d.Now+` WHERE id = $1 AND project_id = $2`, id, projectID, hash)
}

// DeleteRobot removes a robot of a project.
func (s *Store) DeleteRobot(ctx context.Context, projectID, id int64) error {
	return s.change(ctx, "delete a robot", `DELETE FROM robot WHERE id = $1 AND project_id = $2`, id, projectID)
}

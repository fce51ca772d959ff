package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/astaxie/beego/orm"

	"github.com/harborhook/harborhook/src/hook"
)

// The ORM knows its models by a process-wide registry; this is the one place
// that fills it.
func init() {
	orm.RegisterModel(new(userRow), new(memberRow))
}

type userRow struct {
	ID           int64  `orm:"column(id);auto"`
	Username     string `orm:"column(username)"`
	Email        string `orm:"column(email)"`
	Realname     string `orm:"column(realname)"`
	PasswordHash string `orm:"column(password_hash)"`
	SysAdmin     bool   `orm:"column(sys_admin)"`
	CreationTime int64  `orm:"column(creation_time)"`
	UpdateTime   int64  `orm:"column(update_time)"`
}

// TableName is asked for by the ORM.
func (userRow) TableName() string { return "users" }

func (r *userRow) user() hook.User {
	return hook.User{
		ID: r.ID, Username: r.Username, Email: r.Email, Realname: r.Realname, PasswordHash: r.PasswordHash, SysAdmin: r.SysAdmin,
		CreationTime: timeOf(r.CreationTime), UpdateTime: timeOf(r.UpdateTime),
	}
}

const projectColumns = `id, name, public, owner_id, owner_name, creation_time, update_time`

func scanProject(row scanner) (hook.Project, error) {
	var p hook.Project
	var created, updated int64
	err := row.Scan(&p.ID, &p.Name, &p.Public, &p.OwnerID, &p.OwnerName, &created, &updated)
	p.CreationTime, p.UpdateTime = timeOf(created), timeOf(updated)
	return p, err
}

type memberRow struct {
	ID        int64 `orm:"column(id);auto"`
	ProjectID int64 `orm:"column(project_id)"`
	UserID    int64 `orm:"column(user_id)"`
	Role      int   `orm:"column(role)"`
}

// TableName is asked for by the ORM.
func (memberRow) TableName() string { return "project_member" }

// now asks the database what time it is, in microseconds.
func (s *Store) now(ctx context.Context) (int64, error) {
	var us int64
	err := s.read.QueryRowContext(ctx, "SELECT "+s.d.Now).Scan(&us)
	return us, err
}

// CreateUser stores a user and sets its id and times. A name that is taken is a
// hook.ErrConflict.
func (s *Store) CreateUser(ctx context.Context, u *hook.User) error {
	now, err := s.now(ctx)
	if err != nil {
		return s.wrap("create a user", err)
	}
	row := userRow{
		Username: u.Username, Email: u.Email, Realname: u.Realname, PasswordHash: u.PasswordHash, SysAdmin: u.SysAdmin,
		CreationTime: now, UpdateTime: now,
	}
	if _, err := s.orm.Insert(&row); err != nil {
		return s.wrap("create a user", err)
	}
	*u = row.user()
	return nil
}

// UserByName returns a user.
func (s *Store) UserByName(ctx context.Context, name string) (hook.User, error) {
	return s.oneUser(ctx, "username = $1", name)
}

// User returns a user.
func (s *Store) User(ctx context.Context, id int64) (hook.User, error) {
	return s.oneUser(ctx, "id = $1", id)
}

// UsernameTaken says whether a user has this name.
func (s *Store) UsernameTaken(ctx context.Context, name string) (bool, error) {
	return s.userExists(ctx, "username = $1", name)
}

// EmailTaken says whether a user has this address, in any case.
func (s *Store) EmailTaken(ctx context.Context, email string) (bool, error) {
	return s.userExists(ctx, "email <> '' AND lower(email) = lower($1)", email)
}

func (s *Store) userExists(ctx context.Context, condition string, arg any) (bool, error) {
	var exists bool
	err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM users WHERE `+condition+`)`, arg).Scan(&exists)
	return exists, s.wrap("look for a user", err)
}

func (s *Store) oneUser(ctx context.Context, condition string, arg any) (hook.User, error) {
	var r userRow
	err := s.read.QueryRowContext(ctx, `SELECT id, username, email, realname, password_hash, sys_admin, creation_time, update_time
		FROM users WHERE `+condition, arg).
		Scan(&r.ID, &r.Username, &r.Email, &r.Realname, &r.PasswordHash, &r.SysAdmin, &r.CreationTime, &r.UpdateTime)
	return r.user(), s.wrap("look up a user", err)
}

// Users returns one page of the users by id, and how many there are in all.
func (s *Store) Users(_ context.Context, page hook.JobPage) ([]hook.User, int, error) {
	var found []*userRow
	query := s.orm.QueryTable(new(userRow))
	total, err := query.Count()
	if err != nil {
		return nil, 0, s.wrap("count users", err)
	}
	if _, err := query.OrderBy("ID").Limit(page.Limit, page.Offset).All(&found); err != nil {
		return nil, 0, s.wrap("list users", err)
	}
	users := make([]hook.User, len(found))
	for i, r := range found {
		users[i] = r.user()
	}
	return users, int(total), nil
}

// SetSysAdmin says whether a user is a system administrator.
func (s *Store) SetSysAdmin(ctx context.Context, userID int64, sysAdmin bool) error {
	return s.change(ctx, "make a system admin", `UPDATE users SET sys_admin = $2, update_time = `+s.d.Now+` WHERE id = $1`, userID, sysAdmin)
}

// DeleteUser removes a user with his memberships and sessions. What he made stays.
func (s *Store) DeleteUser(ctx context.Context, userID int64) error {
	return s.change(ctx, "delete a user", `DELETE FROM users WHERE id = $1`, userID)
}

// SetPassword replaces a user's password hash.
func (s *Store) SetPassword(ctx context.Context, userID int64, hash string) error {
	return s.change(ctx, "set a password", `UPDATE users SET password_hash = $2, update_time = `+s.d.Now+` WHERE id = $1`, userID, hash)
}

// change runs a statement that must find its row.
func (s *Store) change(ctx context.Context, doing, statement string, args ...any) error {
	result, err := s.write.ExecContext(ctx, statement, args...)
	if err != nil {
		return s.wrap(doing, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return s.wrap(doing, orNotFound(err))
	}
	return nil
}

// CreateProject stores a project and sets its id and times; its owner becomes
// project admin. A name that is taken is a hook.ErrConflict.
func (s *Store) CreateProject(ctx context.Context, p *hook.Project) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		var created int64
		err := tx.QueryRowContext(ctx, `INSERT INTO project (name, public, owner_id, owner_name, creation_time, update_time)
			VALUES ($1, $2, $3, $4, `+s.d.Now+`, `+s.d.Now+`) RETURNING id, creation_time`, p.Name, p.Public, p.OwnerID, p.OwnerName).
			Scan(&p.ID, &created)
		if err != nil {
			return err
		}
		p.CreationTime, p.UpdateTime = timeOf(created), timeOf(created)
		if p.OwnerID != 0 {
			if _, err := tx.ExecContext(ctx, `INSERT INTO project_member (project_id, user_id, role) VALUES ($1, $2, $3)`,
				p.ID, p.OwnerID, int(hook.RoleProjectAdmin)); err != nil {
				return err
			}
		}
		return s.policiesChanged(ctx, tx)
	})
	return s.wrap("create a project", err)
}

// Project returns a project.
func (s *Store) Project(ctx context.Context, id int64) (hook.Project, error) {
	return s.oneProject(ctx, "id = $1", id)
}

// ProjectByName returns a project.
func (s *Store) ProjectByName(ctx context.Context, name string) (hook.Project, error) {
	return s.oneProject(ctx, "name = $1", name)
}

func (s *Store) oneProject(ctx context.Context, condition string, arg any) (hook.Project, error) {
	p, err := scanProject(s.read.QueryRowContext(ctx, `SELECT `+projectColumns+` FROM project WHERE `+condition, arg))
	return p, s.wrap("look up a project", err)
}

// Projects returns one page of the projects that the filter lets through, by id,
// and how many there are in all.
func (s *Store) Projects(ctx context.Context, f hook.ProjectFilter, page hook.JobPage) ([]hook.Project, int, error) {
	w := projectsWhere(f)
	var total int
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM project p WHERE `+w.String(), w.args...).Scan(&total); err != nil {
		return nil, 0, s.wrap("count projects", err)
	}
	result, err := s.read.QueryContext(ctx, `SELECT `+projectColumns+` FROM project p WHERE `+w.String()+
		` ORDER BY id LIMIT `+w.arg(page.Limit)+` OFFSET `+w.arg(page.Offset), w.args...)
	if err != nil {
		return nil, 0, s.wrap("list projects", err)
	}
	var projects []hook.Project
	err = eachRow(result, func() error {
		p, err := scanProject(result)
		projects = append(projects, p)
		return err
	})
	return projects, total, s.wrap("list projects", err)
}

func projectsWhere(f hook.ProjectFilter) *where {
	w := &where{}
	if f.All {
		w.and("TRUE")
	} else {
		w.and("(p.public OR p.id = " + w.arg(f.RobotOf) + " OR EXISTS (SELECT 1 FROM project_member m WHERE m.project_id = p.id AND m.user_id = " + w.arg(f.ReaderID) + "))")
	}
	if f.Name != "" {
		w.and("p.name = " + w.arg(f.Name))
	}
	if f.NameContains != "" {
		w.and(`p.name LIKE ` + w.arg(containing(f.NameContains)) + ` ESCAPE '\'`) // names are lower-case
	}
	if f.Public != nil {
		w.and("p.public = " + w.arg(*f.Public))
	}
	if f.OwnerName != "" {
		w.and("p.owner_name = " + w.arg(f.OwnerName))
	}
	return w
}

// UpdateProject sets whether a project is public, and its update time.
func (s *Store) UpdateProject(ctx context.Context, p *hook.Project) error {
	return s.wrap("update a project", s.inTx(ctx, func(tx *sql.Tx) error {
		var updated int64
		err := tx.QueryRowContext(ctx, `UPDATE project SET public = $2, update_time = `+s.d.Now+` WHERE id = $1 RETURNING update_time`,
			p.ID, p.Public).Scan(&updated)
		if err != nil {
			return err
		}
		p.UpdateTime = timeOf(updated)
		return s.policiesChanged(ctx, tx)
	}))
}

// DeleteProject removes a project with its members and policies. Its waiting
// jobs are stopped; what happened stays.
func (s *Store) DeleteProject(ctx context.Context, id int64) error {
	return s.wrap("delete a project", s.inTx(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM project WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return orNotFound(err)
		}
		if err := s.stopJobs(ctx, tx, "project was deleted", `project_id = $2 AND status IN ('pending', 'scheduled')`, id); err != nil {
			return err
		}
		return s.policiesChanged(ctx, tx)
	}))
}

// Members returns the members of a project by id.
func (s *Store) Members(ctx context.Context, projectID int64) ([]hook.Member, error) {
	result, err := s.read.QueryContext(ctx, `SELECT m.id, m.project_id, m.user_id, u.username, m.role
		FROM project_member m JOIN users u ON u.id = m.user_id WHERE m.project_id = $1 ORDER BY m.id`, projectID)
	if err != nil {
		return nil, s.wrap("list members", err)
	}
	var members []hook.Member
	err = eachRow(result, func() error {
		var m hook.Member
		err := result.Scan(&m.ID, &m.ProjectID, &m.UserID, &m.Username, &m.Role)
		members = append(members, m)
		return err
	})
	return members, s.wrap("list members", err)
}

// AddMember gives a user a role in a project and sets the member's id. A user
// who is a member already is a hook.ErrConflict.
func (s *Store) AddMember(_ context.Context, m *hook.Member) error {
	row := memberRow{ProjectID: m.ProjectID, UserID: m.UserID, Role: int(m.Role)}
	if _, err := s.orm.Insert(&row); err != nil {
		return s.wrap("add a member", err)
	}
	m.ID = row.ID
	return nil
}

// UpdateMember changes the role of a member of a project.
func (s *Store) UpdateMember(ctx context.Context, projectID, memberID int64, role hook.Role) error {
	result, err := s.write.ExecContext(ctx, `UPDATE project_member SET role = $3 WHERE id = $1 AND project_id = $2`, memberID, projectID, int(role))
	if err != nil {
		return s.wrap("change a member", err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = hook.ErrNotFound
	}
	return s.wrap("change a member", err)
}

// RemoveMember takes a member out of a project.
func (s *Store) RemoveMember(_ context.Context, projectID, memberID int64) error {
	n, err := s.orm.QueryTable(new(memberRow)).Filter("ID", memberID).Filter("ProjectID", projectID).Delete()
	if err == nil && n == 0 {
		err = hook.ErrNotFound
	}
	return s.wrap("remove a member", err)
}

// Role returns a user's role in a project, hook.RoleNone if he is no member.
func (s *Store) Role(ctx context.Context, projectID, userID int64) (hook.Role, error) {
	var role hook.Role
	err := s.read.QueryRowContext(ctx, `SELECT role FROM project_member WHERE project_id = $1 AND user_id = $2`, projectID, userID).Scan(&role)
	if errors.Is(err, sql.ErrNoRows) {
		return hook.RoleNone, nil
	}
	return role, s.wrap("look up a role", err)
}

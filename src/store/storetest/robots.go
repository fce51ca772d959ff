package storetest

import (
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func (f *fixture) newRobot(t *testing.T, project hook.Project, name string) hook.Robot {
	t.Helper()
	r := hook.Robot{
		ProjectID: project.ID, Project: project.Name, Name: name, Description: "über", SecretHash: "h",
		Permissions: []string{"repository:pull"}, Days: 30, Creator: "admin",
	}
	must(t, f.CreateRobot(f.ctx, &r))
	return r
}

func robots(t *testing.T, f *fixture) {
	other := hook.Project{Name: "other"}
	must(t, f.CreateProject(f.ctx, &other))
	r, foreign := f.newRobot(t, f.project, "ci"), f.newRobot(t, other, "ci")
	if r.ID == 0 || r.CreationTime.IsZero() || !r.ExpiresAt.Equal(r.CreationTime.AddDate(0, 0, 30)) {
		t.Fatalf("id and times are not set: %+v", r)
	}
	wantError(t, f.CreateRobot(f.ctx, &hook.Robot{ProjectID: f.project.ID, Name: "ci"}), hook.ErrConflict)
	got, err := f.Robot(f.ctx, f.project.ID, r.ID)
	must(t, err)
	wantEqual(t, "robot", got, r)
	got, err = f.RobotByName(f.ctx, "other", "ci")
	must(t, err)
	wantEqual(t, "robot of the same name", got, foreign)
	for _, name := range []string{"CI", "", "x"} {
		_, err = f.RobotByName(f.ctx, "other", name)
		wantError(t, err, hook.ErrNotFound)
	}

	second := f.newRobot(t, f.project, "b")
	list, total, err := f.Robots(f.ctx, f.project.ID, hook.JobPage{Offset: 1, Limit: 5})
	must(t, err)
	wantEqual(t, "total", total, 2)
	wantEqual(t, "page", list, []hook.Robot{second})
	must(t, f.DeleteProject(f.ctx, other.ID))
	_, err = f.RobotByName(f.ctx, "other", "ci")
	wantError(t, err, hook.ErrNotFound)
}

func robotChanges(t *testing.T, f *fixture) {
	other := hook.Project{Name: "other"}
	must(t, f.CreateProject(f.ctx, &other))
	r := f.newRobot(t, f.project, "ci")
	stolen := r
	stolen.ProjectID, stolen.Permissions = other.ID, nil
	wantError(t, f.UpdateRobot(f.ctx, &stolen), hook.ErrNotFound)
	wantError(t, f.SetRobotSecret(f.ctx, other.ID, r.ID, "x"), hook.ErrNotFound)
	wantError(t, f.DeleteRobot(f.ctx, other.ID, r.ID), hook.ErrNotFound)
	got, err := f.Robot(f.ctx, f.project.ID, r.ID)
	must(t, err)
	wantEqual(t, "robot", got, r)

	r.Description, r.Permissions, r.Disabled, r.Days = "", []string{"repository:pull", "repository:push"}, true, hook.NoExpiry
	must(t, f.UpdateRobot(f.ctx, &r))
	wantEqual(t, "end", r.ExpiresAt, time.Time{})
	renamed := r
	renamed.Name, renamed.Creator, renamed.SecretHash = "x", "x", "x"
	must(t, f.UpdateRobot(f.ctx, &renamed))
	got, err = f.Robot(f.ctx, f.project.ID, r.ID)
	must(t, err)
	r.UpdateTime = renamed.UpdateTime
	wantEqual(t, "changed robot", got, r)
	must(t, f.SetRobotSecret(f.ctx, f.project.ID, r.ID, "h2"))
	got, err = f.Robot(f.ctx, f.project.ID, r.ID)
	must(t, err)
	wantEqual(t, "hash", got.SecretHash, "h2")

	must(t, f.DeleteRobot(f.ctx, f.project.ID, r.ID))
	wantError(t, f.DeleteRobot(f.ctx, f.project.ID, r.ID), hook.ErrNotFound)
}

func userChanges(t *testing.T, f *fixture) {
	u := hook.User{Username: "alice", Email: "Alice@example.com", PasswordHash: "h"}
	must(t, f.CreateUser(f.ctx, &u))
	must(t, f.SetSysAdmin(f.ctx, u.ID, true))
	got, err := f.User(f.ctx, u.ID)
	must(t, err)
	wantEqual(t, "is system admin", got.SysAdmin, true)
	for name, want := range map[string]bool{"alice": true, "bob": false, "": false} {
		taken, err := f.UsernameTaken(f.ctx, name)
		must(t, err)
		wantEqual(t, "name taken: "+name, taken, want)
	}
	must(t, f.CreateUser(f.ctx, &hook.User{Username: "without address", PasswordHash: "h"}))
	for email, want := range map[string]bool{"alice@EXAMPLE.com": true, "bob@example.com": false, "": false} {
		taken, err := f.EmailTaken(f.ctx, email)
		must(t, err)
		wantEqual(t, "address taken: "+email, taken, want)
	}
	must(t, f.AddMember(f.ctx, &hook.Member{ProjectID: f.project.ID, UserID: u.ID, Role: hook.RoleGuest}))
	f.addSession(t, "1", u, time.Now())
	must(t, f.DeleteUser(f.ctx, u.ID))
	_, err = f.Session(f.ctx, "1")
	wantError(t, err, hook.ErrNotFound)
	left, err := f.Members(f.ctx, f.project.ID)
	must(t, err)
	wantEqual(t, "members left", len(left), 0)
	for _, err := range []error{f.DeleteUser(f.ctx, u.ID), f.SetSysAdmin(f.ctx, u.ID, true)} {
		wantError(t, err, hook.ErrNotFound)
	}
}

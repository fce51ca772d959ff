package auth

import (
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/hook"
)

// The matrix is written out once more, as people read it, so that a change of the
// rules has to be made twice.
const matrix = `
action                     admin projectAdmin master developer guest member-of-another anonymous
notification-policy:list     Y        Y         Y       -       -           -              -
notification-policy:read     Y        Y         Y       -       -           -              -
notification-policy:create   Y        Y         -       -       -           -              -
notification-policy:update   Y        Y         -       -       -           -              -
notification-policy:delete   Y        Y         -       -       -           -              -
notification-policy:test     Y        Y         -       -       -           -              -
notification-job:list        Y        Y         Y       -       -           -              -
notification-job:update      Y        Y         -       -       -           -              -
project:read                 Y        Y         Y       Y       Y           P              P
project:update               Y        Y         -       -       -           -              -
project:delete               Y        Y         -       -       -           -              -
member:list                  Y        Y         Y       Y       Y           -              -
member:update                Y        Y         -       -       -           -              -
robot:list                   Y        Y         Y       -       -           -              -
robot:update                 Y        Y         -       -       -           -              -
repository:pull              Y        Y         Y       Y       Y           P              P
repository:push              Y        Y         Y       Y       -           -              -
artifact:delete              Y        Y         Y       -       -           -              -
`

// caller returns who stands for a column of the matrix.
func caller(column string) (Identity, hook.Role) {
	user := Identity{User: hook.User{ID: 7, Username: "u"}}
	switch column {
	case "admin":
		return Identity{User: hook.User{ID: 1, Username: "admin", SysAdmin: true}}, hook.RoleNone
	case "anonymous":
		return Identity{Anonymous: true}, hook.RoleNone
	}
	for _, r := range []hook.Role{hook.RoleProjectAdmin, hook.RoleMaster, hook.RoleDeveloper, hook.RoleGuest} {
		if r.String() == column {
			return user, r
		}
	}
	return user, hook.RoleNone
}

func TestEveryRoleMayDoWhatTheMatrixSays(t *testing.T) {
	t.Parallel()
	lines := strings.Split(strings.TrimSpace(matrix), "\n")
	columns := strings.Fields(lines[0])[1:]
	seen := make(map[Action]bool)
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		action := Action(cells[0])
		seen[action] = true
		for i, cell := range cells[1:] {
			id, role := caller(columns[i])
			for _, public := range []bool{false, true} {
				want := cell == "Y" || cell == "P" && public
				if got := Allowed(id, hook.Project{ID: 1, Public: public}, role, action); got != want {
					t.Errorf("%s in a project with public=%t: %s = %t, want %t", columns[i], public, action, got, want)
				}
			}
		}
	}
	for _, a := range Actions() {
		if !seen[a] {
			t.Errorf("the matrix says nothing about %s", a)
		}
	}
	if len(seen) != len(Actions()) {
		t.Errorf("the matrix has %d actions, Actions() %d", len(seen), len(Actions()))
	}
}

func TestUnknownActionsAndRolesAreRefused(t *testing.T) {
	t.Parallel()
	admin, _ := caller("admin")
	if Allowed(admin, hook.Project{Public: true}, hook.RoleProjectAdmin, "project:explode") {
		t.Error("an unknown action is allowed")
	}
	member, _ := caller("guest")
	for _, role := range []hook.Role{-1, 5, 99} {
		if Allowed(member, hook.Project{}, role, ActionPull) {
			t.Errorf("role %d may pull", role)
		}
	}
}

func TestAnonymousCallersHaveNoRoleWhateverTheyBring(t *testing.T) {
	t.Parallel()
	id := Identity{Anonymous: true, User: hook.User{SysAdmin: true}}
	if Allowed(id, hook.Project{}, hook.RoleProjectAdmin, ActionPush) {
		t.Error("an anonymous caller may push")
	}
	if id.SysAdmin() || id.Name() != "" {
		t.Error("an anonymous caller has a user's name or rights")
	}
}

func TestActionsNameResourceAndVerb(t *testing.T) {
	t.Parallel()
	for _, a := range Actions() {
		if a.Resource() == "" || a.Verb() == "" || a.Resource()+":"+a.Verb() != string(a) {
			t.Errorf("%q has resource %q and verb %q", a, a.Resource(), a.Verb())
		}
	}
}

package auth

import "github.com/harborhook/harborhook/src/hook"

// Allowed says whether the caller, who has this role in the project, may do this
// there. It is the only place where roles turn into permissions. A system
// administrator may do everything; a robot what it was given in its project, and
// what visitors may, whatever the role; an unknown role or action is refused.
func Allowed(id Identity, p hook.Project, role hook.Role, a Action) bool {
	least, visitors := requirement(a)
	switch {
	case least == hook.RoleNone:
		return false
	case id.SysAdmin():
		return true
	case p.Public && visitors:
		return true
	case id.Robot != nil:
		return granted(id.Robot, p, a)
	case id.Anonymous:
		return false
	default:
		return rank(role) >= rank(least)
	}
}

// requirement returns the least role that may do this, and whether visitors of a
// public project may too, signed in or not. An unknown action has RoleNone.
func requirement(a Action) (least hook.Role, visitors bool) {
	switch a {
	case ActionPull, ActionProjectRead:
		return hook.RoleGuest, true
	case ActionMemberList:
		return hook.RoleGuest, false
	case ActionPush:
		return hook.RoleDeveloper, false
	case ActionPolicyList, ActionPolicyRead, ActionJobList,
		ActionDeleteArtifact, ActionRobotList:
		return hook.RoleMaster, false
	case ActionPolicyCreate, ActionPolicyUpdate, ActionPolicyDelete, ActionPolicyTest, ActionJobUpdate,
		ActionProjectUpdate, ActionProjectDelete, ActionMemberManage, ActionRobotManage:
		return hook.RoleProjectAdmin, false
	default:
		return hook.RoleNone, false
	}
}

// rank orders the roles, whose numbers are Harbor's and tell nothing.
func rank(r hook.Role) int {
	switch r {
	case hook.RoleProjectAdmin:
		return 4
	case hook.RoleMaster:
		return 3
	case hook.RoleDeveloper:
		return 2
	case hook.RoleGuest:
		return 1
	default:
		return 0
	}
}

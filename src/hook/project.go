package hook

import "time"

// Project owns repositories and policies. Its name is the first element of the
// full name of each of its repositories.
type Project struct {
	ID           int64
	Name         string
	Public       bool
	OwnerID      int64
	OwnerName    string
	CreationTime time.Time
	UpdateTime   time.Time
}

// User is somebody who can sign in.
type User struct {
	ID           int64
	Username     string
	Email        string
	Realname     string
	PasswordHash string
	// SysAdmin may do everything in every project.
	SysAdmin     bool
	CreationTime time.Time
	UpdateTime   time.Time
}

// Role is what a member may do in a project. The numbers are Harbor's.
type Role int

// The roles. Maintainer is the master's name in Harbor 2.
const (
	RoleNone         Role = 0
	RoleProjectAdmin Role = 1
	RoleDeveloper    Role = 2
	RoleGuest        Role = 3
	RoleMaster       Role = 4
)

// String returns Harbor's name of the role.
func (r Role) String() string {
	switch r {
	case RoleProjectAdmin:
		return "projectAdmin"
	case RoleDeveloper:
		return "developer"
	case RoleGuest:
		return "guest"
	case RoleMaster:
		return "master"
	default:
		return "none"
	}
}

// Member is a user's role in a project.
type Member struct {
	ID        int64
	ProjectID int64
	UserID    int64
	Username  string
	Role      Role
}

// ProjectFilter narrows a list of projects. Zero fields do not narrow, except
// that somebody must be named who reads the list.
type ProjectFilter struct {
	// All lists every project. Without it the list has the public ones, and those
	// that the user ReaderID is a member of, or the project RobotOf.
	All      bool
	ReaderID int64
	RobotOf  int64
	// Name is the whole name, NameContains a part of it in any case.
	Name         string
	NameContains string
	Public       *bool
	OwnerName    string
}

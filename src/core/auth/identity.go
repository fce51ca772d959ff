package auth

import "github.com/harborhook/harborhook/src/hook"

// Identity is who asks.
type Identity struct {
	// User is the signed-in user, without password hash; zero when it is a Robot or
	// Anonymous.
	User hook.User
	// Robot is the signed-in robot, without the hash of its secret, or nil.
	Robot *hook.Robot
	// Anonymous says that no credentials were shown.
	Anonymous bool
}

// Name returns the user's name or the robot's full name, empty for anonymous callers.
func (id Identity) Name() string {
	switch {
	case id.Anonymous:
		return ""
	case id.Robot != nil:
		return id.Robot.FullName()
	default:
		return id.User.Username
	}
}

// SysAdmin says whether the caller is a system administrator.
func (id Identity) SysAdmin() bool { return id.IsUser() && id.User.SysAdmin }

// IsUser says whether the caller is a person who has signed in.
func (id Identity) IsUser() bool { return !id.Anonymous && id.Robot == nil }

func identityOf(u hook.User) Identity {
	u.PasswordHash = ""
	return Identity{User: u}
}

func identityOfRobot(r hook.Robot) Identity {
	r.SecretHash = ""
	return Identity{Robot: &r}
}

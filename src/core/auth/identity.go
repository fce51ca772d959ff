package auth

import "github.com/harborhook/harborhook/src/hook"

// Identity is who asks.
type Identity struct {
	// User is the signed-in user, without password hash; zero when Anonymous.
	User hook.User
	// Anonymous says that no credentials were shown.
	Anonymous bool
}

// Name returns the user's name, empty for anonymous callers.
func (id Identity) Name() string {
	if id.Anonymous {
		return ""
	}
	return id.User.Username
}

// SysAdmin says whether the caller is a system administrator.
func (id Identity) SysAdmin() bool { return !id.Anonymous && id.User.SysAdmin }

func identityOf(u hook.User) Identity {
	u.PasswordHash = ""
	return Identity{User: u}
}

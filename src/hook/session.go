package hook

import "time"

// Session is the stay of a user who has signed in.
type Session struct {
	// ID is derived from the token that the user holds, which is not kept.
	ID string
	// User is as of now, with password hash.
	User User
	// Credential is derived from the password hash at sign-in. Once it differs from
	// what the hash of now gives, the session has ended.
	Credential   string
	CreationTime time.Time
	// SeenTime is when the user was last heard of.
	SeenTime time.Time
}

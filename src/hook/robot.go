package hook

import (
	"strings"
	"time"
)

// Robot is an account of programs. It belongs to one project and may do there what
// it was given, and nothing anywhere else.
type Robot struct {
	ID        int64
	ProjectID int64
	// Project is the project's name.
	Project string
	// Name is what the project calls it; FullName is what it signs in with.
	Name        string
	Description string
	// SecretHash stands for the secret, which is not kept.
	SecretHash string
	// Permissions are the actions it was given, as "resource:verb".
	Permissions []string
	Disabled    bool
	// Days is how long it was made for, in days from its creation; NoExpiry is for ever.
	Days int64
	// ExpiresAt is when it ends; zero means never.
	ExpiresAt    time.Time
	Creator      string
	CreationTime time.Time
	UpdateTime   time.Time
}

// NoExpiry is the number of days of a robot that does not expire. It is Harbor's.
const NoExpiry = -1

// robotPrefix begins the full name of every robot. No user's name has its "$".
const robotPrefix = "robot$"

// FullName returns the name that the robot signs in with, for example
// robot$library+ci.
func (r Robot) FullName() string { return robotPrefix + r.Project + "+" + r.Name }

// End returns when the robot ends by its days: so many after its creation, zero for
// never.
func (r Robot) End() time.Time {
	if r.Days == NoExpiry {
		return time.Time{}
	}
	return r.CreationTime.AddDate(0, 0, int(r.Days))
}

// ParseRobotName returns the project and the name of the robot of this full name,
// and false if it is no robot's. Neither has a "+".
func ParseRobotName(full string) (project, name string, ok bool) {
	rest, ok := strings.CutPrefix(full, robotPrefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "+")
}

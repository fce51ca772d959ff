package hook

import "time"

// AuditEntry is one thing that somebody did to the webhooks of a project.
type AuditEntry struct {
	ID        int64
	ProjectID int64
	At        time.Time
	// Actor is the user's name.
	Actor  string
	Action AuditAction
	// PolicyID and JobID say what was acted on; 0 is nothing of the kind.
	PolicyID int64
	JobID    int64
	// Detail says more in a few words, without secrets.
	Detail string
}

// AuditAction is a kind of thing that people do.
type AuditAction string

// The actions that are recorded.
const (
	AuditCreate    AuditAction = "create"
	AuditUpdate    AuditAction = "update"
	AuditDelete    AuditAction = "delete"
	AuditTest      AuditAction = "test"
	AuditRotate    AuditAction = "rotate_secret"
	AuditRedeliver AuditAction = "redeliver"
	AuditStop      AuditAction = "stop"

	AuditCreateRobot AuditAction = "create_robot"
	AuditUpdateRobot AuditAction = "update_robot"
	AuditDeleteRobot AuditAction = "delete_robot"
	AuditRotateRobot AuditAction = "rotate_robot_secret"
)

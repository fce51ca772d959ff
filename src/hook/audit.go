package hook

import "time"

// AuditEntry is one thing that somebody did to the webhooks of a project, or of
// the whole system if it names none. Whoever changes something hands it to the
// store with the change, which keeps both or neither, and completes it: the policy
// that is new, or what came of a redelivery. Nil records nothing.
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

// Of completes an entry with the policy that was acted on.
func (e *AuditEntry) Of(policyID int64) *AuditEntry {
	if e != nil {
		e.PolicyID = policyID
	}
	return e
}

// With completes an entry with what came of the act.
func (e *AuditEntry) With(detail string) *AuditEntry {
	if e != nil {
		e.Detail = detail
	}
	return e
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
	// AuditCloseCircuit lets the jobs of an endpoint go that did not answer.
	AuditCloseCircuit AuditAction = "close_circuit"
	// AuditSwitch changes a switch of the whole system.
	AuditSwitch AuditAction = "switch"

	AuditCreateRobot AuditAction = "create_robot"
	AuditUpdateRobot AuditAction = "update_robot"
	AuditDeleteRobot AuditAction = "delete_robot"
	AuditRotateRobot AuditAction = "rotate_robot_secret"
)

package hook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Status is where a job stands.
type Status string

// The statuses of a job. Finished, error and stopped are final.
const (
	// StatusPending is stored, with no attempt yet.
	StatusPending Status = "pending"
	// StatusRunning has an attempt under way, under a lease.
	StatusRunning Status = "running"
	// StatusScheduled waits for its next attempt.
	StatusScheduled Status = "scheduled"
	// StatusFinished was answered with 2xx.
	StatusFinished Status = "finished"
	// StatusError failed for good.
	StatusError Status = "error"
	// StatusStopped was stopped by a person, or its policy is gone or disabled.
	StatusStopped Status = "stopped"
)

// Statuses lists every status in the order of a job's life.
func Statuses() []Status {
	return []Status{StatusPending, StatusRunning, StatusScheduled, StatusFinished, StatusError, StatusStopped}
}

// Final says whether a job of this status will never be attempted again.
func (s Status) Final() bool {
	return s == StatusFinished || s == StatusError || s == StatusStopped
}

// Job is one delivery of one event to one target of one policy: a row of the
// table webhook_job. The row is the job; what the queue holds is only a hint.
type Job struct {
	ID   int64
	UUID string
	// Key is unique: the same event for the same target of the same policy is stored once.
	Key        string
	ProjectID  int64
	PolicyID   int64
	PolicyName string
	// TargetPosition is the target's place in the policy's list, from 0.
	TargetPosition int
	EventID        string
	HookType       EventType
	// EventName is HookType as the policy named it when the job was made. Jobs from
	// before names were kept have none.
	EventName string
	// NotifyType is the target's type, for example "http".
	NotifyType string
	// Target is the address as it may be shown: values of its query are masked.
	Target string
	// Origin is scheme, host and port of the target; jobs of one origin share its fate.
	Origin        string
	PayloadFormat string
	ContentType   string
	// Detail is the body: what is stored is what is signed and sent, at every attempt.
	Detail []byte
	// Traceparent names the span under which the job was accepted, as W3C Trace Context
	// writes it; empty without tracing. Of a delivery under way it is the attempt's.
	Traceparent   string
	Repository    string
	Tag           string
	Digest        string
	Status        Status
	StatusMessage string
	// Attempts counts the tries that ended; interrupted ones do not count.
	Attempts int
	// HTTPStatus is the last answer's, 0 while there is none.
	HTTPStatus   int
	NextAt       time.Time
	RedeliveryOf int64
	CreationTime time.Time
	UpdateTime   time.Time
}

// JobKey returns the key under which a job of an event is stored once. It begins with
// when the event occurred, so that the keys of one time are neighbours in an index:
// what is written now does not touch the pages of all that there ever was.
func JobKey(e Event, policyID int64, targetPosition int) string {
	return fmt.Sprintf("%011x/%s", e.OccurredAt.UnixMilli(), lineage(e.ID, policyID, targetPosition))
}

// RedeliveryKey returns the key of one more job for the same event, target and
// policy, named by its UUID.
func RedeliveryKey(eventID string, policyID int64, targetPosition int, uuid string) string {
	return lineage(eventID, policyID, targetPosition) + "#" + uuid
}

// lineage is what all jobs for one event to one target of a policy have in common.
func lineage(eventID string, policyID int64, targetPosition int) string {
	return fmt.Sprintf("%s/%d/%d", eventID, policyID, targetPosition)
}

// MessageID returns the webhook-id header: the same for all attempts and
// redeliveries of one event to one target of a policy, so that receivers can
// tell repetitions.
func (j *Job) MessageID() string {
	sum := sha256.Sum256([]byte(lineage(j.EventID, j.PolicyID, j.TargetPosition)))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// Headers returns what is sent with the body at every attempt: no secret, no
// signature and no time.
func (j *Job) Headers() map[string]string {
	return map[string]string{
		"Content-Type":        j.ContentType,
		"X-Harbor-Event-Type": cmp.Or(j.EventName, string(j.HookType)),
		"X-Harbor-Delivery":   j.UUID,
		"Webhook-Id":          j.MessageID(),
	}
}

// Delivery is a job that a worker has claimed, with what its policy says now.
type Delivery struct {
	Job
	// Lease is the token that finishing the job must show.
	Lease string
	// Number is the attempt's, from 1.
	Number int
	// SendTo is the policy's target of today.
	SendTo Target
	// Secret is the policy's signing secret of today.
	Secret string
	// OldSecret signs as well until OldSecretUntil.
	OldSecret      string
	OldSecretUntil time.Time
}

// Secrets returns the secrets that sign at this time, today's first.
func (d *Delivery) Secrets(at time.Time) []string {
	switch {
	case d.Secret == "":
		return nil
	case d.OldSecret == "" || !at.Before(d.OldSecretUntil):
		return []string{d.Secret}
	default:
		return []string{d.Secret, d.OldSecret}
	}
}

// Outcome is how a claimed job goes on after an attempt.
type Outcome struct {
	JobID   int64
	Lease   string
	Attempt Attempt
	Status  Status
	// StatusMessage says in a few words why, for people.
	StatusMessage string
	// RetryIn is the wait until the next attempt when Status is scheduled.
	RetryIn time.Duration
}

// Redelivery is what became of jobs that were to be delivered once more.
type Redelivery struct {
	// IDs are the new jobs.
	IDs []int64
	// Refused says why a job was left out, by its id.
	Refused map[int64]string
	// Bulk is set if there are too many to be delivered at once: it delivers them.
	Bulk *Bulk
}

// String says in a few words what the new jobs are.
func (r Redelivery) String() string {
	if r.Bulk != nil {
		return fmt.Sprintf("%d jobs, as bulk %d", r.Bulk.Total, r.Bulk.ID)
	}
	if len(r.IDs) == 1 {
		return fmt.Sprintf("as job %d", r.IDs[0])
	}
	return fmt.Sprintf("%d jobs", len(r.IDs))
}

// JobFilter narrows a list of jobs. Zero fields do not narrow.
type JobFilter struct {
	ID         int64
	PolicyID   int64
	Statuses   []Status
	HookTypes  []EventType
	Repository string
	Tag        string
	Digest     string
	HTTPStatus int
	Since      time.Time
	Until      time.Time
	// Text is searched, ignoring case, in body, target, response bodies and errors.
	Text string
}

// Trigger is an event type of a policy.
type Trigger struct {
	PolicyID int64
	HookType EventType
}

// JobPage says which part of a list is wanted, newest first unless Ascending.
type JobPage struct {
	Offset    int
	Limit     int
	Ascending bool
}

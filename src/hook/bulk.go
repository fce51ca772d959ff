package hook

import (
	"fmt"
	"time"
)

// Bulk is the redelivery of many jobs, which JobService works off step by step: a
// row of the table webhook_bulk.
type Bulk struct {
	ID        int64
	ProjectID int64
	// Filter says which jobs are delivered again, among those that were there when
	// the bulk was created.
	Filter JobFilter
	Status BulkStatus
	// Total is how many jobs there are to deliver again; an estimate until the end if
	// the filter has a text.
	Total int
	// Done counts the new jobs, Failed those that could not be delivered again.
	Done   int
	Failed int
	// StartedBy is the user's name.
	StartedBy    string
	CreationTime time.Time
	UpdateTime   time.Time
}

// BulkStatus is where a bulk stands.
type BulkStatus string

// The statuses of a bulk. Finished and stopped are final.
const (
	BulkPending  BulkStatus = "pending"
	BulkRunning  BulkStatus = "running"
	BulkFinished BulkStatus = "finished"
	BulkStopped  BulkStatus = "stopped"
)

// BulkStep is what one step of a bulk has done.
type BulkStep struct {
	// IDs are the new jobs.
	IDs []int64
	// More says that there is something left to do.
	More bool
	// Wait says that nothing was done since the last step's jobs have not been tried
	// yet.
	Wait bool
}

// BulkKey returns the key of the one job that a bulk makes of a job.
func BulkKey(j Job, bulkID int64) string {
	return RedeliveryKey(j.EventID, j.PolicyID, j.TargetPosition, fmt.Sprintf("bulk/%d/%d", bulkID, j.ID))
}

// Package job says what a kind of job is: the part of JobService that the queue
// runs without knowing what it does.
package job

import "context"

// The priorities. A kind of higher priority is taken first, with a probability
// in proportion.
const (
	JobPriorityHigh   uint = 50000
	JobPriorityNormal uint = 500
	JobPriorityLow    uint = 5
)

// Interface is a kind of job.
type Interface interface {
	// Name is the kind's name in the queue, for example "WEBHOOK".
	Name() string
	// Priority is one of the JobPriority values, or between them.
	Priority() uint
	// Run works off one hint: the ids of rows that may be due. It may leave work in
	// hand when it returns, if it does not depend on the queue any more; what fails
	// is in the rows, not in the queue. It may run many times at once.
	Run(ctx context.Context, ids []int64)
}

package hook

import (
	"slices"
	"time"
)

// Switches are what system admins have set for the whole system.
type Switches struct {
	// Notifications is false while nothing is sent: events are stored, with their
	// jobs, and the jobs wait.
	Notifications bool
	// KeptEvents says what becomes of the waiting jobs when Notifications is switched
	// on. After that it is KeptSend again.
	KeptEvents KeptEvents
	// Paused are the kinds of job of which none starts, in the order of their names.
	Paused []string
}

// KeptEvents says what becomes of what waited while nothing was sent.
type KeptEvents string

// What may become of it.
const (
	// KeptSend sends it.
	KeptSend KeptEvents = "send"
	// KeptDrop stops the jobs.
	KeptDrop KeptEvents = "drop"
)

// The kinds of job that can be paused.
const (
	// KindOfWebhooks delivers.
	KindOfWebhooks = "WEBHOOK"
	// KindOfPurges removes old deliveries.
	KindOfPurges = "PURGE"
)

// QueueKinds lists the kinds of job in the order in which lists show them.
func QueueKinds() []string { return []string{KindOfWebhooks, KindOfPurges} }

// PausesKind says whether jobs of a kind are paused.
func (s Switches) PausesKind(kind string) bool { return slices.Contains(s.Paused, kind) }

// Holds says whether jobs of a kind must not start, for whatever reason.
func (s Switches) Holds(kind string) bool {
	return s.PausesKind(kind) || kind == KindOfWebhooks && !s.Notifications
}

// SwitchChange is what somebody wants of Switches. Nil fields stay.
type SwitchChange struct {
	Notifications *bool
	KeptEvents    *KeptEvents
}

// Queue is what waits of a kind of job.
type Queue struct {
	Waiting int
	// Latency is for how long the first of them has been due.
	Latency time.Duration
}

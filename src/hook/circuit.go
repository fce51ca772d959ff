package hook

import "time"

// Circuit is what is known of an origin whose last attempts were network errors.
type Circuit struct {
	// Origin is scheme, host and port.
	Origin string
	// Failures counts the network errors in a row.
	Failures int
	// OpenSince is when the circuit opened; zero while it is closed. Jobs of an
	// open one wait.
	OpenSince time.Time
	// NextProbe is when one of them may be tried; zero while it is closed.
	NextProbe time.Time
	// Waiting counts the jobs that wait; Circuits of the store fills it in.
	Waiting int
}

// Open says whether the jobs of the origin wait.
func (c Circuit) Open() bool { return !c.OpenSince.IsZero() }

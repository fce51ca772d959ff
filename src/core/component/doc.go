// Package component understands what other parts of Harbor tell: scanners,
// replication, quota and retention.
//
// Decode reads a message and checks it as a whole: a component can correct its
// mistake, so one bad event refuses all. An Intake adds what is known of the
// projects and artifacts that the events name, and hands them over like those of
// a registry.
package component

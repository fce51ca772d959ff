// Package chaos breaks running systems in every way that docs/reliability.md
// promises to survive, under load, and counts what was accepted, lost and
// delivered twice. `make chaos` runs it; without CHAOS in the environment it is
// skipped.
package chaos

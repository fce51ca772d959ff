// Package harness runs the whole system for tests: the real program in both
// shapes, with real servers around it, each on a free loopback port and in a
// folder of its own, and stops all of it afterwards.
package harness

// Package listen measures how soon `harborhook listen` shows that an image was pushed,
// with the program as it is shipped (TEST_BINARY). Nothing else should run meanwhile:
// `make listen` runs it.
package listen

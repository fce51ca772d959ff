// Package mittwald runs another Go client of Harbor 2, unchanged, against a running
// harborhook. It is a module of its own, since its dependencies are other versions
// than those of Harbor's own client.
package mittwald

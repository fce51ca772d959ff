// Package upgrade starts the program on databases of every schema there ever was, with
// data in them, and replaces running processes by those of a next release.
package upgrade

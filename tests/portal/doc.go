// Package portal holds the tests that look at the pages as people do: with a real
// browser, against a running system.
package portal

// Package docs does what the documentation tells developers to do.
package docs

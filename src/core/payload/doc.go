// Package payload turns an event into the body that a target receives. Each
// format has a file of its own; Render finds it by name.
package payload

// Package registry understands a registry's notifications: it turns an envelope
// into the events that happened and the facts that the tag memory learns.
//
// Decode reads an envelope, of distribution 2.8 and 3.x alike, into Actions. An
// Interpreter turns Actions into a hook.Notification. Neither changes anything:
// events and facts are stored together by whoever handles the notification.
package registry

// Package hook holds the nouns of the webhook system: events, policies, jobs and
// attempts, and what they mean. It imports the standard library only, so that
// every other package can speak in its words.
package hook

// Package event knows which events there are and hands what happened to those
// who act on it.
//
// The Catalog lists the event types, one file for each. The Handler passes every
// notification to every registered NotificationHandler.
package event

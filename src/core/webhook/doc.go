// Package webhook is the notification handler that the project is named after:
// it matches events with the policies of their project, renders what each target
// receives, stores event and jobs in one transaction, and hands the jobs to
// JobService. It also decides which policies are valid.
package webhook

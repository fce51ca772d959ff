// Package client calls the API of a running harborhook, in Harbor 2's shape
// (/api/v2.0), as a program of a person does: every call is made once, writes are
// never repeated, and what the server says against one is the error.
package client

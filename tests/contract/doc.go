// Package contract runs Harbor's own Go client, unchanged, against a running
// harborhook. It is a module of its own, so that the client's dependencies stay
// out of the product's.
package contract

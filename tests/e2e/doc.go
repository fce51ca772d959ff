// Package e2e tests what users see, on the real program: every case runs in both
// shapes, on a real push to a real registry where the registry matters.
package e2e

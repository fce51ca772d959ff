// Package embedded runs a registry in this process: the handlers of
// docker/distribution 2.8 over a folder of the file system, for the standalone
// shape and for tests. Users and roles are harborhook's own, and every event is
// handed over before the client gets its answer, so that none can be pending.
//
// A push or delete whose event cannot be stored fails with 503 and leaves the
// registry as a client that repeats it needs to find it. A pull is served all the
// same; its loss is logged and counted.
package embedded

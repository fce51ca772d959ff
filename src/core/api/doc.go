// Package api is Core's HTTP face: the REST routes of the first family
// (/api/…), the endpoint that takes the registry's notifications, and health.
//
// A request passes a request id, the Guard, beego's router and one call, which
// authenticates, finds the project, authorises and only then runs the handler.
// Handlers parse, call a service and write; what is stored and what is valid is
// decided by the services behind the interfaces of this package.
//
// It is the only package of Core that knows beego, and uses its router alone.
package api

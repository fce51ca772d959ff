// Package auth decides who somebody is and what they may do in a project. It is
// the only package that knows passwords and the only one that knows the roles'
// permissions: the REST API, the portal and the embedded registry all ask here.
package auth

// Package security attacks the running system in both shapes. Cases that need no
// running system are tested next to the code; docs/security.md says where.
package security

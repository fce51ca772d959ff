//go:build !linux

package main

import "syscall"

// attributes puts a process into a group of its own, as another user if wanted.
func attributes(_ syscall.Signal, as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as}
}

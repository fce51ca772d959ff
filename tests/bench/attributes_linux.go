package main

import "syscall"

// attributes puts a process into a group of its own, as another user if wanted,
// and has it told to stop should this program be killed.
func attributes(signal syscall.Signal, as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: signal, Credential: as}
}

package harness

import "syscall"

// procAttr makes a process a child that does not outlive a test that is cut off,
// nor get the signals that somebody types at the terminal.
func procAttr(credential *syscall.Credential, atEnd syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: atEnd, Credential: credential}
}

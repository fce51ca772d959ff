//go:build unix

package docs

import (
	"os/exec"
	"syscall"
)

// own gives a program a process group, all of which ends with it: "go run" starts
// another program.
func own(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

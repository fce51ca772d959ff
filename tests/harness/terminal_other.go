//go:build !linux

package harness

import (
	"errors"
	"os"
)

// openTerminal is not written for this system.
func openTerminal() (screen, inside *os.File, err error) {
	return nil, nil, errors.ErrUnsupported
}

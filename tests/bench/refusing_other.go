//go:build !linux

package main

import (
	"errors"
	"net"
)

// refusing is an address that takes no connections until it listens.
type refusing struct{ address string }

func newRefusing() (*refusing, error) {
	return nil, errors.New("endpoints that refuse connections are made on Linux only; leave them out with -waiting 0")
}

func (*refusing) listen() (net.Listener, error) { return nil, errors.ErrUnsupported }

func (*refusing) close() error { return nil }

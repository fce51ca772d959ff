package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
)

// refusing is an address of ours on the loopback interface that takes no
// connections until it listens. Nobody else can have it meanwhile.
type refusing struct {
	fd      int
	address string
}

func newRefusing() (*refusing, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	r := &refusing{fd: fd}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, errors.Join(fmt.Errorf("find a free port: %w", err), r.close())
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("find a free port: %w", err), r.close())
	}
	at, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return nil, errors.Join(fmt.Errorf("find a free port: the socket has an address %T", name), r.close())
	}
	r.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(at.Port))
	return r, nil
}

// listen takes connections from now on. r is used up.
func (r *refusing) listen() (net.Listener, error) {
	if err := syscall.Listen(r.fd, syscall.SOMAXCONN); err != nil {
		return nil, errors.Join(fmt.Errorf("listen at %s: %w", r.address, err), r.close())
	}
	file := os.NewFile(uintptr(r.fd), r.address)
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", r.address, err)
	}
	return l, nil
}

func (r *refusing) close() error { return syscall.Close(r.fd) }

package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"syscall"
)

// startRedis starts a Redis that keeps nothing on disk, and returns its URL.
func startRedis(ctx context.Context, dir, addr string) (*process, string, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, "", fmt.Errorf("redis-server is not installed; Debian and Ubuntu have it in the package of that name: %w", err)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, "", err
	}
	p, err := start("Redis", dir, syscall.SIGTERM, nil, nil, program, "--bind", host, "--port", port, "--dir", dir,
		"--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--daemonize", "no")
	if err != nil {
		return nil, "", err
	}
	err = p.ready(ctx, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		p.stop()
		return nil, "", err
	}
	return p, "redis://" + addr + "/0", nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// startPostgres starts a new PostgreSQL that syncs every commit to the disk, and
// returns its URL.
func startPostgres(ctx context.Context, dir, addr string) (*process, string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, "", err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, "", err
	}
	initdb, err := postgresProgram("initdb")
	if err != nil {
		return nil, "", err
	}
	server, err := postgresProgram("postgres")
	if err != nil {
		return nil, "", err
	}
	home := filepath.Join(dir, "postgres")
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, "", err
	}
	if as != nil {
		if err := os.Chown(home, int(as.Uid), int(as.Gid)); err != nil {
			return nil, "", err
		}
	}
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "HOME=" + home}
	data := filepath.Join(home, "data")
	create := exec.CommandContext(ctx, initdb, "-D", data, "-U", "harborhook", "--auth=trust", "--encoding=UTF8", "--no-sync")
	create.Dir, create.Env, create.SysProcAttr = home, env, attributes(syscall.SIGKILL, as)
	if out, err := create.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("initdb: %w\n%s", err, out)
	}
	p, err := start("PostgreSQL", dir, syscall.SIGINT, as, env, server, "-D", data, "-h", host, "-p", port, "-k", home,
		"-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "full_page_writes=on")
	if err != nil {
		return nil, "", err
	}
	isReady, err := postgresProgram("pg_isready")
	if err == nil {
		err = p.ready(ctx, func(ctx context.Context) error {
			return exec.CommandContext(ctx, isReady, "-q", "-U", "harborhook", "-d", "postgres", "-h", host, "-p", port).Run()
		})
	}
	if err != nil {
		p.stop()
		return nil, "", err
	}
	return p, "postgres://harborhook@" + addr + "/postgres?sslmode=disable", nil
}

// postgresProgram finds a program in the PATH, or where Debian puts those of the
// newest PostgreSQL.
func postgresProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("%s is not installed; Debian and Ubuntu have it in the package postgresql", name)
	}
	slices.SortFunc(found, func(a, b string) int { return majorOf(a) - majorOf(b) })
	return found[len(found)-1], nil
}

// majorOf reads the version from the path of a program.
func majorOf(path string) int {
	major, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return major
}

// unprivileged returns a user as whom PostgreSQL runs, which refuses to run as
// root. It is nil if we are not root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

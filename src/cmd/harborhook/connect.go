package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/harborhook/harborhook/src/client"
	"github.com/harborhook/harborhook/src/config"
)

const (
	defaultServer = "http://127.0.0.1:8080"
	defaultUser   = "admin"
)

// connection is which server a command calls, as whom, and about which project.
type connection struct {
	program *program

	server, user, password, passwordFile string
	dataDir, caFile                      string
	insecure, json                       bool
	project                              string
}

// connect gives a command the flags of a connection.
func (p *program) connect(c *cobra.Command) *connection {
	to := &connection{program: p}
	flags := c.Flags()
	flags.StringVar(&to.server, "server", "", "`URL` of the server (HARBORHOOK_SERVER, default "+defaultServer+")")
	flags.StringVar(&to.user, "user", "", "`name` to sign in with (HARBORHOOK_USER, default "+defaultUser+")")
	flags.StringVar(&to.password, "password", "", "`password`, which others may see in the list of processes (HARBORHOOK_PASSWORD)")
	flags.StringVar(&to.passwordFile, "password-file", "", "`file` that holds the password; - is standard input")
	flags.StringVar(&to.dataDir, "data-dir", "", "`folder` of a standalone on this machine, whose password of admin is taken (HARBORHOOK_DATA_DIR, default data)")
	flags.StringVar(&to.caFile, "ca-file", "", "PEM `file` of the authorities to trust instead of the system's")
	flags.BoolVar(&to.insecure, "insecure", false, "take any certificate of the server")
	flags.StringVar(&to.project, "project", "", "`name` of the project (HARBORHOOK_PROJECT)")
	flags.BoolVar(&to.json, "json", false, "print the API's objects, each on a line of its own")
	return to
}

// open returns a client, and fails with wrong use if something is missing.
func (to *connection) open() (*client.Client, error) {
	to.server = to.or(to.server, "SERVER", defaultServer)
	to.user = to.or(to.user, "USER", defaultUser)
	to.project = to.or(to.project, "PROJECT", "")
	if !strings.Contains(to.server, "://") {
		to.server = "http://" + to.server
	}
	if to.project == "" {
		return nil, wrongUse("which project? Give --project, or set HARBORHOOK_PROJECT")
	}
	cfg := client.Config{Server: to.server, User: to.user, Insecure: to.insecure, UserAgent: "harborhook/" + version}
	var err error
	if cfg.Roots, err = to.roots(); err != nil {
		return nil, err
	}
	if cfg.Password, err = to.secret(); err != nil {
		return nil, err
	}
	c, err := client.New(cfg)
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// or returns what a flag says, or else the variable, or else the default.
func (to *connection) or(flag, variable, otherwise string) string {
	if flag != "" {
		return flag
	}
	if set := to.program.variable("HARBORHOOK_" + variable); set != "" {
		return set
	}
	return otherwise
}

// variable returns a variable of the environment, or nothing.
func (p *program) variable(name string) string {
	for _, entry := range p.environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

func (to *connection) roots() (*x509.CertPool, error) {
	if to.caFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(to.caFile)
	if err != nil {
		return nil, wrongUse("read the authorities: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, wrongUse("%s holds no certificate in PEM", to.caFile)
	}
	return roots, nil
}

// secret returns the password: what is given, that of the standalone on this
// machine, or what is typed.
func (to *connection) secret() (string, error) {
	if to.password != "" && to.passwordFile != "" {
		return "", wrongUse("give either --password or --password-file")
	}
	if to.passwordFile != "" {
		text, err := to.readFile(to.passwordFile)
		if err == nil && text == "" {
			err = errors.New("it is empty")
		}
		if err != nil {
			return "", wrongUse("read the password: %w", err)
		}
		return text, nil
	}
	if given := to.or(to.password, "PASSWORD", ""); given != "" {
		return given, nil
	}
	local, err := to.local()
	if err != nil || local != "" {
		return local, err
	}
	if to.program.ask == nil {
		return "", wrongUse("the password of %s is not known: give --password-file, or set HARBORHOOK_PASSWORD", to.user)
	}
	typed, err := to.program.ask("Password of " + to.user + " at " + to.server + ": ")
	if err != nil {
		return "", fmt.Errorf("ask for the password: %w", err)
	}
	return typed, nil
}

// local returns admin's password of a standalone on this machine, if that is who
// is called.
func (to *connection) local() (string, error) {
	if to.user != defaultUser || !isLoopback(to.server) {
		return "", nil
	}
	if to.dataDir == "" {
		if set := to.program.variable("HARBORHOOK_ADMIN_PASSWORD"); set != "" {
			return set, nil
		}
	}
	text, err := to.readFile(config.SecretPath(to.or(to.dataDir, "DATA_DIR", "data"), "admin_password"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && to.dataDir == "":
		return "", nil
	case err != nil:
		return "", wrongUse("read the password of admin: %w", err)
	}
	return text, nil
}

func isLoopback(server string) bool {
	u, err := url.Parse(server)
	if err != nil {
		return false
	}
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}

// readFile returns a file, or what standard input brings, without its line's end.
func (to *connection) readFile(name string) (string, error) {
	var text []byte
	var err error
	if name == "-" {
		text, err = io.ReadAll(to.program.stdin)
	} else {
		text, err = os.ReadFile(name) //nolint:gosec // the user names it
	}
	return strings.TrimRight(string(text), "\r\n"), err
}

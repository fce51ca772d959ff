// Command embed is a server with users and projects of its own, and harborhook
// inside it. docs/embedding.md goes through it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/harborhook/harborhook/src/embed"
	"github.com/harborhook/harborhook/src/hook"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8090", "where to listen")
	settings := map[string]string{
		// A real host keeps these three outside its sources.
		"HARBORHOOK_ENCRYPTION_KEY":     "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
		"HARBORHOOK_NOTIFICATION_TOKEN": "what-the-registry-shows",
		"HARBORHOOK_COMPONENT_TOKEN":    "what-components-show",
	}
	set := func(name string) func(string) error {
		return func(value string) error {
			settings[name] = value
			return nil
		}
	}
	flag.Func("data", "folder of the SQLite database (default ./data)", set("HARBORHOOK_DATA_DIR"))
	flag.Func("database", "URL of a PostgreSQL, instead of the SQLite database", set("HARBORHOOK_DATABASE_URL"))
	flag.Func("redis", "URL of a Redis, instead of the queue in this process", set("HARBORHOOK_REDIS_URL"))
	flag.Func("targets", "networks that targets may lie in besides public ones, for example loopback", set("HARBORHOOK_ALLOWED_NETWORKS"))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, settings); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string, settings map[string]string) error {
	h := newHost()
	hooks, err := embed.New(ctx, embed.Config{Users: h, Projects: h, Settings: settings})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.greet)
	mux.Handle("/api/", hooks.Handler())
	mux.Handle("/service/notifications", hooks.Handler())
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return hooks.Run(ctx) })
	group.Go(func() error {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return server.Shutdown(stopping)
	})
	return group.Wait()
}

// host has users, who show a key, and projects, which some of them own.
type host struct {
	users  map[string]hook.User // by key
	owners map[string]int64     // by project
}

func newHost() *host {
	return &host{
		users: map[string]hook.User{
			"key-of-ada":  {ID: 1, Username: "ada"},
			"key-of-bob":  {ID: 2, Username: "bob"},
			"key-of-root": {ID: 3, Username: "root", SysAdmin: true},
		},
		owners: map[string]int64{"engines": 1, "looms": 2},
	}
}

// Authenticate implements embed.Users.
func (h *host) Authenticate(r *http.Request) (hook.User, error) {
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Key ")
	u, ok := h.users[key]
	if !ok {
		return hook.User{}, hook.ErrNotFound
	}
	return u, nil
}

// ProjectByName implements embed.Projects.
func (h *host) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	if _, ok := h.owners[name]; !ok {
		return hook.Project{}, hook.ErrNotFound
	}
	return hook.Project{Name: name}, nil
}

// Role implements embed.Projects.
func (h *host) Role(_ context.Context, project string, userID int64) (hook.Role, error) {
	if h.owners[project] == userID {
		return hook.RoleProjectAdmin, nil
	}
	return hook.RoleNone, nil
}

// greet is what the host does besides.
func (h *host) greet(w http.ResponseWriter, r *http.Request) {
	name := "stranger"
	if u, err := h.Authenticate(r); err == nil {
		name = u.Username
	}
	fmt.Fprintf(w, "Hello, %s.\n", name)
}

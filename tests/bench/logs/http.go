package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/store"
)

// served is Core's API over a store.
type served struct {
	server *http.Server
	base   string
}

const (
	adminName     = "admin"
	adminPassword = "Harborhook-12345"
)

func startHTTP(s *store.Store) (*served, error) {
	hash, err := auth.HashPassword(adminPassword)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if err := s.CreateUser(ctx, &hook.User{Username: adminName, PasswordHash: hash, SysAdmin: true}); err != nil && !errors.Is(err, hook.ErrConflict) {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	handler := api.New(api.Config{
		Store: s, Auth: auth.New(auth.Config{Users: s, Roles: s}), Catalog: event.DefaultCatalog(), Logger: slog.New(slog.DiscardHandler),
	})
	h := &served{server: &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}, base: "http://" + l.Addr().String()}
	go h.server.Serve(l)
	return h, nil
}

func (h *served) close() { h.server.Close() }

// list asks for a page of deliveries as the page in the browser does.
func (h *served) list(project int64) func(context.Context, hook.JobFilter, hook.JobPage) (int, error) {
	return func(ctx context.Context, f hook.JobFilter, page hook.JobPage) (int, error) {
		query := url.Values{"page_size": {strconv.Itoa(page.Limit)}, "page": {strconv.Itoa(page.Offset/page.Limit + 1)}}
		if f.Text != "" {
			query.Set("text", f.Text)
		}
		address := fmt.Sprintf("%s/api/projects/%d/webhook/jobs?%s", h.base, project, query.Encode())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return 0, err
		}
		req.SetBasicAuth(adminName, adminPassword)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return 0, err
		}
		if resp.StatusCode != http.StatusOK {
			return 0, errors.New(resp.Status)
		}
		return strconv.Atoi(resp.Header.Get("X-Total-Count"))
	}
}

package api

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// checkDeadline bounds each check of a component.
const checkDeadline = time.Second

// databaseComponent decides whether the service as a whole is healthy.
const databaseComponent = "database"

const (
	healthy   = "healthy"
	degraded  = "degraded"
	unhealthy = "unhealthy"
)

type healthJSON struct {
	Status     string          `json:"status"`
	Components []componentJSON `json:"components"`
}

type componentJSON struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

// health answers 200 while the database answers; what else is lost degrades.
func (a *API) health(c *call) error {
	failed := a.check(c.r.Context())
	answer := healthJSON{Status: healthy}
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		state := healthy
		if failed[name] {
			state = unhealthy
			answer.Status = degraded
		}
		answer.Components = append(answer.Components, componentJSON{name, state})
	}
	if failed[databaseComponent] {
		answer.Status = unhealthy
		return writeJSON(c.w, http.StatusServiceUnavailable, answer)
	}
	return c.json(answer)
}

// check runs all checks at once and says which components failed. Why is for the
// log only.
func (a *API) check(ctx context.Context) map[string]bool {
	checks := map[string]func(context.Context) error{databaseComponent: a.Store.Ping}
	maps.Copy(checks, a.Health)
	return Failed(ctx, checks, a.Logger)
}

// Failed runs checks at once, each for a second at most, and says which fail.
func Failed(ctx context.Context, checks map[string]func(context.Context) error, log *slog.Logger) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, checkDeadline)
	defer cancel()
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		failed = make(map[string]bool, len(checks))
	)
	for name, check := range checks {
		wg.Go(func() {
			err := check(ctx)
			if err != nil {
				log.LogAttrs(ctx, slog.LevelDebug, "component is not healthy", slog.String("component", name), slog.Any("error", err))
			}
			mu.Lock()
			defer mu.Unlock()
			failed[name] = err != nil
		})
	}
	wg.Wait()
	return failed
}

// live answers as long as the process does.
func (a *API) live(c *call) error {
	writeBody(c.w, http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
	return nil
}

// ready answers 200 while requests can be served.
func (a *API) ready(c *call) error {
	ctx, cancel := context.WithTimeout(c.r.Context(), checkDeadline)
	defer cancel()
	status, word := http.StatusOK, "ok\n"
	if a.Store.Ping(ctx) != nil {
		status, word = http.StatusServiceUnavailable, "database unavailable\n"
	}
	writeBody(c.w, status, "text/plain; charset=utf-8", []byte(word))
	return nil
}

// ping answers as Harbor does: 1.10 with a JSON string, 2 with plain text.
func (a *API) ping(c *call) error {
	if c.family.harbor2 {
		writeBody(c.w, http.StatusOK, "text/plain; charset=utf-8", []byte("Pong"))
		return nil
	}
	return c.json("Pong")
}

// systemInfo tells what Harbor's clients look for before they sign in.
func (a *API) systemInfo(c *call) error {
	ctx, cancel := context.WithTimeout(c.r.Context(), checkDeadline)
	defer cancel()
	var notifications *bool
	if set, err := a.Store.Switches(ctx); err == nil { // the rest is true without a database
		notifications = &set.Notifications
	}
	return c.json(struct {
		AuthMode         string `json:"auth_mode"`
		HarborVersion    string `json:"harbor_version"`
		RegistryURL      string `json:"registry_url"`
		SelfRegistration bool   `json:"self_registration"`
		ProjectCreation  string `json:"project_creation_restriction"`
		ReadOnly         bool   `json:"read_only"`
		HasCARoot        bool   `json:"has_ca_root"`
		Notifications    *bool  `json:"notification_enable,omitempty"`
	}{AuthMode: "db_auth", HarborVersion: a.Version, RegistryURL: a.Registry, ProjectCreation: "everyone", Notifications: notifications})
}

func (a *API) metrics(c *call) error {
	a.Metrics.ServeHTTP(c.w, c.r)
	return nil
}

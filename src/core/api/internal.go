package api

import (
	"log/slog"
	"net/http"
)

// Public returns the handler without the routes that only other programs use: the
// endpoints that take events, and the metrics. It is for the address that people
// reach, where Internal has an address of its own.
func (a *API) Public() http.Handler {
	return a.only(func(p string) bool { return !internal(p) })
}

// Internal returns the handler of the routes that Public leaves out, and of the
// probes.
func (a *API) Internal() http.Handler {
	return a.only(func(p string) bool { return internal(p) || p == livePath || p == readyPath })
}

// internal takes whole folders, so that no second spelling of a route is forgotten.
func internal(p string) bool { return under(p, "/service") || under(p, metricsPath) }

func (a *API) only(open func(path string) bool) http.Handler {
	closed := withRequestID(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.fail(w, r, refuse(http.StatusNotFound, "not found"))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if open(r.URL.Path) {
			a.handler.ServeHTTP(w, r)
			return
		}
		closed.ServeHTTP(w, r)
	})
}

// stranger counts a message whose sender did not show the token. Those of a
// registry are logged as refused anyway.
func (a *API) stranger(r *http.Request) {
	if a.AuthFailed != nil {
		a.AuthFailed(r.URL.Path)
	}
	if r.URL.Path != componentPath {
		return
	}
	if count, ok := a.strangers.ask(); ok {
		a.Logger.LogAttrs(r.Context(), slog.LevelWarn, "events of a component are refused: its token is missing or wrong",
			slog.String("client", clientOf(r)), slog.Int("count", count))
	}
}

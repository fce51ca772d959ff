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

// onlyInsiders refuses requests for internal routes that come from other networks
// than Insider knows, whatever they show. Nothing of them is read.
func (a *API) onlyInsiders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Insider == nil || !internal(r.URL.Path) || a.Insider(r) {
			next.ServeHTTP(w, r)
			return
		}
		a.stranger(r, "a request is refused: its network is not in HARBORHOOK_INTERNAL_NETWORKS")
		a.fail(w, r, refuse(http.StatusForbidden, "this address may not use internal endpoints"))
	})
}

// stranger counts a request whose sender may not make it, and says why now and
// then. Those of a registry are logged as refused anyway.
func (a *API) stranger(r *http.Request, why string) {
	if a.AuthFailed != nil {
		a.AuthFailed(endpoint(r.URL.Path))
	}
	if r.URL.Path == notificationPath {
		return
	}
	if count, ok := a.strangers.ask(); ok {
		a.Logger.LogAttrs(r.Context(), slog.LevelWarn, why,
			slog.String("endpoint", endpoint(r.URL.Path)), slog.String("client", clientOf(r)), slog.Int("count", count))
	}
}

// endpoint is the path of an internal route, and one word for all that are none,
// since anybody can make up paths.
func endpoint(p string) string {
	switch p {
	case notificationPath, componentPath, metricsPath:
		return p
	default:
		return "unknown"
	}
}

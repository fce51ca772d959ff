package api

import (
	"net/http"
	"time"
)

// NewServer returns a server with the limits in time and size that keep slow or
// wasteful callers from holding it: 5 s for the head of a request, 30 s for all
// of it, 60 s to answer, 120 s idle, 64 kB of header. Routes that stream extend
// their own deadline with http.ResponseController.
func NewServer(addr string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		// "OPTIONS *" is refused like every other OPTIONS.
		DisableGeneralOptionsHandler: true,
	}
}

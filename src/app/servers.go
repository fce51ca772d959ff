package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// listen opens an address; variable is where it was set.
func listen(ctx context.Context, variable, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s is %q, where this process cannot listen: %w; set it to a free address of this machine", variable, addr, err)
	}
	return l, nil
}

// serve serves until ctx ends, and then answers what is under way, within the grace.
func serve(server *http.Server, l net.Listener, log *slog.Logger) func(context.Context) error {
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	return func(ctx context.Context) error {
		stopped := make(chan error, 1)
		go func() {
			<-ctx.Done()
			stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
			defer cancel()
			stopped <- server.Shutdown(stopping)
		}()
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		if err := <-stopped; errors.Is(err, context.DeadlineExceeded) {
			log.Warn("requests were cut off", "addr", l.Addr().String())
			return server.Close()
		} else if err != nil {
			return err
		}
		return nil
	}
}

// internalServer bounds what callers may take, but not the size or duration of
// bodies, which a registry needs.
func internalServer(handler http.Handler) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
}

// startDebug serves profiles where the operator asks for them.
func startDebug(ctx context.Context, p *parts, addr string, log *slog.Logger) error {
	if addr == "" {
		return nil
	}
	l, err := listen(ctx, "HARBORHOOK_DEBUG_ADDR", addr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	p.add("debug server", serve(internalServer(mux), l, log))
	return nil
}

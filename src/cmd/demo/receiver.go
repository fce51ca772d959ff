package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// delivery is a webhook as it arrived.
type delivery struct {
	at                  time.Time
	method, path, proto string
	header              http.Header
	body                []byte
}

// receiver takes webhooks on a free loopback port.
type receiver struct {
	url string
	// arrived has the first delivery.
	arrived chan delivery

	server *http.Server
	ended  chan error
}

// maxDelivery is as much of a webhook as is read, in bytes.
const maxDelivery = 1 << 20

func startReceiver(ctx context.Context) (*receiver, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a receiver: %w", err)
	}
	r := &receiver{
		url:     "http://" + l.Addr().String() + "/hook",
		arrived: make(chan delivery, 1),
		ended:   make(chan error, 1),
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	go func() { r.ended <- r.server.Serve(l) }()
	return r, nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxDelivery))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case r.arrived <- delivery{at, req.Method, req.URL.Path, req.Proto, req.Header, body}:
	default: // a repetition
	}
	w.WriteHeader(http.StatusOK)
}

func (r *receiver) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err := r.server.Shutdown(ctx)
	if ended := <-r.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
